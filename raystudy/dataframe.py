"""Trials as a pandas DataFrame, with the columns that Optuna gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["trials_dataframe"]

#: A column: the attribute and, where it holds several values, the name or place of one of them.
Column = tuple[str, Any]


def trials_dataframe(
    trials: Sequence[FrozenTrial],
    n_objectives: int,
    metric_names: Sequence[str] | None,
    attrs: Sequence[str],
    multi_index: bool,
) -> pd.DataFrame:
    """Return one row for each trial.

    Args:
        trials: The trials.
        n_objectives: Number of objectives; with several, ``value`` stands for ``values``.
        metric_names: Names of the objectives.
        attrs: Attributes of ``FrozenTrial``; a leading underscore is left out of the column's name.
        multi_index: Whether columns are pairs instead of texts joined by underscores.
    """
    if not trials:
        return pd.DataFrame()
    columns: dict[Column, list[Any]] = {}
    plain = {"value": "values"} if n_objectives > 1 else {}
    for attr in dict.fromkeys(plain.get(attr, attr) for attr in attrs):
        columns |= _columns(attr, trials, metric_names or range(n_objectives), metric_names)
    # Made by position: two columns may have one name once they are joined.
    table = pd.concat([pd.Series(values) for values in columns.values()], axis=1)
    table.columns = pd.MultiIndex.from_tuples(list(columns))
    if not multi_index:
        table.columns = pd.Index([_joined(column) for column in columns])
    return table


def _columns(
    attr: str,
    trials: Sequence[FrozenTrial],
    objectives: Iterable[Any],
    metric_names: Sequence[str] | None,
) -> dict[Column, list[Any]]:
    """Return the columns of one attribute, by name."""
    title = attr.removeprefix("_")
    cells = [getattr(trial, attr) for trial in trials]
    if attr == "values":
        return {
            (title, name): [None if cell is None else cell[at] for cell in cells]
            for at, name in enumerate(objectives)
        }
    if attr == "value" and metric_names:
        return {(title, metric_names[0]): cells}
    if any(isinstance(cell, Mapping) for cell in cells):
        return _nested(title, cells)
    return {(title, ""): [cell.name if isinstance(cell, TrialState) else cell for cell in cells]}


def _nested(title: str, cells: Sequence[Mapping[Any, Any]]) -> dict[Column, list[Any]]:
    """Return a column for each key, NaN where a trial does not have it."""
    found: dict[Any, list[Any]] = {}
    for row, cell in enumerate(cells):
        for key, value in cell.items():
            column = found.get(key)
            if column is None:
                column = found[key] = [float("nan")] * len(cells)
            column[row] = value
    return {(title, key): found[key] for key in sorted(found)}


def _joined(column: Column) -> str:
    # Optuna leaves out what is false, but for the text "0" of the first objective.
    return "_".join(text for text in map(str, column) if text)
