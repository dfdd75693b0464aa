"""Several objectives at once: non-dominated fronts, hypervolume, and the subset that covers most of it.

Notation: ``n`` points, ``k`` objectives.  *Losses* are (n, k) float64 without NaN, lower is better.  A point
dominates another if it is nowhere worse and somewhere better.  The hypervolume of points is the volume that they
dominate up to a reference point.

Sources: Deb et al. (2002), IEEE TEC 6(2) (fronts); Guerreiro, Fonseca and Paquete (2016), Evolutionary Computation
24(3) (greedy subset selection, at least 1 - 1/e of the best); Minoux (1978) (lazy evaluation of a greedy choice).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from raystudy.constraints import is_feasible
from raystudy.frozen import FrozenTrial, StudyDirection

__all__ = ["best_front", "best_subset", "dominance_ranks", "hypervolume", "largest_subset", "reference_point"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: In place of a reference of zero, which would leave no volume beside it.
_NEARLY_ZERO = 1e-12
_PLANE, _SPACE = 2, 3
#: Of so many points in space the volume is taken without looking for their front.
_FEW = 100


def best_front(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
    """Return those of COMPLETE trials that meet their constraints and are dominated by no other such trial."""
    feasible = [trial for trial in trials if is_feasible(trial.constraints)]
    if not feasible:
        return []
    signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in directions]
    losses = np.array([trial.values for trial in feasible], dtype=float) * signs
    return [feasible[at] for at in np.flatnonzero(dominance_ranks(losses, enough=1) == 0).tolist()]


def dominance_ranks(losses: FloatArray, enough: int | None = None) -> IntArray:
    """Return the front of each point, (n,) int64: 0 is dominated by nobody, 1 by points of front 0 alone, ...

    Args:
        losses: (n, k) losses.
        enough: Once so many points are ranked, all the others share the next rank; default: all are ranked.
    """
    unique, inverse, counts = np.unique(losses, axis=0, return_inverse=True, return_counts=True)
    ranks = np.zeros(len(unique), dtype=np.int64)
    left, rank, wanted = np.arange(len(unique)), 0, len(losses) if enough is None else enough
    if losses.shape[1] == 1 and wanted > 0:  # each loss is a front of its own
        ranks = np.minimum(left, np.searchsorted(np.cumsum(counts), wanted) + 1)
        return ranks[inverse.reshape(-1)]
    while len(left) and wanted > 0:
        on_front = _front(unique[left])
        ranks[left[~on_front]] = rank = rank + 1
        wanted -= int(counts[left[on_front]].sum())
        left = left[~on_front]
    return ranks[inverse.reshape(-1)]


def reference_point(losses: FloatArray) -> FloatArray:
    """Return the point up to which volume counts, (k,): a tenth of its size beyond the worst of each objective."""
    worst = losses.max(axis=0)
    reference: FloatArray = np.maximum(1.1 * worst, 0.9 * worst)
    reference[reference == 0.0] = _NEARLY_ZERO
    return reference


def hypervolume(losses: FloatArray, reference: FloatArray) -> float:
    """Return the volume that points dominate up to a reference point (k,); infinite if either reaches infinity."""
    inside = losses[(losses < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if not np.isfinite(reference).all() or np.isinf(inside).any():
        return float("inf")
    if losses.shape[1] == _SPACE and len(inside) <= _FEW:
        return _volume_in_space(inside, reference)  # which needs no front; to find it would take longer
    unique = np.unique(inside, axis=0)
    return _volume(unique[_front(unique)], reference)


def best_subset(losses: FloatArray, count: int) -> IntArray:
    """Return the positions of the ``count`` best points, increasing: whole fronts, of the last one a subset of it."""
    if count >= len(losses):
        return np.arange(len(losses))
    ranks = dominance_ranks(losses, count)
    n_whole = int((np.cumsum(np.bincount(ranks)) <= count).sum())
    chosen = ranks < n_whole
    left = count - int(chosen.sum())
    if left:
        front = np.flatnonzero(ranks == n_whole)
        chosen[front[largest_subset(losses[front], left, reference_point(losses[front]))]] = True
    return np.flatnonzero(chosen)


def largest_subset(losses: FloatArray, count: int, reference: FloatArray) -> IntArray:
    """Return the positions of ``count`` points that greedily cover most volume; equal points count once if they can.

    Args:
        losses: (n, k) losses, none of them dominated by another one.
        count: How many to choose, at most n.
        reference: (k,) reference point.
    """
    unique, first = np.unique(losses, axis=0, return_index=True)
    if count >= len(unique):
        doubles = np.setdiff1d(np.arange(len(losses)), first)
        return np.concatenate([first, doubles[: count - len(unique)]])
    if not np.isfinite(reference).all():
        return first[:count]
    choose = _largest_in_plane if losses.shape[1] == _PLANE else _largest_in_space
    with np.errstate(invalid="ignore"):  # infinite volumes beside each other
        return first[choose(unique, count, reference)]


def _front(unique: FloatArray) -> BoolArray:
    """Say which of distinct points, in lexicographic order, are dominated by no other."""
    if unique.shape[1] <= _PLANE:
        is_lower = np.ones(len(unique), dtype=bool)
        last = unique[:, -1]
        is_lower[1:] = last[1:] < np.minimum.accumulate(last)[:-1]
        return is_lower if unique.shape[1] == _PLANE else np.arange(len(unique)) == 0
    on_front, left = np.zeros(len(unique), dtype=bool), np.arange(len(unique))
    while len(left):  # nobody that comes later dominates the first, which is why it is on the front
        on_front[left[0]] = True
        left = left[(unique[left, 1:] < unique[left[0], 1:]).any(axis=1)]
    return on_front


def _volume(points: FloatArray, reference: FloatArray) -> float:
    """Return the hypervolume of points inside of the reference; those of the plane must be a front, sorted by x."""
    if points.shape[1] <= _PLANE:
        above = np.append(reference[-1], points[:-1, -1])
        widths = reference[0] - points[:, 0] if points.shape[1] == _PLANE else np.ones(1)
        return float(widths @ (above - points[:, -1]))
    if points.shape[1] == _SPACE:
        return _volume_in_space(points, reference)
    # Slabs of the last objective, in each of which the same points count.
    points = points[np.argsort(points[:, -1], kind="stable")]
    heights = np.diff(np.append(points[:, -1], reference[-1]))
    parts = [_volume(points[: at + 1, :-1], reference[:-1]) for at in range(len(points)) if heights[at] > 0.0]
    return float(np.dot(parts, heights[heights > 0.0]))


def _volume_in_space(points: FloatArray, reference: FloatArray) -> float:
    # On the grid of all x and all y, the depth of a column is the largest of the points at or below it.
    n, (x, y, z) = len(points), points.T
    by_x, by_y = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    depth = np.zeros((n, n))
    depth[np.argsort(by_x), np.argsort(by_y)] = reference[2] - z
    np.maximum.accumulate(depth, axis=0, out=depth)
    np.maximum.accumulate(depth, axis=1, out=depth)
    widths, lengths = np.diff(np.append(x[by_x], reference[0])), np.diff(np.append(y[by_y], reference[1]))
    return float(widths @ depth @ lengths)


def _largest_in_plane(points: FloatArray, count: int, reference: FloatArray) -> IntArray:
    # What a point adds is a rectangle, up to the chosen ones on both of its sides.
    corners = np.tile(reference, (len(points), 1))
    is_left, chosen = np.ones(len(points), dtype=bool), np.empty(count, dtype=np.int64)
    for at in range(count):
        gains = np.nan_to_num((corners - points).prod(axis=1), nan=0.0, posinf=np.inf)
        chosen[at] = best = int(np.argmax(np.where(is_left, gains, -np.inf)))
        is_left[best] = False
        corners[:best, 0] = np.minimum(corners[:best, 0], points[best, 0])
        corners[best:, 1] = np.minimum(corners[best:, 1], points[best, 1])
    return chosen


def _largest_in_space(points: FloatArray, count: int, reference: FloatArray) -> IntArray:
    # What a point adds only shrinks while others are chosen: an old gain is a bound, and so is the gain beside the
    # newest of them alone; most points need no other.
    alone = (reference - points).prod(axis=1)
    gains, known_at = alone.copy(), np.zeros(len(points), dtype=np.int64)
    chosen: list[int] = []
    while len(chosen) < count:
        best = int(np.argmax(gains))
        if known_at[best] == len(chosen) or np.isinf(gains[best]):
            chosen.append(best)
            shared = (reference - np.maximum(points, points[best])).prod(axis=1)
            np.fmin(gains, alone - shared, out=gains)
            gains[chosen] = -np.inf
        else:
            overlap = _volume(np.maximum(points[chosen], points[best]), reference)
            gains[best], known_at[best] = alone[best] - overlap, len(chosen)
    return np.array(chosen, dtype=np.int64)
