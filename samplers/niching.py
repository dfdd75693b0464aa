"""Which of a front live on in NSGA-III: those near to directions that few others are near to.

Notation: ``m`` trials, ``k`` objectives, ``p`` directions; *losses* are (m, k) float64 without NaN, lower is better.

Sources: Deb and Jain (2014), IEEE TEC 18(4), sections IV-A to IV-E; Jain and Deb (2014), IEEE TEC 18(4), section III
(constraints); Das and Dennis (1998), SIAM Journal on Optimization 8(3) (directions).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from raystudy.samplers.survival import constrained_ranks, fronts_that_fit

__all__ = ["even_directions", "nearest_directions", "niched_survivors", "normalised"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Weight of the other objectives where an extreme point of one is looked for.
_MINOR = 1e-6
#: By how many ranges infinite losses lie outside of the finite ones (Optuna's choice).
_BEYOND = 3.0
_LARGEST = 1e100


def even_directions(k: int, n_parts: int) -> FloatArray:
    """Return all points with coordinates 0, 1/n, ..., 1 that sum up to 1, (p, k), for n parts of each axis."""
    bars = np.array(list(combinations(range(n_parts + k - 1), k - 1)), dtype=np.int64)
    left = np.full((len(bars), 1), -1)
    right = np.full((len(bars), 1), n_parts + k - 1)
    return np.asarray((np.diff(np.hstack([left, bars, right]), axis=1) - 1) / n_parts)


def normalised(losses: FloatArray) -> FloatArray:
    """Return losses (m, k) with the ideal point at 0 and the plane through the extreme points at 1 on each axis.

    Where there is no such plane, the worst loss of each objective is at 1.
    """
    shifted = _finite(losses)
    shifted -= shifted.min(axis=0)
    weights = np.where(np.eye(losses.shape[1], dtype=bool), 1.0, _MINOR)
    extremes = shifted[np.argmin((shifted[:, None] / weights).max(axis=2), axis=0)]
    ends = shifted.max(axis=0)
    try:
        inverse = np.linalg.solve(extremes, np.ones(len(weights)))
    except np.linalg.LinAlgError:
        inverse = np.zeros(len(weights))
    with np.errstate(divide="ignore", over="ignore"):
        intercepts = 1.0 / inverse
    if ((inverse > 0.0) & np.isfinite(intercepts)).all() and np.allclose(extremes @ inverse, 1.0):
        ends = intercepts
    return shifted / np.where(ends > 0.0, ends, 1.0)


def nearest_directions(points: FloatArray, directions: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the direction (p, k) whose line through the origin is nearest to each point, and how far that is.

    Returns:
        (m,) int64 and (m,) float64.
    """
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = points @ units.T
    off = np.linalg.norm(points[:, None] - along[:, :, None] * units, axis=2)
    return np.argmin(off, axis=1), np.min(off, axis=1)


def niched_survivors(
    losses: FloatArray,
    violations: FloatArray,
    count: int,
    directions: FloatArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return the positions of the ``count`` trials that live on in NSGA-III, increasing.

    Args:
        losses: (m, k) losses.
        violations: (m,) float64, above zero for infeasible trials.
        count: How many live on.
        directions: (p, k) float64.
        rng: For the choice among directions with equally many trials, and among trials of one direction.
    """
    if count >= len(losses):
        return np.arange(len(losses))
    whole, last = fronts_that_fit(constrained_ranks(losses, violations, count), count)
    if not len(last):
        return whole
    competing = np.concatenate([whole, last])
    nearest, distances = nearest_directions(normalised(losses[competing]), directions)
    crowds = np.bincount(nearest[: len(whole)], minlength=len(directions))
    chosen = _niched(nearest[len(whole) :], distances[len(whole) :], crowds, count - len(whole), rng)
    return np.sort(np.concatenate([whole, last[chosen]]))


def _niched(
    nearest: IntArray, distances: FloatArray, crowds: IntArray, count: int, rng: np.random.Generator
) -> list[int]:
    """Return ``count`` positions in a front, each from the emptiest direction (Deb and Jain, algorithm 4)."""
    waiting: dict[int, list[int]] = {}
    for at in np.argsort(distances, kind="stable").tolist():
        waiting.setdefault(int(nearest[at]), []).append(at)
    sizes = {direction: int(crowds[direction]) for direction in sorted(waiting)}
    chosen: list[int] = []
    while len(chosen) < count:
        fewest = min(sizes.values())
        emptiest = [direction for direction, size in sizes.items() if size == fewest]
        direction = emptiest[int(rng.integers(len(emptiest)))]
        niche = waiting[direction]
        chosen.append(niche.pop(0 if fewest == 0 else int(rng.integers(len(niche)))))
        sizes[direction] += 1
        if not niche:
            del sizes[direction]
    return chosen


def _finite(losses: FloatArray) -> FloatArray:
    """Return losses as a copy in which infinite ones lie somewhat outside of the finite ones of their objective."""
    losses = np.where(np.isfinite(losses), np.clip(losses, -_LARGEST, _LARGEST), losses)
    known = np.isfinite(losses)
    low = np.where(known, losses, np.inf).min(axis=0)
    high = np.where(known, losses, -np.inf).max(axis=0)
    is_empty = low > high  # no finite loss at all
    low, high = np.where(is_empty, 0.0, low), np.where(is_empty, 0.0, high)
    margin = np.where(high > low, _BEYOND * (high - low), 1.0)
    return np.clip(losses, low - margin, high + margin)
