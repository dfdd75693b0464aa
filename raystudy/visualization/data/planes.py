"""Pairs of parameters as planes: for the contours of the values and for their ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
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
    evenly,
    feasible,
    number_of,
    valued_trials,
    values_of,
)

__all__ = ["Axis", "Planes", "Ranks", "contours", "ranks"]

#: Room at both ends of an axis, as a share of it.
_PADDING = 0.05
#: So many points are drawn in all planes together; each plane has at least the second number of them.
_MOST_POINTS, _LEAST_POINTS = 40_000, 500


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter as an axis.

    Attributes:
        name: The parameter.
        values: (n,) its value in each trial, as text where it is no number; None where the trial does not have it.
        places: (n,) the same as numbers: positions of the labels where it is no number, NaN where it is missing.
        range: The ends of the axis, with room at both ends.
        is_log: Whether it is logarithmic.
        labels: The texts in order where it is no number, else None.
    """

    name: str
    values: tuple[Any, ...]
    places: FloatArray
    range: tuple[float, float]
    is_log: bool
    labels: tuple[str, ...] | None

    def scaled(self, places: FloatArray) -> FloatArray:
        """Return places as they are on paper: their logarithms on a logarithmic axis."""
        return np.log10(places) if self.is_log else places


@dataclass(frozen=True, slots=True)
class Planes:
    """The trials of a study over pairs of parameters.

    Attributes:
        axes: One for each parameter, in order.
        values: (n,) the value of each trial.
        feasible: (n,) whether it meets its constraints.
        shown: Positions of the trials that are drawn as points.
        dark_is_low: Whether small values are good ones.
        takes_best: Of several trials at one place the best counts (else the last).
        notes: What a reader must know.
        near: The range of values without a few that are so bad that they hide all differences, and are no part of
            a surface; None if there are none.
    """

    axes: tuple[Axis, ...]
    values: FloatArray
    feasible: BoolArray
    shown: IntArray
    dark_is_low: bool
    takes_best: bool
    notes: tuple[str, ...]
    near: tuple[float, float] | None = None

    @property
    def colour_range(self) -> tuple[float, float]:
        """The least and the greatest value that has a colour of its own."""
        low, high = self.near or (float(self.values.min()), float(self.values.max()))
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def pairs(self) -> list[list[tuple[Axis, Axis]]]:
        """Return the (x, y) of each plane: one of two parameters, else a square of them, row by row."""
        if len(self.axes) == 2:  # noqa: PLR2004 - a pair
            return [[(self.axes[0], self.axes[1])]]
        return [[(x, y) for x in self.axes] for y in self.axes]


def contours(
    study: StudyReader, params: Sequence[str] | None, target: Target | None, target_name: str
) -> Planes:
    """Return the complete trials with finite values over pairs of parameters, by name.

    Raises:
        ValueError: If no trial has one of the parameters.
    """
    check_target([study], target, target_name)
    found = valued_trials(study, target)
    axes = tuple(_axis(column) for column in columns(found.trials, params))
    shown, notes = _shown(found.values, len(axes))
    maximize = target is None and study.directions[0] is StudyDirection.MAXIMIZE
    near = readable_range(found.values, maximize=maximize) if target is None else None
    n_far = int(beyond(found.values, near).sum())
    far = (f"{number_of(n_far, 'trial')} with far values not in the contours",) if n_far else ()
    few = ("contours need two parameters",) if found.trials and len(axes) == 1 else ()
    return Planes(
        axes,
        found.values,
        feasible(found.trials),
        shown,
        not maximize,
        target is None,
        (*found.notes, *few, *notes, *far),
        near,
    )


@dataclass(frozen=True, slots=True)
class Ranks:
    """The trials of a study over pairs of parameters, with their ranks.

    Attributes:
        planes: The planes.
        trials: All of the trials.
        shares: (n,) rank of each value from 0 (the least) to 1; equal values share their mean.
        ticks: What stands at the shares 0, 0.25, 0.5, 0.75 and 1.
        has_target: Whether the value is not the objective.
    """

    planes: Planes
    trials: tuple[FrozenTrial, ...]
    shares: FloatArray
    ticks: tuple[str, ...]
    has_target: bool


def ranks(study: StudyReader, params: Sequence[str] | None, target: Target | None, target_name: str) -> Ranks:
    """Return the complete trials over pairs of parameters, in the given order, with the ranks of their values.

    Raises:
        ValueError: If no trial has one of the parameters.
    """
    check_target([study], target, target_name)
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = values_of(trials, target)
    by_name = {column.name: column for column in columns(trials, params)}
    wanted = list(by_name) if params is None else [name for name in params if name in by_name]
    axes = tuple(_axis(by_name[name]) for name in wanted)
    shown, notes = _shown(values, len(axes))
    shares = (rankdata(values) - 1.0) / (len(values) - 1) if len(values) > 1 else np.full(len(values), 0.5)
    return Ranks(
        Planes(
            axes, values, feasible(trials), shown, True, False, notes if trials else ("no trial is complete",)
        ),
        tuple(trials),
        shares,
        _ticks(values) if trials else (),
        target is not None,
    )


def _ticks(values: FloatArray) -> tuple[str, ...]:
    names = ("min.", "25%", "50%", "75%", "max.")
    quantiles = np.quantile(np.sort(values), [0.0, 0.25, 0.5, 0.75, 1.0])
    return tuple(f"{name} ({value:3g})" for name, value in zip(names, quantiles, strict=True))


def _shown(values: FloatArray, n_axes: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return the trials that are drawn, evenly over the ranks of their values, in the order of the trials."""
    n_planes = max(1, n_axes * (n_axes - 1) if n_axes > 2 else 1)  # noqa: PLR2004 - a pair is one plane
    count = max(_LEAST_POINTS, _MOST_POINTS // n_planes)
    shown = np.sort(np.argsort(values, kind="stable")[evenly(len(values), count)])
    if len(shown) == len(values):
        return shown, ()
    return shown, (f"{len(shown):,} of {number_of(len(values), 'trial')} drawn, evenly over their ranks",)


def _axis(column: Column) -> Axis:
    present = column.present.tolist()
    if column.is_numerical:
        places = np.array(column.values, dtype=np.float64)
        low, high = float(np.nanmin(places)), float(np.nanmax(places))
        return Axis(
            column.name, column.values, places, _padded(low, high, column.is_log), column.is_log, None
        )
    texts = tuple(str(each) if has else None for each, has in zip(column.values, present, strict=True))
    labels = tuple(sorted({text for text in texts if text is not None}))
    position = {text: float(at) for at, text in enumerate(labels)}
    places = np.array([math.nan if text is None else position[text] for text in texts])
    padding = _PADDING * (len(labels) - 1)
    return Axis(column.name, texts, places, (-padding, len(labels) - 1 + padding), False, labels)


def _padded(low: float, high: float, is_log: bool) -> tuple[float, float]:
    if is_log:
        ends = math.log10(low), math.log10(high)
        padding = _PADDING * (ends[1] - ends[0])
        return 10 ** (ends[0] - padding), 10 ** (ends[1] + padding)
    padding = _PADDING * (high - low)
    return low - padding, high + padding
