"""Problems made of recorded learning curves; between the trained configurations they are interpolated.

A point has the mean of the curves of the ``_N_NEAREST`` configurations nearest to it, weighted by the inverse
square of their distance on the unit scale, so a trained configuration has its own curve.

A file holds ``unit`` (c, d) float32, configurations on the unit scale of the space (choices by index);
``losses`` (c, s, MAX_BUDGET) float32, their curves for s seeds; and ``epoch_s`` (c,) float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.multifidelity.problem import Curve, FloatArray, Params, Scale
from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.samplers.scales import UnitScale, external_params, uniform

IntArray = npt.NDArray[np.int64]

__all__ = ["FOLDER", "TableProblem", "unit_point"]

#: Where the recorded curves lie.
FOLDER = Path(__file__).resolve().parent / "curves"

_N_NEAREST = 5
#: Two points with another choice are further apart than any two with the same.
_OTHER_CHOICE = 10.0
_N_TYPICAL = 2001


class TableProblem:
    """A problem read from ``curves/<name>.npz``: a training reports the mean over the recorded seeds."""

    def __init__(self, name: str, space: Mapping[str, Distribution]) -> None:
        self.name, self.space = name, space
        with np.load(FOLDER / f"{name}.npz") as file:
            self._unit: FloatArray = file["unit"].astype(np.float64)
            self._losses: FloatArray = file["losses"].astype(np.float64).mean(axis=1)
            self._epoch_s: FloatArray = file["epoch_s"].astype(np.float64)
        weights = [
            _OTHER_CHOICE if isinstance(distribution, CategoricalDistribution) else 1.0
            for distribution in space.values()
        ]
        self._weights = np.array(weights)
        self._finals = self._losses[:, -1]
        draws = uniform(space, np.random.default_rng(0), _N_TYPICAL)
        finals = [self._final(external_params(space, point)) for point in draws.T]
        self.scale = Scale(float(self._finals.min()), float(np.median(finals)))

    def curve(self, params: Params, rng: np.random.Generator) -> Curve:  # noqa: ARG002 - there is no luck in it
        """Return the curve of a point."""
        rows, shares = self._nearest(params)
        losses: FloatArray = shares @ self._losses[rows]
        return Curve(losses, float(losses[-1]), float(shares @ self._epoch_s[rows]))

    def _final(self, params: Params) -> float:
        rows, shares = self._nearest(params)
        return float(shares @ self._finals[rows])

    def _nearest(self, params: Params) -> tuple[IntArray, FloatArray]:
        """Return the configurations that a point is a mixture of, and their shares."""
        gaps = (self._unit - unit_point(self.space, params)) * self._weights
        squares: FloatArray = (gaps * gaps).sum(axis=1)
        rows = np.argpartition(squares, _N_NEAREST)[:_N_NEAREST]
        weights = 1.0 / (squares[rows] + 1e-9)
        return rows, weights / weights.sum()


def unit_point(space: Mapping[str, Distribution], params: Params) -> FloatArray:
    """Return a point on the unit scales of its space, (d,); a choice is its index."""
    point = np.empty(len(space))
    for row, (name, distribution) in enumerate(space.items()):
        internal = distribution.to_internal_repr(params[name])
        if isinstance(distribution, CategoricalDistribution):
            point[row] = internal
        else:
            point[row] = UnitScale.of([distribution]).to_unit(np.array([[internal]]))[0, 0]
    return point
