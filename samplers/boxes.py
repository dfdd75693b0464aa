"""The part of the objective space that no point of a front dominates, cut into boxes.

Notation: ``n`` points, ``k`` objectives, ``c`` boxes.  Losses, lower is better.  A box is [lower, upper); that no point
is known to be worse than it from below is written as a lower end of ``BOTTOM``.

Sources: Lacour, Klamroth and Fonseca (2017), Computers & Operations Research 79; Yang et al. (2019), Journal of Global
Optimization 75: along the last objective the points come one by one, and a box lasts until a point cuts its base, so
that there are n + 1 boxes of two objectives and at most 2 n + 1 of three.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BOTTOM", "free_boxes"]

FloatArray = npt.NDArray[np.float64]

#: Stands for minus infinity: with standardised losses no prediction comes near to it.
BOTTOM = -1e6
_PLANE = 2


def free_boxes(losses: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return disjoint boxes that fill what is better than the reference and not dominated by any point.

    Args:
        losses: (n, k) losses, k >= 2; those that are not better than the reference everywhere do not matter.
        reference: (k,) reference point.

    Returns:
        Lower and upper ends, both (c, k).
    """
    inside = losses[(losses < reference).all(axis=1)]
    if losses.shape[1] == _PLANE:
        return _strips(inside, reference)
    levels = np.unique(inside[:, -1])
    begins: dict[bytes, float] = {}
    lower, upper = [], []

    def close(base: bytes, end: float) -> None:
        ends = np.frombuffer(base).reshape(2, -1)
        lower.append([*ends[0], begins.pop(base)])
        upper.append([*ends[1], end])

    for begin in (BOTTOM, *levels.tolist()):
        bases = np.stack(free_boxes(inside[inside[:, -1] <= begin, :-1], reference[:-1]), axis=1)
        keys = dict.fromkeys(base.tobytes() for base in bases)
        for base in [each for each in begins if each not in keys]:
            close(base, begin)
        for base in keys:
            begins.setdefault(base, begin)
    for base in list(begins):
        close(base, float(reference[-1]))
    return np.array(lower), np.array(upper)


def _strips(points: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the boxes of two objectives: one beside each point of the front, and one left of all."""
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    is_front = np.ones(len(points), dtype=bool)
    is_front[1:] = points[1:, 1] < np.minimum.accumulate(points[:, 1])[:-1]
    x, y = points[is_front].T
    left, right = np.append(BOTTOM, x), np.append(x, reference[0])
    top = np.append(reference[1], y)
    return np.stack([left, np.full(len(top), BOTTOM)], axis=1), np.stack([right, top], axis=1)
