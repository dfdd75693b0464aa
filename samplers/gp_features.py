"""The features of a Gaussian process: how a mixed search space becomes a space with a squared distance per parameter.

A numeric parameter is one feature, its place on the unit scale (``scales``); a categorical one with c choices is c
features, the indicator of its choice over sqrt(2), so that the squared distance of two values is the Hamming
distance: 0 for equal choices and 1 for any others.

Notation: ``d`` parameters, ``f`` features, ``n`` points.  Points are internal values, (d, n); features are (n, f).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.samplers.scales import UnitScale

__all__ = ["FeatureMap"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: A grid with more points than this is climbed as if it were real, and then searched around the nearest point.
_LARGE_GRID = 16
#: Enqueued values may lie outside of the domain; farther than this beyond an end of the unit scale is as far.
_BEYOND = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """The map of one search space, none of whose parameters is single-valued."""

    numeric: IntArray  #: Rows of the numeric parameters, in the order of their features.
    categorical: IntArray  #: Rows of the categorical parameters.
    n_choices: IntArray  #: Numbers of choices of the latter.
    scale: UnitScale  #: Scale of the numeric parameters.
    n_values: FloatArray  #: (d,) number of values of each parameter, infinity for real ones.
    parameter: IntArray  #: (f,) row of the parameter to which each feature belongs.

    @classmethod
    def of(cls, space: Mapping[str, Distribution]) -> FeatureMap:
        """Return the map of a space; rows are in its order."""
        is_categorical = np.array(
            [isinstance(d, CategoricalDistribution) for d in space.values()], dtype=bool
        )
        numeric = [d for d in space.values() if not isinstance(d, CategoricalDistribution)]
        choices = np.array([len(d.choices) for d in space.values() if isinstance(d, CategoricalDistribution)])
        rows, tags = np.flatnonzero(~is_categorical), np.flatnonzero(is_categorical)
        scale = UnitScale.of(numeric)
        n_values = np.empty(len(space))
        with np.errstate(divide="ignore"):
            n_values[rows] = np.round((scale.high - scale.low) / scale.step)[:, 0] + 1
        n_values[tags] = choices
        parameter = np.concatenate([rows, np.repeat(tags, choices.astype(np.int64))])
        return cls(rows, tags, choices.astype(np.int64), scale, n_values, parameter)

    @property
    def relaxed(self) -> BoolArray:
        """Which numeric parameters are real or on a large grid, (len(numeric),) bool."""
        return self.n_values[self.numeric] > _LARGE_GRID

    @property
    def size(self) -> float:
        """Number of points of the space, infinite if a parameter is real."""
        return float(np.prod(self.n_values))

    def features(self, points: FloatArray) -> FloatArray:
        """Return the features (n, f) of points (d, n)."""
        unit = self.scale.to_unit(points[self.numeric])
        blocks = [np.clip(unit, -_BEYOND, 1 + _BEYOND).T]
        for row, count in zip(self.categorical.tolist(), self.n_choices.tolist(), strict=True):
            blocks.append((points[row][:, None] == np.arange(count)) * math.sqrt(0.5))
        return np.concatenate(blocks, axis=1)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """Return the points (d, n) that belong to points of the unit cube (d, n), on the grids and choices."""
        points = np.empty_like(unit)
        points[self.numeric] = self.scale.from_unit(unit[self.numeric])
        counts = self.n_choices[:, None]
        points[self.categorical] = np.minimum(np.floor(unit[self.categorical] * counts), counts - 1)
        return points

    def everything(self) -> FloatArray:
        """Return all points of a finite space, (d, size)."""
        axes = [self._values(row) for row in range(len(self.n_values))]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])

    def moves(self, point: FloatArray) -> FloatArray:
        """Return the points that differ from one point (d,) in one discrete parameter, (d, m).

        All other values of a small one are tried, on a large grid those 1, 2, 4, ... 32 steps away.
        """
        found = [point[:, None][:, :0]]
        for row in np.flatnonzero(np.isfinite(self.n_values)).tolist():
            values = self._values(row) if self._is_small(row) else self._around(row, point[row])
            changed = np.repeat(point[:, None], len(values), axis=1)
            changed[row] = values
            found.append(changed[:, values != point[row]])
        return np.concatenate(found, axis=1)

    def _is_small(self, row: int) -> bool:
        return row in self.categorical or bool(self.n_values[row] <= _LARGE_GRID)

    def _values(self, row: int) -> FloatArray:
        index: FloatArray = np.arange(self.n_values[row])
        if row in self.categorical:
            return index
        at = int(np.searchsorted(self.numeric, row))
        values: FloatArray = np.minimum(self.scale.low[at] + index * self.scale.step[at], self.scale.high[at])
        return values

    def _around(self, row: int, value: float) -> FloatArray:
        at = int(np.searchsorted(self.numeric, row))
        offsets = self.scale.step[at] * 2.0 ** np.arange(6)
        values: FloatArray = np.concatenate([value - offsets, value + offsets])
        inside: FloatArray = values[(values >= self.scale.low[at]) & (values <= self.scale.high[at])]
        return inside
