"""Which of a population live on: by fronts, and in the last of them those with most room around them.

Feasible trials come first, in non-dominated fronts; then the others, each violation a front of its own.

Notation: ``m`` trials, ``k`` objectives; *losses* are (m, k) float64 without NaN, lower is better.

Source: Deb, Pratap, Agarwal and Meyarivan (2002), IEEE TEC 6(2), sections III and VI.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raystudy.samplers.pareto import dominance_ranks

__all__ = ["constrained_ranks", "crowded_survivors", "crowding_distances", "fronts_that_fit"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def constrained_ranks(losses: FloatArray, violations: FloatArray, enough: int | None = None) -> IntArray:
    """Return the front of each trial, (m,) int64, 0 the best.

    Args:
        losses: (m, k) losses.
        violations: (m,) float64, above zero for infeasible trials.
        enough: Once so many feasible trials are ranked, all the others share the next rank; default: all are ranked.
    """
    is_feasible = violations <= 0.0
    ranks = np.empty(len(losses), dtype=np.int64)
    ranks[is_feasible] = dominance_ranks(losses[is_feasible], enough)
    first = int(ranks[is_feasible].max(initial=-1)) + 1
    ranks[~is_feasible] = first + np.unique(violations[~is_feasible], return_inverse=True)[1].reshape(-1)
    return ranks


def fronts_that_fit(ranks: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Return the positions of the fronts that ``count`` places hold as a whole, and of the one that they do not."""
    sizes = np.cumsum(np.bincount(ranks))
    n_whole = int((sizes <= count).sum())
    filled = n_whole > 0 and sizes[n_whole - 1] == count
    last = np.flatnonzero(ranks == n_whole) if not filled else np.empty(0, np.int64)
    return np.flatnonzero(ranks < n_whole), last


def crowding_distances(losses: FloatArray) -> FloatArray:
    """Return how far apart the neighbours of each trial of a front are, (m,) float64, summed up over the objectives.

    An objective's gap is in units of its finite range; infinite at both ends, zero where all have the same loss.
    """
    distances = np.zeros(len(losses))
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        if not len(ordered) or ordered[0] == ordered[-1]:
            continue
        finite = ordered[np.isfinite(ordered)]
        padded = np.concatenate([[-np.inf], ordered, [np.inf]])
        below, above = padded[:-2], padded[2:]
        with np.errstate(invalid="ignore", over="ignore"):  # infinity minus itself
            width = finite[-1] - finite[0] if len(finite) else 0.0
            gaps = np.where(below == above, 0.0, above - below)
            distances[order] += gaps / (width if 0.0 < width < np.inf else 1.0)
    return distances


def crowded_survivors(losses: FloatArray, violations: FloatArray, count: int) -> IntArray:
    """Return the positions of the ``count`` trials that live on in NSGA-II, increasing; ties go to the earlier."""
    if count >= len(losses):
        return np.arange(len(losses))
    whole, last = fronts_that_fit(constrained_ranks(losses, violations, count), count)
    roomiest = np.argsort(-crowding_distances(losses[last]), kind="stable")[: count - len(whole)]
    return np.sort(np.concatenate([whole, last[roomiest]]))
