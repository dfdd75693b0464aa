"""The search for the point with the greatest score, a log expected improvement, in a space of mixed parameters.

A pool of points (a scrambled Sobol sequence over the whole space, and steps away from good trials) is scored at once.
From the best of them, and from others drawn in proportion to their expected improvement, the search climbs: real
parameters and those on large grids by L-BFGS with exact gradients, then discrete ones one change at a time, by turns
until nothing is gained.  A finite space no larger than the pool is scored whole.

Points are internal values, (d, m); scores are (m,), higher is better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import qmc

from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_scores import Term

__all__ = ["Score", "best_nearby", "best_point"]

FloatArray = npt.NDArray[np.float64]

#: The pool: 2^9 points of the sequence, and these around good trials.
_POOL_LOG2 = 9
_NEAR_BEST = 128
#: A finite space of at most so many points is searched for one that is left, if the pool holds none.
_LISTABLE = 2**16
_N_CLIMBS = 5
#: What a climb may cost: turns, changes of discrete parameters in a turn, and steps of L-BFGS in one.
_MAX_ROUNDS = 3
_MAX_CHANGES = 8
_MAX_STEPS = 50
#: A gain of the score below this does not pay.
_LEAST_GAIN = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """A sum of terms; minus infinity at points that are taken."""

    space: FeatureMap
    terms: tuple[Term, ...]
    taken: FloatArray  #: (d, t) points that must not be proposed again.

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return the scores (m,) of points (d, m)."""
        features, scores = self.space.features(points), np.zeros(points.shape[1])
        for term in self.terms:
            scores += term(features)
        scores[(points[:, :, None] == self.taken[:, None, :]).all(axis=0).any(axis=1)] = -np.inf
        return scores

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the score of one point, (f,) features, and its gradient by the first ``count`` features."""
        found = [term.slope(features, count) for term in self.terms]
        return sum(value for value, _ in found), np.sum([gradient for _, gradient in found], axis=0)


def best_point(score: Score, good: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Return the point (d,) with the greatest score that was found, and its score; any point if all are taken.

    Args:
        score: The score.
        good: (d, g) points of good trials, the best one first.
        rng: Source of the pool and of the starts.
    """
    space = score.space
    if space.size <= 2**_POOL_LOG2:
        return _best_of(score, space.everything())
    pool = np.concatenate([_spread(space, rng), _near(space, good, rng)], axis=1)
    scores = score(pool)
    if not np.isfinite(scores).any() and space.size <= _LISTABLE:
        return _best_of(score, _some_free(score, rng))
    order = np.argsort(-(scores + rng.gumbel(size=len(scores))), kind="stable")[: _N_CLIMBS - 1]
    starts = dict.fromkeys([int(np.argmax(scores)), *order.tolist()])
    ends = [_climb(score, pool[:, start], float(scores[start])) for start in starts]
    return max(ends, key=lambda end: end[1])


def best_nearby(score: Score, good: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Return the point (d,) with the greatest score among random steps away from good trials (d, g), and its score."""
    pool = _near(score.space, good, rng)
    scores = score(pool)
    best = int(np.argmax(scores))
    return pool[:, best], float(scores[best])


def _best_of(score: Score, pool: FloatArray) -> tuple[FloatArray, float]:
    scores = score(pool)
    if not np.isfinite(scores).any():  # what is best is tried again, once nothing else is left
        scores = replace(score, taken=score.taken[:, :0])(pool)
    best = int(np.argmax(scores))
    return pool[:, best], float(scores[best])


def _some_free(score: Score, rng: np.random.Generator) -> FloatArray:
    """Return points of a finite space that are not taken, as many as a pool holds; all if there are none."""
    pool = score.space.everything()
    taken = {point.tobytes() for point in np.ascontiguousarray(score.taken.T)}
    free = [at for at, point in enumerate(np.ascontiguousarray(pool.T)) if point.tobytes() not in taken]
    chosen = rng.permutation(free or len(pool))[: 2**_POOL_LOG2]
    return pool[:, chosen]


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


def _climb(score: Score, point: FloatArray, value: float) -> tuple[FloatArray, float]:
    for _ in range(_MAX_ROUNDS):
        before = value
        point, value = _climb_real(score, point, value)
        changed, reached = _climb_discrete(score, point, value)
        stays = changed is point
        point, value = changed, reached
        if stays or value < before + _LEAST_GAIN:
            break
    return point, value


def _climb_real(score: Score, point: FloatArray, value: float) -> tuple[FloatArray, float]:
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


def _climb_discrete(score: Score, point: FloatArray, value: float) -> tuple[FloatArray, float]:
    for _ in range(_MAX_CHANGES):
        moves = score.space.moves(point)
        scores = score(moves)
        if not len(scores) or not scores.max() > value + _LEAST_GAIN:
            break
        best = int(np.argmax(scores))
        point, value = moves[:, best], float(scores[best])
    return point, value
