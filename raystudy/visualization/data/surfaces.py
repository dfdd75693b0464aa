"""The values over a plane of two parameters as a surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator, griddata

from raystudy.visualization.data.planes import Axis, Planes
from raystudy.visualization.data.ranges import beyond
from raystudy.visualization.data.reading import FloatArray, IntArray

__all__ = ["Surface", "smooth", "surface"]

#: An axis with more values than the first number gets the second number of cells instead.
_MOST_VALUES, _MOST_CELLS = 100, 64
#: So many places on each side of a smooth surface; up to so many values are joined by cones, more by triangles.
_N_SMOOTH, _MOST_ROUND = 60, 300


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
