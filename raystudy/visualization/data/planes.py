"""Pairs of parameters as planes: for the contours of the values and for their ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator, griddata
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

__all__ = ["Axis", "Planes", "Ranks", "Surface", "contours", "ranks", "smooth", "surface"]

#: Room at both ends of an axis, as a share of it.
_PADDING = 0.05
#: An axis with more values than the first number gets the second number of cells instead.
_MOST_VALUES, _MOST_CELLS = 100, 64
#: So many places on each side of a smooth surface; up to so many values are joined by cones, more by triangles.
_N_SMOOTH, _MOST_ROUND = 60, 300
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


@dataclass(frozen=True, slots=True)
class Surface:
    """Values over the plane of two parameters.

    Attributes:
        x: (c,) places of the columns: the values of the parameter between the ends of its axis, or its labels.
        y: (r,) places of the rows.
        z: (r, c) the value at each place, NaN where there is none.
        is_gridded: Whether cells stand for the values that fall into them.
    """

    x: list[Any]
    y: list[Any]
    z: FloatArray
    is_gridded: bool


def surface(planes: Planes, x: Axis, y: Axis) -> Surface | None:
    """Return the values over two parameters; None if no trial has both, or one has a single value.

    Where a parameter has many values the axis is cut into cells: a matrix of all pairs of ten thousand values would
    not fit into memory.
    """
    (columns_at, x_places), (rows_at, y_places) = _cells(x), _cells(y)
    both = np.flatnonzero((columns_at >= 0) & (rows_at >= 0) & ~beyond(planes.values, planes.near))
    if not len(both) or min(_n_distinct(x), _n_distinct(y)) < 2:  # noqa: PLR2004 - a line has no surface
        return None
    if planes.takes_best:  # the best come last, and stay
        sign = 1.0 if planes.dark_is_low else -1.0
        both = both[np.argsort(-sign * planes.values[both], kind="stable")]
    z = np.full((len(y_places), len(x_places)), np.nan)
    z[rows_at[both], columns_at[both]] = planes.values[both]
    is_gridded = any(each.labels is None and _n_distinct(each) > _MOST_VALUES for each in (x, y))
    return Surface(x_places, y_places, z, is_gridded)


def smooth(planes: Planes, x: Axis, y: Axis) -> Surface | None:
    """Return the surface over a regular grid, interpolated between the values."""
    found = surface(planes, x, y)
    if found is None:
        return None
    rows, cells = np.nonzero(~np.isnan(found.z))
    known = np.column_stack([_unit(x, found.x)[cells], _unit(y, found.y)[rows]])
    across, up = np.meshgrid(np.linspace(0.0, 1.0, _N_SMOOTH), np.linspace(0.0, 1.0, _N_SMOOTH))
    values = found.z[rows, cells]
    if len(known) <= _MOST_ROUND:
        queries = np.column_stack([across.ravel(), up.ravel()])
        z = RBFInterpolator(known, values, kernel="linear")(queries).reshape(across.shape)
    else:
        z = griddata(known, values, (across, up), method="linear")
        z = np.where(np.isnan(z), griddata(known, values, (across, up), method="nearest"), z)
    places = [_places(axis, np.linspace(0.0, 1.0, _N_SMOOTH)) for axis in (x, y)]
    return Surface(places[0], places[1], z, found.is_gridded)


def _unit(axis: Axis, places: list[Any]) -> FloatArray:
    """Return places as shares of the axis as it is on paper."""
    numbers = (
        np.arange(len(places), dtype=float) if axis.labels is not None else np.array(places, dtype=float)
    )
    low, high = axis.scaled(np.array(axis.range))
    shares: FloatArray = (axis.scaled(numbers) - low) / (high - low)
    return shares


def _places(axis: Axis, shares: FloatArray) -> list[float]:
    low, high = axis.scaled(np.array(axis.range))
    places = low + shares * (high - low)
    found: list[float] = (10**places if axis.is_log else places).tolist()
    return found


def _n_distinct(axis: Axis) -> int:
    return len(np.unique(axis.places[~np.isnan(axis.places)]))


def _cells(axis: Axis) -> tuple[IntArray, list[Any]]:
    """Return the cell of each trial, -1 without the parameter, and the places of the cells on the axis."""
    found = np.full(len(axis.places), -1)
    present = ~np.isnan(axis.places)
    if axis.labels is not None:
        found[present] = axis.places[present].astype(np.int64)
        return found, list(axis.labels)
    distinct, at = np.unique(axis.places[present], return_inverse=True)
    if len(distinct) <= _MOST_VALUES:
        found[present] = at + 1  # the first and the last are the ends of the axis, where no trial is
        return found, [axis.range[0], *distinct.tolist(), axis.range[1]]
    low, high = axis.scaled(np.array(axis.range))
    edges = np.linspace(low, high, _MOST_CELLS + 1)
    found[present] = np.clip(
        np.searchsorted(edges, axis.scaled(axis.places[present])) - 1, 0, _MOST_CELLS - 1
    )
    middles = (edges[1:] + edges[:-1]) / 2
    return found, (10**middles if axis.is_log else middles).tolist()
