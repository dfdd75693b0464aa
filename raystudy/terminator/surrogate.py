"""A Gaussian process of the best trials, and what it bounds the regret of the best one by.

Source: Makarova et al. (2022), "Automatic Termination for Hyperparameter Optimization", AutoML-Conf, equations 3 and 4;
the width of the confidence bounds of Srinivas et al. (2010), ICML, scaled down by 5 as there.

Notation: ``n`` trials, ``d`` parameters; values y (n,) are standardised, higher is better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.frozen import FrozenTrial, StudyDirection
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Posterior, fit, matern, squared_distances
from raystudy.samplers.scales import uniform

__all__ = ["Surrogate", "points_of", "values_of"]

FloatArray = npt.NDArray[np.float64]

_N_SAMPLES = 2048
_SCALED_DOWN = 5.0


def points_of(space: Mapping[str, Distribution], trials: Sequence[FrozenTrial]) -> FloatArray:
    """Return the internal values of the parameters of a space, (d, n)."""
    rows = [
        [distribution.to_internal_repr(trial.params[name]) for trial in trials]
        for name, distribution in space.items()
    ]
    return np.array(rows, dtype=float).reshape(len(space), len(trials))


def values_of(trials: Sequence[FrozenTrial], direction: StudyDirection) -> FloatArray:
    """Return the values of complete trials, (n,), higher is better; infinite ones become the farthest finite ones."""
    sign = -1.0 if direction is StudyDirection.MINIMIZE else 1.0
    values = sign * np.array([trial.value for trial in trials], dtype=float)
    finite = values[np.isfinite(values)]
    return np.zeros(len(values)) if not finite.size else np.clip(values, finite.min(), finite.max())


@dataclass(frozen=True)
class Surrogate:
    """What a Gaussian process makes of trials.

    Attributes:
        space: Parameters, none of them single-valued.
        points: Internal values of the trials, (d, n).
        shape: Map of points to features.
        posterior: The posterior of the objective.
    """

    space: Mapping[str, Distribution]
    points: FloatArray
    shape: FeatureMap
    posterior: Posterior

    @classmethod
    def of(
        cls, space: Mapping[str, Distribution], points: FloatArray, y: FloatArray, *, is_exact: bool = False
    ) -> Surrogate:
        """Fit the process to values at points; ``is_exact``: whether they are free of noise."""
        shape = FeatureMap.of(space)
        features = shape.features(points)
        given = fit(features, y, shape.parameter, len(space), is_exact=is_exact)
        return cls(space, points, shape, Posterior.of(given, features, y, shape.parameter))

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation at points (d, m), (m,) each."""
        return self.posterior.predict(self.shape.features(points))

    def covariance(self, points: FloatArray) -> FloatArray:
        """Return the covariance of the objective at points (d, m), (m, m)."""
        known, scaled = self.posterior, self.shape.features(points) * self.posterior.roots
        cross = known.signal * matern(squared_distances(scaled, known.scaled))[0] @ known.whitening.T
        covariance: FloatArray = known.signal * matern(squared_distances(scaled, scaled))[0] - cross @ cross.T
        return covariance

    def regret_bound(self, rng: np.random.Generator, delta: float = 0.1) -> float:
        """Return by how much the best of all points may be better than the best trial, with probability 1 - delta.

        It is the highest upper confidence bound of any point, less the highest lower one of a trial.
        """
        d, n = self.points.shape
        width = math.sqrt(2.0 * math.log(d * n**2 * math.pi**2 / 6.0 / delta) / _SCALED_DOWN)
        mean, deviation = self.predict(self.points)
        lower = float((mean - width * deviation).max())
        anywhere = np.concatenate([self.points, uniform(self.space, rng, _N_SAMPLES)], axis=1)
        mean, deviation = self.predict(anywhere)
        return float((mean + width * deviation).max()) - lower
