"""The value of each trial over each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raystudy.frozen import StudyDirection
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.ranges import beyond, readable_range
from raystudy.visualization.data.reading import (
    BoolArray,
    Column,
    FloatArray,
    IntArray,
    Target,
    check_target,
    columns,
    feasible,
    number_of,
    valued_trials,
)

__all__ = ["Slice", "Slices", "slices"]


@dataclass(frozen=True, slots=True)
class Slice:
    """The trials that have one parameter.

    Attributes:
        name: The parameter.
        x: (n,) its values, of a categorical parameter as text.
        values: (n,) the values of the trials.
        numbers: (n,) their numbers.
        feasible: (n,) whether they meet their constraints.
        is_log: Whether the axis is logarithmic.
        labels: The choices in order; None if the parameter is a number.
    """

    name: str
    x: tuple[Any, ...]
    values: FloatArray
    numbers: IntArray
    feasible: BoolArray
    is_log: bool
    labels: tuple[str, ...] | None

    def some(self, is_feasible: bool) -> tuple[list[Any], FloatArray, IntArray]:
        """Return x, values and numbers of the feasible trials, or of the others."""
        chosen = np.flatnonzero(self.feasible == is_feasible)
        return [self.x[at] for at in chosen.tolist()], self.values[chosen], self.numbers[chosen]


@dataclass(frozen=True, slots=True)
class Slices:
    """A slice for each parameter.

    Attributes:
        slices: The slices, by name of the parameter.
        shown_values: Lower and upper end of the values to begin with, None for all of them.
        notes: What a reader must know.
    """

    slices: tuple[Slice, ...]
    shown_values: tuple[float, float] | None
    notes: tuple[str, ...]


def slices(
    study: StudyReader, params: Sequence[str] | None, target: Target | None, target_name: str
) -> Slices:
    """Return a slice for each parameter.

    Raises:
        ValueError: If no trial has one of the parameters.
    """
    check_target([study], target, target_name)
    found = valued_trials(study, target)
    numbers = np.array([trial.number for trial in found.trials], dtype=np.int64)
    is_kept = feasible(found.trials)
    maximize = study.directions[0] is StudyDirection.MAXIMIZE
    shown = readable_range(found.values, maximize=maximize) if target is None else None
    n_beyond = int(beyond(found.values, shown).sum())
    notes = (f"{number_of(n_beyond, 'trial')} outside of the range shown",) if n_beyond else ()
    return Slices(
        tuple(_slice(column, found.values, numbers, is_kept) for column in columns(found.trials, params)),
        shown,
        (*found.notes, *notes),
    )


def _slice(column: Column, values: FloatArray, numbers: IntArray, is_kept: BoolArray) -> Slice:
    rows = np.flatnonzero(column.present)
    choices = getattr(column.distribution, "choices", None)
    if choices is None:
        labels = None
        x: list[Any] = [column.values[at] for at in rows.tolist()]
    else:
        labels = tuple(map(repr, choices))
        places = [labels.index(repr(column.values[at])) for at in rows.tolist()]
        order = np.argsort(places, kind="stable")  # the axis has the choices in this order
        rows, x = rows[order], [labels[places[at]] for at in order.tolist()]
    return Slice(column.name, tuple(x), values[rows], numbers[rows], is_kept[rows], column.is_log, labels)
