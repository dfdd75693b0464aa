"""The search for the point with the greatest log expected improvement, in a space of mixed parameters.

A pool of points (a scrambled Sobol sequence over the whole space, and steps away from good trials) is scored at once.
From the best of them, and from others drawn in proportion to their expected improvement, the search climbs: real
parameters and those on large grids by L-BFGS with exact gradients, then discrete ones one change at a time, by turns
until nothing is gained.  A finite space no larger than the pool is scored whole.

Points are internal values, (d, m); scores are (m,), higher is better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import qmc

from raystudy.samplers.acquisition import log_h
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Posterior

__all__ = ["LogEI", "best_point"]

FloatArray = npt.NDArray[np.float64]

#: The pool: 2^9 points of the sequence, and these around good trials.
_POOL_LOG2 = 9
_NEAR_BEST = 128
_N_CLIMBS = 5
#: What a climb may cost: turns, changes of discrete parameters in a turn, and steps of L-BFGS in one.
_MAX_ROUNDS = 3
_MAX_CHANGES = 8
_MAX_STEPS = 50
#: A gain of log expected improvement below this does not pay.
_LEAST_GAIN = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class LogEI:
    """The log expected improvement on ``best`` under a posterior; minus infinity at points that are taken."""

    space: FeatureMap
    posterior: Posterior
    best: float
    taken: FloatArray  #: (d, t) points that must not be proposed again.

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return the scores (m,) of points (d, m)."""
        mean, deviation = self.posterior.predict(self.space.features(points))
        scores = np.log(deviation) + log_h((self.best - mean) / deviation)[0]
        scores[(points[:, :, None] == self.taken[:, None, :]).all(axis=0).any(axis=1)] = -np.inf
        return scores

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the score of one point, (f,) features, and its gradient by the first ``count`` features."""
        mean, deviation, by_mean, by_deviation = self.posterior.slope(features, count)
        z = (self.best - mean) / deviation
        value, slope = log_h(np.array(z))
        gradient = (by_deviation - float(slope) * (by_mean + z * by_deviation)) / deviation
        return float(np.log(deviation) + value), gradient


def best_point(score: LogEI, good: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Return the point (d,) with the greatest score that was found, and its score; any point if all are taken.

    Args:
        score: The score.
        good: (d, g) points of good trials, the best one first.
        rng: Source of the pool and of the starts.
    """
    if score.space.size <= 2**_POOL_LOG2:
        pool = score.space.everything()
        scores = score(pool)
        best = int(np.argmax(scores))
        return pool[:, best], float(scores[best])
    pool = np.concatenate([_spread(score.space, rng), _near(score.space, good, rng)], axis=1)
    scores = score(pool)
    order = np.argsort(-(scores + rng.gumbel(size=len(scores))), kind="stable")[: _N_CLIMBS - 1]
    starts = dict.fromkeys([int(np.argmax(scores)), *order.tolist()])
    ends = [_climb(score, pool[:, start], float(scores[start])) for start in starts]
    return max(ends, key=lambda end: end[1])


def _spread(space: FeatureMap, rng: np.random.Generator) -> FloatArray:
    d = len(space.n_values)
    return space.from_unit(qmc.Sobol(d, seed=rng).random_base2(_POOL_LOG2).T)


def _near(space: FeatureMap, good: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return points in which some parameters of good trials have changed, by steps of 0.1 to 20 % of the scale."""
    d = len(good)
    points = good[:, np.arange(_NEAR_BEST) % good.shape[1]]
    changes = rng.random((d, _NEAR_BEST)) < max(2.5 / d, 0.2)
    fresh = space.from_unit(rng.random((d, _NEAR_BEST)))
    rows = space.numeric
    steps = 10.0 ** rng.uniform(-3.0, -0.7, _NEAR_BEST) * rng.standard_normal((len(rows), _NEAR_BEST))
    fresh[rows] = space.scale.from_unit(np.clip(space.scale.to_unit(points[rows]) + steps, 0.0, 1.0))
    return np.where(changes, fresh, points)


def _climb(score: LogEI, point: FloatArray, value: float) -> tuple[FloatArray, float]:
    for _ in range(_MAX_ROUNDS):
        before = value
        point, value = _climb_real(score, point, value)
        changed, reached = _climb_discrete(score, point, value)
        stays = changed is point
        point, value = changed, reached
        if stays or value < before + _LEAST_GAIN:
            break
    return point, value


def _climb_real(score: LogEI, point: FloatArray, value: float) -> tuple[FloatArray, float]:
    space = score.space
    relaxed = np.flatnonzero(space.relaxed)
    if not len(relaxed):
        return point, value
    features = space.features(point[:, None])[0]
    count = len(space.numeric)

    def loss(unit: FloatArray) -> tuple[float, FloatArray]:
        features[relaxed] = unit
        found, gradient = score.slope(features, count)
        return -found, -gradient[relaxed]

    start = np.clip(features[relaxed], 0.0, 1.0)
    options = {"maxiter": _MAX_STEPS, "ftol": 1e-7}
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(relaxed), options=options
    )
    features[relaxed] = found.x
    end = point.copy()
    end[space.numeric[relaxed]] = space.scale.from_unit(features[:count][:, None])[relaxed, 0]
    reached = float(score(end[:, None])[0])
    return (end, reached) if reached > value else (point, value)


def _climb_discrete(score: LogEI, point: FloatArray, value: float) -> tuple[FloatArray, float]:
    for _ in range(_MAX_CHANGES):
        moves = score.space.moves(point)
        scores = score(moves)
        if not len(scores) or not scores.max() > value + _LEAST_GAIN:
            break
        best = int(np.argmax(scores))
        point, value = moves[:, best], float(scores[best])
    return point, value
