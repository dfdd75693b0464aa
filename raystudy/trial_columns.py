"""Trials as columns of plain Python values, under the names that Optuna's dataframe and command line have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["ABSENT", "Column", "trial_columns"]

#: A column: the attribute and, where it holds several values, the name or place of one of them (else "").
Column = tuple[str, Any]

#: What stands in a row whose trial has no such value.
ABSENT = float("nan")


def trial_columns(
    trials: Sequence[FrozenTrial],
    n_objectives: int,
    metric_names: Sequence[str] | None,
    attrs: Sequence[str],
) -> dict[Column, list[Any]]:
    """Return the columns in order, each with one value for each trial.

    Args:
        trials: The trials.
        n_objectives: Number of objectives; with several, ``value`` stands for ``values``.
        metric_names: Names of the objectives.
        attrs: Attributes of ``FrozenTrial``; a leading underscore is left out of the column's name.
    """
    plain = {"value": "values"} if n_objectives > 1 else {}
    columns: dict[Column, list[Any]] = {}
    for attr in dict.fromkeys(plain.get(attr, attr) for attr in attrs):
        columns |= _columns_of(attr, trials, n_objectives, metric_names)
    return columns


def _columns_of(
    attr: str, trials: Sequence[FrozenTrial], n_objectives: int, metric_names: Sequence[str] | None
) -> dict[Column, list[Any]]:
    title = attr.removeprefix("_")
    cells = [getattr(trial, attr) for trial in trials]
    if attr == "values":
        return {
            (title, name): [None if cell is None else cell[at] for cell in cells]
            for at, name in enumerate(metric_names or range(n_objectives))
        }
    if attr == "value" and metric_names:
        return {(title, metric_names[0]): cells}
    if any(isinstance(cell, Mapping) for cell in cells):
        return _nested(title, cells)
    return {(title, ""): [cell.name if isinstance(cell, TrialState) else cell for cell in cells]}


def _nested(title: str, cells: Sequence[Mapping[Any, Any]]) -> dict[Column, list[Any]]:
    """Return a column for each key, in order."""
    found: dict[Any, list[Any]] = {}
    for row, cell in enumerate(cells):
        for key, value in cell.items():
            column = found.get(key)
            if column is None:
                column = found[key] = [ABSENT] * len(cells)
            column[row] = value
    return {(title, key): found[key] for key in sorted(found)}
