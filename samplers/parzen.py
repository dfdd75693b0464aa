"""Parzen estimators of TPE: a mixture of products of truncated normals, grid cells and categorical weights.

One kernel per observation and one for the prior; a kernel is a product over the parameters, and one component
index is shared by all of them, so the estimator keeps the dependence between parameters.

Numeric parameters are handled on their unit scale (``UnitScale``): a kernel is a normal with mean ``mu`` and
deviation ``sigma``, truncated to [0, 1].  On a stepped parameter it gives each grid point its mass in the
cell of half a step around that point.  The prior kernel has mean 1/2 and deviation 1, and equal weights for
all choices of a categorical.

Source: Bergstra et al. (2011), NeurIPS 24, section 4; Falkner et al. (2018), ICML (joint kernels); Watanabe
(2023), arXiv 2304.11127 (weights), with the choices of Optuna 5's default.

=========  ==================  ===================================================================
``n``      number              observations; ``K = n + 1`` kernels, the last one is the prior
``d``      number              parameters: ``dn`` numeric ones and ``dc`` categoricals
``m``      number              points at which the density is evaluated
``X``      (d, m) or (d, n)    internal values, one row per parameter
``w``      (K,)                mixture weights, summing to 1
``mu``     (dn, K)             kernel means on the unit scale
``sigma``  (dn, K)             kernel deviations on the unit scale
``order``  (dn, K)             kernels by increasing mean, ties by age, the prior last
``codes``  (dc, K)             observed choice of each kernel; the number of choices for the prior
=========  ==================  ===================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.samplers.kernels import (
    bandwidths,
    cell_table,
    interval_mass,
    truncated_normal_quantiles,
)
from raystudy.samplers.orders import stable_argsort
from raystudy.samplers.scales import UnitScale

__all__ = ["Axes", "KernelRule", "ParzenEstimator", "Weights", "age_weights"]

FloatArray = npt.NDArray[np.float64]
Weights = Callable[[int], npt.ArrayLike]
IntArray = npt.NDArray[np.int64]

#: Trials that weigh the same, however old the others are.
_N_RECENT = 25
#: Means further outside of the domain than this many deviations are moved there: the kernel is then an
#: exponential at the edge anyway, and the normal distribution function does not underflow.
_MAX_DEVIATIONS_OUTSIDE = 30.0
#: Below this, relative to the largest kernel, a kernel adds nothing; and exp is 20 times slower where it
#: underflows.
_LOG_NEGLIGIBLE = -700.0
#: Kernels evaluated at once: the (block, m) arrays stay in the processor's cache.
_BLOCK = 1024
#: Weights of zero, which users may give, have a logarithm all the same; no weight of ours is smaller.
_SMALLEST = 1e-300
_SMALLEST_PRIOR = 1e-12


@dataclass(frozen=True, slots=True)
class Axes:
    """The parameters of a space, sorted by kind; made once for both estimators of a proposal."""

    scale: UnitScale  #: Of the numeric parameters.
    numeric: IntArray  #: (dn,) rows of the numeric parameters in X.
    categorical: IntArray  #: (dc,) rows of the categoricals in X.
    n_choices: IntArray  #: (dc,)

    @classmethod
    def of(cls, space: Mapping[str, Distribution]) -> Axes:
        """Return the axes of a space without single-valued parameters, rows in its order."""
        numbers = [
            (row, d) for row, d in enumerate(space.values()) if not isinstance(d, CategoricalDistribution)
        ]
        choices = [
            (row, len(d.choices))
            for row, d in enumerate(space.values())
            if isinstance(d, CategoricalDistribution)
        ]
        table = np.array(choices, dtype=np.int64).reshape(-1, 2)
        rows = np.array([row for row, _ in numbers], dtype=np.int64)
        return cls(UnitScale.of([d for _, d in numbers]), rows, table[:, 0], table[:, 1])


@dataclass(frozen=True, slots=True)
class KernelRule:
    """How kernels are made of observations.

    Attributes:
        prior_weight: Weight of the prior, where that of an observation is about 1; 0 counts as almost nothing.
        magic_clip: Whether deviations have a lower bound (see ``bandwidths``).
        endpoints: Whether the outermost kernels reach to the ends of the domain.
        weights: From the number of observations to their weights, oldest first; default: ``age_weights``.

    Raises:
        ValueError: If the weight of the prior is negative.
    """

    prior_weight: float = 1.0
    magic_clip: bool = True
    endpoints: bool = False
    weights: Weights | None = None

    def __post_init__(self) -> None:
        if not self.prior_weight >= 0.0:
            raise ValueError(f"expected prior_weight >= 0, got {self.prior_weight}")

    @property
    def prior(self) -> float:
        """The weight of the prior, above zero."""
        return max(self.prior_weight, _SMALLEST_PRIOR)

    def weights_of(self, n: int) -> FloatArray:
        """Return the weights of n observations, (n,).

        Raises:
            ValueError: If the user's function returns other than n numbers >= 0, of which one is above 0.
        """
        if self.weights is None or n == 0:
            return age_weights(n)
        weights = np.asarray(self.weights(n), dtype=np.float64)[:n]
        if weights.shape != (n,) or not (np.isfinite(weights) & (weights >= 0.0)).all() or not weights.any():
            raise ValueError(f"weights: expected {n} finite numbers >= 0, one of them above 0, got {weights}")
        return weights


@dataclass(frozen=True, slots=True)
class ParzenEstimator:
    """The density of one group of observations; the arrays are described in the module's table."""

    axes: Axes
    weights: FloatArray
    mu: FloatArray
    sigma: FloatArray
    order: IntArray
    codes: IntArray
    prior: float = 1.0

    @classmethod
    def fit(
        cls,
        axes: Axes,
        observations: FloatArray,
        rule: KernelRule | None = None,
        by_value: IntArray | None = None,
    ) -> ParzenEstimator:
        """Return the estimator of these observations.

        Args:
            axes: The space.
            observations: (d, n) internal values, oldest first; n = 0 gives the prior alone.
            rule: How kernels are made of them.
            by_value: (dn, n) observations by increasing value of each numeric parameter, ties by age, if known.
        """
        rule = rule or KernelRule()
        n = observations.shape[1]
        shape = (len(axes.numeric), n + 1)
        order, mu, sigma = np.full(shape, n), np.full(shape, 0.5), np.ones(shape)
        unit = axes.scale.to_unit(observations[axes.numeric])
        order[:, :n] = stable_argsort(unit)[0] if by_value is None else by_value
        mu[:, :n] = unit
        ranked = np.empty(unit.shape)
        for row, rank in enumerate(order[:, :n]):  # row by row it stays in the processor's cache
            unit[row].take(rank, out=ranked[row], mode="clip")
        ranked = bandwidths(ranked, magic_clip=rule.magic_clip, endpoints=rule.endpoints)
        for row, rank in enumerate(order[:, :n]):
            sigma[row, rank] = ranked[row]
        if unit.size and (unit.min() < 0.0 or unit.max() > 1.0):
            reach = _MAX_DEVIATIONS_OUTSIDE * sigma[:, :n]
            np.clip(unit, -reach, 1.0 + reach, out=mu[:, :n])
        codes = np.empty((len(axes.categorical), n + 1), dtype=np.int64)
        codes[:, :n] = observations[axes.categorical]
        codes[:, n] = axes.n_choices
        weights = np.append(rule.weights_of(n), rule.prior)
        return cls(axes, weights / weights.sum(), mu, sigma, order, codes, rule.prior)

    def sample(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw points: (d, size) internal values."""
        axes = self.axes
        bounds = np.cumsum(self.weights)
        chosen = np.searchsorted(bounds, rng.random(size) * bounds[-1], side="right")
        chosen = np.minimum(chosen, len(bounds) - 1)
        points = rng.random((len(axes.numeric) + len(axes.categorical), size))
        unit = truncated_normal_quantiles(points[axes.numeric], self.mu[:, chosen], self.sigma[:, chosen])
        points[axes.numeric] = axes.scale.from_unit(unit)
        points[axes.categorical] = self._choose(points[axes.categorical], self.codes[:, chosen])
        return points

    def log_pdf(self, points: FloatArray) -> FloatArray:
        """Return the log density at points (d, m), as (m,).

        The density of a real-valued parameter is per unit of its scale (of its logarithm on a log scale);
        that of a grid or categorical parameter is a probability.
        """
        quadratic, features, log_norm = self._continuous(points)
        tables = self._discrete(points)
        parts = []
        for start in range(0, len(log_norm), _BLOCK):
            block = slice(start, start + _BLOCK)
            log_kernels = quadratic[:, block].T @ features  # (block, m)
            log_kernels += log_norm[block, None]
            for table, codes in tables:
                log_kernels += table.take(codes[block], axis=0)
            largest = log_kernels.max(axis=0)
            log_kernels -= largest
            np.maximum(log_kernels, _LOG_NEGLIGIBLE, out=log_kernels)
            parts.append(np.log(np.exp(log_kernels, out=log_kernels).sum(axis=0)) + largest)
        total: FloatArray = np.logaddexp.reduce(parts, axis=0)
        return total

    def _continuous(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return A (2 dr, K), B (2 dr, m) and c (K,): log kernels of the dr real parameters are A^T B + c."""
        scale = self.axes.scale
        real = np.flatnonzero(scale.step[:, 0] == 0)
        unit = scale.to_unit(points[self.axes.numeric])[real]
        mu, sigma = self.mu[real], self.sigma[real]
        precision = 1.0 / (sigma * sigma)
        pull = mu * precision
        # -(x - mu)^2 / 2 sigma^2 multiplied out, so that one matrix product serves all the parameters.
        log_norm = np.log(np.maximum(self.weights, _SMALLEST))
        log_norm -= np.sum(0.5 * mu * pull + np.log(sigma * interval_mass(mu, sigma)), axis=0)
        log_norm -= np.sum(0.5 * math.log(2.0 * math.pi) + np.log(scale.width[real]))
        return np.concatenate([-0.5 * precision, pull]), np.concatenate([unit * unit, unit]), log_norm

    def _discrete(self, points: FloatArray) -> list[tuple[FloatArray, IntArray]]:
        """Return for each grid and categorical a table (u, m) of log masses and the codes (K,) of the kernels."""
        axes, tables = self.axes, []
        stepped = np.flatnonzero(axes.scale.step[:, 0] > 0)
        lefts, rights = axes.scale.cells(stepped, points[axes.numeric[stepped]])
        for row, left, right in zip(stepped.tolist(), lefts, rights, strict=True):
            tables.append(cell_table(self.mu[row], self.sigma[row], self.order[row], left, right))
        for values, codes, n_choices in zip(
            points[axes.categorical].astype(np.int64), self.codes, axes.n_choices.tolist(), strict=True
        ):
            tables.append((self._choice_table(n_choices, values), codes))
        return tables

    def _choice_table(self, n_choices: int, values: IntArray) -> FloatArray:
        """Log probability of choices (m,) by observed choice: (n_choices + 1, m), the prior last."""
        n_kernels = len(self.weights)
        other = math.log(self.prior) - math.log(n_kernels + self.prior * n_choices)
        table = np.full((n_choices + 1, len(values)), other)
        table[values, np.arange(len(values))] += math.log(n_kernels + self.prior) - math.log(self.prior)
        table[n_choices] = -math.log(n_choices)
        return table

    def _choose(self, points: FloatArray, codes: IntArray) -> FloatArray:
        # A kernel's weights: all choices alike with probability p C / (K + p C) by the weight p of the prior, the
        # observed one otherwise.
        n_choices = self.axes.n_choices[:, None]
        keep = len(self.weights) / (len(self.weights) + self.prior * n_choices)
        keep = np.where(codes == n_choices, 0.0, keep)
        other = np.floor((points - keep) / (1.0 - keep) * n_choices)
        chosen: FloatArray = np.where(points < keep, codes, np.minimum(other, n_choices - 1))
        return chosen


def age_weights(n: int) -> FloatArray:
    """Return the weights of n observations, oldest first: a ramp from 1/n to 1, then 1 for the newest 25."""
    if n < _N_RECENT:
        return np.ones(n)
    return np.concatenate([np.linspace(1.0 / n, 1.0, n - _N_RECENT), np.ones(_N_RECENT)])
