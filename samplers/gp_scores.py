"""What a point is worth, by its predictions: terms that are added, each the logarithm of a probability or a gain.

    LogEI            log E[(best - Y)+]
    LogEHVI          log of the expected growth of the hypervolume of a front
    LogProbability   log P(Y <= limit): that a constraint is met, or that the trial survives

Notation: ``m`` points, ``f`` features, ``c`` boxes, ``k`` objectives; lower is better.  With z = (a - mu) / sigma and h
as in ``acquisition``, E[(a - Y)+] = sigma h(z), so that with independent objectives

    EHVI = sum over boxes of the product over objectives of sigma (h(z_upper) - h(z_lower))

exactly, and its logarithm is taken of the terms, none of which underflows.

Sources: Ament et al. (2023), NeurIPS 36 (logEI, logEHVI); Gardner et al. (2014), ICML (constraints); Yang et al.
(2019), Journal of Global Optimization 75 (EHVI by boxes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from raystudy.samplers.acquisition import log_cdf, log_h
from raystudy.samplers.gp_model import Posterior

__all__ = ["LogEHVI", "LogEI", "LogProbability", "Term"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_SMALLEST = 1e-300
#: What a probability that is too small costs, per unit of its logarithm: more than any improvement is worth.
_WALL = 1e6


class Term(Protocol):
    """One of the terms."""

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return the values (m,) at features (m, f)."""

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the value at one point, (f,) features, and its gradient by the first ``count`` features."""


@dataclass(frozen=True, slots=True, eq=False)
class LogEI:
    """The log expected improvement on ``best``."""

    posterior: Posterior
    best: float

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return the values (m,) at features (m, f)."""
        mean, deviation = self.posterior.predict(features)
        value: FloatArray = np.log(deviation) + log_h((self.best - mean) / deviation)[0]
        return value

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the value at one point, (f,) features, and its gradient by the first ``count`` features."""
        mean, deviation, by_mean, by_deviation = self.posterior.slope(features, count)
        z = (self.best - mean) / deviation
        value, slope = log_h(np.array(z))
        gradient = (by_deviation - float(slope) * (by_mean + z * by_deviation)) / deviation
        return float(np.log(deviation) + value), gradient


@dataclass(frozen=True, slots=True, eq=False)
class LogProbability:
    """The log probability that an output is at most ``limit``; less than ``least`` of it is as good as none."""

    posterior: Posterior
    limit: float
    least: float = 0.0

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return the values (m,) at features (m, f)."""
        mean, deviation = self.posterior.predict(features)
        value = log_cdf((self.limit - mean) / deviation)[0]
        return value + _WALL * np.minimum(value - self._log_least, 0.0) if self.least else value

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the value at one point, (f,) features, and its gradient by the first ``count`` features."""
        mean, deviation, by_mean, by_deviation = self.posterior.slope(features, count)
        z = (self.limit - mean) / deviation
        log_p, by_z = log_cdf(np.array(z))
        value, gradient = float(log_p), float(by_z) * (by_mean + z * by_deviation) / -deviation
        if self.least and value < self._log_least:
            return value + _WALL * (value - self._log_least), (1.0 + _WALL) * gradient
        return value, gradient

    @property
    def _log_least(self) -> float:
        return math.log(self.least)


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """One objective of the boxes: many of them share both ends."""

    posterior: Posterior
    edges: FloatArray  #: (e,) the distinct ends.
    lower: IntArray  #: (p,) the ends of the distinct intervals, among the edges.
    upper: IntArray
    which: IntArray  #: (c,) the interval of each box.

    @classmethod
    def of(cls, posterior: Posterior, lower: FloatArray, upper: FloatArray) -> _Axis:
        edges, at = np.unique(np.stack([lower, upper]), return_inverse=True)
        pairs, which = np.unique(at.reshape(2, -1), axis=1, return_inverse=True)
        return cls(posterior, edges, pairs[0], pairs[1], which.reshape(-1))

    def log_gains(self, mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return the log expected gain in each interval, (m, p), for predictions (m,)."""
        value, _ = log_h((self.edges - mean[:, None]) / deviation[:, None])
        gains: FloatArray = np.log(deviation)[:, None] + value[:, self.upper]
        gains += np.log(np.maximum(-np.expm1(value[:, self.lower] - value[:, self.upper]), _SMALLEST))
        return gains

    def slopes(self, mean: float, deviation: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the log expected gains (p,) for one prediction, and their derivatives by mean and deviation."""
        z = (self.edges - mean) / deviation
        value, cdf = log_h(z)
        pdf = 1.0 - z * cdf  # both over h
        ratio = value[self.lower] - value[self.upper]
        share, gap = np.exp(ratio), np.maximum(-np.expm1(ratio), _SMALLEST)
        by_mean = (share * cdf[self.lower] - cdf[self.upper]) / (gap * deviation)
        by_deviation = (pdf[self.upper] - share * pdf[self.lower]) / (gap * deviation)
        return math.log(deviation) + value[self.upper] + np.log(gap), by_mean, by_deviation


@dataclass(frozen=True, slots=True, eq=False)
class LogEHVI:
    """The log expected growth of the hypervolume: what of the boxes that are still free a point will dominate."""

    axes: tuple[_Axis, ...]

    @classmethod
    def of(cls, posteriors: tuple[Posterior, ...], lower: FloatArray, upper: FloatArray) -> LogEHVI:
        """Return the term for independent posteriors, one per objective, and free boxes (c, k)."""
        return cls(
            tuple(
                _Axis.of(posterior, *ends)
                for posterior, *ends in zip(posteriors, lower.T, upper.T, strict=True)
            )
        )

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return the values (m,) at features (m, f)."""
        logs = np.zeros((len(features), len(self.axes[0].which)))
        for axis in self.axes:
            logs += axis.log_gains(*axis.posterior.predict(features))[:, axis.which]
        total: FloatArray = logsumexp(logs, axis=1)
        return total

    def slope(self, features: FloatArray, count: int) -> tuple[float, FloatArray]:
        """Return the value at one point, (f,) features, and its gradient by the first ``count`` features."""
        predicted = [axis.posterior.slope(features, count) for axis in self.axes]
        found = [axis.slopes(*each[:2]) for axis, each in zip(self.axes, predicted, strict=True)]
        logs = np.zeros(len(self.axes[0].which))
        for axis, (gains, *_) in zip(self.axes, found, strict=True):
            logs += gains[axis.which]
        value = float(logsumexp(logs))
        weights, gradient = np.exp(logs - value), np.zeros(count)
        for axis, each, (_, by_mean, by_deviation) in zip(self.axes, predicted, found, strict=True):
            share = np.bincount(axis.which, weights, minlength=len(by_mean))
            gradient += float(share @ by_mean) * each[2] + float(share @ by_deviation) * each[3]
        return value, gradient
