"""Optuna's distributions of before 3.0, deprecated: to call one warns and makes one of today's.

So what they make is stored, compared and pickled as any other distribution; nothing is an instance of them.
"""

from __future__ import annotations

import warnings
from typing import Any

from raystudy.distributions import FloatDistribution, IntDistribution

__all__ = [
    "DiscreteUniformDistribution",
    "IntLogUniformDistribution",
    "IntUniformDistribution",
    "LogUniformDistribution",
    "UniformDistribution",
]


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} is deprecated, as in Optuna; use {new}", FutureWarning, stacklevel=3)


class UniformDistribution(FloatDistribution):
    """Deprecated: ``FloatDistribution(low, high)``."""

    def __new__(cls, low: float, high: float) -> Any:
        """Return the distribution of today."""
        _warn("UniformDistribution", "FloatDistribution(low, high)")
        return FloatDistribution(low, high)


class LogUniformDistribution(FloatDistribution):
    """Deprecated: ``FloatDistribution(low, high, log=True)``."""

    def __new__(cls, low: float, high: float) -> Any:
        """Return the distribution of today."""
        _warn("LogUniformDistribution", "FloatDistribution(low, high, log=True)")
        return FloatDistribution(low, high, log=True)


class DiscreteUniformDistribution(FloatDistribution):
    """Deprecated: ``FloatDistribution(low, high, step=q)``."""

    def __new__(cls, low: float, high: float, q: float) -> Any:
        """Return the distribution of today."""
        _warn("DiscreteUniformDistribution", "FloatDistribution(low, high, step=q)")
        return FloatDistribution(low, high, step=q)


class IntUniformDistribution(IntDistribution):
    """Deprecated: ``IntDistribution(low, high, step=step)``."""

    def __new__(cls, low: int, high: int, step: int = 1) -> Any:
        """Return the distribution of today."""
        _warn("IntUniformDistribution", "IntDistribution(low, high, step=step)")
        return IntDistribution(low, high, step=step)


class IntLogUniformDistribution(IntDistribution):
    """Deprecated: ``IntDistribution(low, high, log=True)``.  Another step than 1 is a ValueError."""

    def __new__(cls, low: int, high: int, step: int = 1) -> Any:
        """Return the distribution of today."""
        _warn("IntLogUniformDistribution", "IntDistribution(low, high, log=True)")
        return IntDistribution(low, high, log=True, step=step)
