"""Geometric means of paired ratios with their intervals, and the correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Interval", "holm", "p_worse"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A geometric mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, logs: Sequence[float]) -> Interval:
        """Return the interval of the mean of these logarithms: Student's."""
        mean, n = float(np.mean(logs)), len(logs)
        spread = float(np.std(logs, ddof=1)) if n > 1 else math.inf
        half = float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n) if n > 1 else math.inf
        return cls(math.exp(mean), math.exp(mean - half), math.exp(min(mean + half, 700.0)))

    def __str__(self) -> str:
        return f"{self.mean:.2f} ({self.low:.2f}-{self.high:.2f})"


def p_worse(logs: Sequence[float]) -> float:
    """Return p of a one-sided paired t-test that the mean of these log ratios is above 0."""
    if len(set(logs)) == 1:  # no spread, no test
        return 1.0 if logs[0] <= 0 else 0.0
    return float(stats.ttest_1samp(logs, 0.0, alternative="greater").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order."""
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order.tolist()):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = largest
    return adjusted
