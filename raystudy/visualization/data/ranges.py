"""The range of values to begin with, where a few would hide the differences of all others."""

from __future__ import annotations

import numpy as np

from raystudy.visualization.data.reading import BoolArray, FloatArray

__all__ = ["beyond", "readable_range"]

#: Values farther than so many interquartile ranges from the middle half are left to zooming (Tukey)...
_FAR = 3.0
#: ... if they would flatten the rest by this factor.
_FLAT = 5.0


def readable_range(values: FloatArray, *, maximize: bool) -> tuple[float, float] | None:
    """Return the range without a few values that are so bad that they hide all differences; None if there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [0.25, 0.75])
    far = _FAR * (high - low)
    kept = finite[finite >= low - far] if maximize else finite[finite <= high + far]
    bottom, top = float(kept.min()), float(kept.max())
    if float(np.ptp(finite)) < _FLAT * (top - bottom) or top == bottom:
        return None
    margin = 0.05 * (top - bottom)
    return bottom - margin, top + margin


def beyond(values: FloatArray, ends: tuple[float, float] | None) -> BoolArray:
    """Say which finite values are outside of a range, (n,); of none if there is no range."""
    if ends is None:
        return np.zeros(len(values), dtype=np.bool_)
    found: BoolArray = np.isfinite(values) & ((values < ends[0]) | (values > ends[1]))
    return found
