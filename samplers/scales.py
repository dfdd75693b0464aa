"""Unit scales: how the values of a search space map to the unit cube and back; uniform draws from a space.

Values are *internal* ones (see ``raystudy.distributions``).  Every numeric parameter is mapped affinely, on a
log scale after taking the logarithm, so that its domain is the unit interval.  The domain of a stepped
parameter is first widened by half a step at both ends: each grid point owns half a step around it.

Notation: ``d`` numeric parameters, ``n`` points; arrays are (d, n), one row per parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)

__all__ = ["NumericDistribution", "UnitScale", "external_params", "from_unit_cube", "uniform"]

NumericDistribution = FloatDistribution | IntDistribution
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Enqueued values may lie outside of the domain: zero on a log scale stays finite, infinity stays comparable.
_SMALLEST = 5e-324
_FARTHEST = 1e9


@dataclass(frozen=True, slots=True)
class UnitScale:
    """The affine maps of ``d`` numeric parameters to the unit interval, as columns of shape (d, 1)."""

    low: FloatArray
    high: FloatArray
    step: FloatArray  #: Distance of grid points, 0 where all real numbers are allowed.
    log: BoolArray  #: (d,), True where the scale is logarithmic.
    origin: FloatArray  #: Lower end of the widened domain, after the logarithm.
    width: FloatArray  #: Length of the widened domain, after the logarithm.

    @classmethod
    def of(cls, distributions: Sequence[NumericDistribution]) -> UnitScale:
        """Return the scale of these parameters; none of them may be single-valued."""
        rows = [(d.low, d.high, d.step or 0.0, d.log) for d in distributions]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        low, high, step = table[:, 0:1], table[:, 1:2], table[:, 2:3]
        log = table[:, 3] == 1.0
        origin, end = low - step / 2, high + step / 2
        origin[log] = np.log(origin[log])
        end[log] = np.log(end[log])
        return cls(low, high, step, log, origin, end - origin)

    def to_unit(self, values: FloatArray) -> FloatArray:
        """Map internal values (d, n) to the unit interval; those outside of the domain fall outside of it."""
        if self.log.any():
            values = values.copy()
            values[self.log] = np.log(np.maximum(values[self.log], _SMALLEST))
        unit: FloatArray = (values - self.origin) / self.width
        return np.clip(unit, -_FARTHEST, _FARTHEST, out=unit)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """Map points of the unit interval (d, n) to internal values, on the grid and inside of the domain."""
        values: FloatArray = self.origin + unit * self.width
        values[self.log] = np.exp(values[self.log])
        grid = self.step[:, 0] > 0
        low, step = self.low[grid], self.step[grid]
        values[grid] = low + np.round((values[grid] - low) / step) * step
        return np.clip(values, self.low, self.high, out=values)

    def cells(self, rows: IntArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the ends, on the unit scale, of the cells around grid points (r, m) of stepped rows."""
        half = self.step[rows] / 2
        ends = np.stack([values - half, values + half])
        log = self.log[rows]
        ends[:, log] = np.log(ends[:, log])
        left, right = (ends - self.origin[rows]) / self.width[rows]
        return left, right


def uniform(space: Mapping[str, Distribution], rng: np.random.Generator, size: int) -> FloatArray:
    """Draw points uniformly on the scales of a space; single-valued parameters are allowed.

    Returns:
        Internal values, (len(space), size) float64, rows in the order of ``space``.
    """
    return from_unit_cube(space, rng.random((len(space), size)))


def from_unit_cube(space: Mapping[str, Distribution], points: FloatArray) -> FloatArray:
    """Map points of the unit cube to a space, so that what is uniform there is uniform on the scales here.

    Args:
        space: The space; single-valued parameters are allowed.
        points: (len(space), n) float64 in [0, 1), rows in the order of ``space``; overwritten.

    Returns:
        Internal values, (len(space), n) float64.
    """
    numeric, rows = [], []
    for row, distribution in enumerate(space.values()):
        if isinstance(distribution, CategoricalDistribution):
            points[row] = np.floor(points[row] * len(distribution.choices))
        elif distribution.single():
            points[row] = distribution.low
        else:
            numeric.append(distribution)
            rows.append(row)
    points[rows] = UnitScale.of(numeric).from_unit(points[rows])
    return points


def external_params(space: Mapping[str, Distribution], point: FloatArray) -> dict[str, ParamValue]:
    """Return the external values of one point, (len(space),) internal values in the order of ``space``."""
    return {
        name: distribution.to_external_repr(value)
        for (name, distribution), value in zip(space.items(), point.tolist(), strict=True)
    }
