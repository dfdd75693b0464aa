"""The range of values to begin with, where a few would hide the differences of all others; ticks of axes."""

from __future__ import annotations

import math

import numpy as np

from raystudy.visualization.data.reading import BoolArray, FloatArray

__all__ = ["beyond", "log_ticks", "readable_range"]

#: Values farther than so many interquartile ranges from the middle half are left to zooming (Tukey)...
_FAR = 3.0
#: ... if they would flatten the rest by this factor.
_FLAT = 5.0
#: How many ticks a logarithmic axis has, at the least and at the most, and how near to its ends they may be.
_LEAST_TICKS, _MOST_TICKS, _NEAR = 2, 4, 1e-9
#: Numbers between these are written without an exponent.
_PLAIN = 0.001, 10_000


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


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return two to four ticks of a logarithmic axis with their texts.

    They are powers of ten; where an axis has less than two of them, the 1, 2 and 5 between, or round numbers.
    """
    if not 0 < low < high:
        return [(low, _short(low))]
    exponents = range(math.ceil(math.log10(low) - _NEAR), math.floor(math.log10(high) + _NEAR) + 1)
    ticks = [10.0**each for each in exponents]
    if len(ticks) < _LEAST_TICKS:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**each for each in decades for step in (1, 2, 5)]
        ticks = [tick for tick in ticks if low <= tick <= high]
    if len(ticks) < _LEAST_TICKS:
        ticks = [float(f"{tick:.2g}") for tick in np.geomspace(low, high, 5)[1:-1]]
    ticks = sorted(set(ticks))[:: 1 + (len(ticks) - 1) // _MOST_TICKS]
    return [(tick, _short(tick)) for tick in ticks]


def _short(tick: float) -> str:
    text = f"{tick:g}" if _PLAIN[0] <= tick < _PLAIN[1] else f"{tick:.3e}"
    digits, has_exponent, exponent = text.partition("e")
    return f"{float(digits):g}e{int(exponent)}" if has_exponent else text
