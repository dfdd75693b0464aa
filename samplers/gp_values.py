"""The objective values that a Gaussian process models: made as normal as a power transformation can, then standardised.

A few terrible values would take up the scale on which the good ones differ.  The transformation of Yeo and Johnson
(2000), "A New Family of Power Transformations to Improve Normality or Symmetry", Biometrika 87, shrinks such a tail;
its power p is the most probable one.  Values are standardised before it, too, since it depends on their scale.

    t(y) = ((1 + y)^p - 1) / p for y >= 0, and -((1 - y)^(2 - p) - 1) / (2 - p) for y < 0

Of the values of a constraint what matters is where they cross zero.  Their logarithm is taken to both sides of it
(Eriksson and Poloczek, 2021, "Scalable Constrained Bayesian Optimization", AISTATS), in units of their median size.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

__all__ = ["around_zero", "normalised", "standardised", "yeo_johnson"]

FloatArray = npt.NDArray[np.float64]

_SMALLEST = 2.2e-308
#: Fewer values say nothing about their distribution.
_FEW = 5
_POWERS = (-2.0, 2.0)
#: The least median of a constraint's sizes, over the greatest of them, and the deviation that is rounding errors alone.
_LEAST_MEDIAN = 1e-6
_ALIKE = 1e-9


def standardised(values: FloatArray) -> FloatArray:
    """Return values of mean 0 and deviation 1, (n,), or only zeros if all are equal.

    Infinite ones are taken for the farthest finite ones.
    """
    is_finite = np.isfinite(values)
    if not is_finite.any():
        return np.zeros(len(values))
    values = np.clip(values, values[is_finite].min(), values[is_finite].max())
    values /= max(float(np.abs(values).max()), _SMALLEST)  # so that nothing overflows
    values -= values.min()
    if not values.any():
        return values
    standard: FloatArray = (values - values.mean()) / values.std()
    return standard


def yeo_johnson(values: FloatArray, power: float) -> FloatArray:
    """Return t(y) of finite values, (n,)."""
    size, is_negative = np.log1p(np.abs(values)), values < 0
    powers = np.where(is_negative, 2.0 - power, power)
    safe = np.where(powers == 0.0, 1.0, powers)
    risen = np.where(powers == 0.0, size, np.expm1(safe * size) / safe)
    return np.where(is_negative, -risen, risen)


def normalised(values: FloatArray) -> FloatArray:
    """Return the values transformed to be as normal as possible, standardised, in their order, (n,)."""
    standard = standardised(values)
    if len(values) < _FEW or not standard.any():
        return standard
    jacobian = float((np.sign(standard) * np.log1p(np.abs(standard))).sum())

    def unlikeliness(power: float) -> float:
        variance = float(yeo_johnson(standard, power).var())
        return 0.5 * len(standard) * math.log(variance) - (power - 1.0) * jacobian

    found = minimize_scalar(unlikeliness, bounds=_POWERS, method="bounded", options={"xatol": 1e-3})
    return standardised(yeo_johnson(standard, float(found.x)))


def around_zero(values: FloatArray) -> tuple[FloatArray, float]:
    """Return the values (n,) of a constraint, standardised after a logarithm to both sides of zero, and where zero is.

    Infinite ones are taken for the farthest finite ones.
    """
    farthest = float(np.abs(values[np.isfinite(values)]).max(initial=_SMALLEST))
    values = np.clip(values, -farthest, farthest) / farthest
    sizes = np.abs(values)
    values = np.sign(values) * np.log1p(sizes / max(float(np.median(sizes)), _LEAST_MEDIAN))
    mean, deviation = float(values.mean()), float(values.std())
    if deviation <= _ALIKE * abs(mean):
        deviation = abs(mean)  # all alike: one of its own sizes away from zero
    deviation = deviation or 1.0
    return (values - mean) / deviation, -mean / deviation
