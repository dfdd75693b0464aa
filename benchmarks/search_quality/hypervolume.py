"""The volume that trade-offs leave behind: of all points of the unit cube that one of them is at least as good as."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["hypervolume"]


def hypervolume(points: npt.NDArray[np.float64]) -> float:
    """Return the hypervolume of losses with respect to the point (1, ..., 1).

    Slices the volume along the last objective; fine for two or three objectives and some hundreds of points.

    Args:
        points: (n, k) losses; those that are above 1 somewhere add nothing.
    """
    inside = points[(points < 1.0).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(1.0 - inside.min())
    if inside.shape[1] == 2:
        return _area(inside)
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    ends = np.append(inside[1:, -1], 1.0)
    slices = zip(range(1, len(inside) + 1), ends - inside[:, -1], strict=True)
    return sum(hypervolume(inside[:n, :-1]) * float(height) for n, height in slices if height > 0.0)


def _area(points: npt.NDArray[np.float64]) -> float:
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    least = np.minimum.accumulate(points[:, 1])
    ends = np.append(points[1:, 0], 1.0)
    return float(((ends - points[:, 0]) * (1.0 - least)).sum())
