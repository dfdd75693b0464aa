"""Densities of one parameter on a grid: kernels of Scott's width around what trials have drawn, and a prior.

Notation: ``n`` trials, ``m`` cells of the grid, ``u`` cells that a trial has hit.

Source: Watanabe, Bansal and Hutter (2023), IJCAI, arXiv 2304.10255 (section 4 and appendix); Scott (1992),
Multivariate Density Estimation (the width).  The grid and the prior are those of Optuna 5.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, IntDistribution
from raystudy.samplers.kernels import cell_table

__all__ = ["cells_of", "density", "n_cells"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_CELLS = 50
_SMALLEST = 5e-324
#: Weight of the prior, where that of a trial is 1.
_PRIOR = 1.0
#: Kernels hold at least nine tenths of their mass in their own cell (1.64 deviations to either side).
_NARROWEST = 0.5 / 1.64
#: Scott's factor, and the deviations between the quartiles of a normal.
_SCOTT, _QUARTILES = 1.059, 1.34


def n_cells(distribution: Distribution) -> int:
    """Return the number of cells: one for each choice or grid point, at most 50 for numbers."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    span = distribution.high - distribution.low
    if isinstance(distribution, IntDistribution) and distribution.log:
        return min(math.ceil(math.log(span + 1) / math.log(2)) + 1, _MOST_CELLS)
    return min(round(span / distribution.step) + 1, _MOST_CELLS) if distribution.step else _MOST_CELLS


def cells_of(distribution: Distribution, internals: FloatArray) -> IntArray:
    """Return the cells of internal values, (n,); the distribution may not be single-valued.

    The outermost cells are centred on the bounds (of the logarithm on a log scale); what lies between two centres
    goes to the lower one.
    """
    if isinstance(distribution, CategoricalDistribution):
        return internals.astype(np.int64)
    low, high, values = float(distribution.low), float(distribution.high), internals
    if distribution.log:
        # Enqueued values may lie outside of the domain, even where there is no logarithm.
        low, high, values = math.log(low), math.log(high), np.log(np.maximum(internals, _SMALLEST))
    last = n_cells(distribution) - 1
    return np.clip(np.ceil((values - low) / ((high - low) / last) - 0.5), 0, last).astype(np.int64)


def density(distribution: Distribution, counts: IntArray) -> FloatArray:
    """Return the probability of each cell, (m,), given how many trials have hit it, of which there is one or more."""
    hit = np.flatnonzero(counts)
    weights = np.append(counts[hit], _PRIOR) / (counts.sum() + _PRIOR)
    if isinstance(distribution, CategoricalDistribution):
        # Each kernel is the choice itself, with a share of the prior for all of them.
        m, share = len(counts), _PRIOR / (len(hit) + 1)
        spread = weights[:-1].sum() * share / (1.0 + share * m) + weights[-1] / m
        probabilities = np.full(m, spread)
        probabilities[hit] += weights[:-1] / (1.0 + share * m)
        return probabilities
    mixture: FloatArray = weights @ _kernels(hit, _width(hit, counts[hit]), len(counts))
    return mixture


def _width(hit: IntArray, counts: IntArray) -> float:
    """Return the deviation of the kernels in cells, by Scott's rule for weighted points."""
    reached = np.cumsum(counts)
    n = int(reached[-1])
    mean = float(hit @ counts) / n
    deviation = math.sqrt(float((hit - mean) ** 2 @ counts) / max(1, n - 1))
    first = np.searchsorted(reached, n // 4, side="left")
    third = min(len(hit) - 1, int(np.searchsorted(reached, n * 3 // 4, side="right")))
    middle_half = float(hit[third] - hit[first])
    return max(_NARROWEST, float(_SCOTT * min(middle_half / _QUARTILES, deviation) * n**-0.2))


def _kernels(hit: IntArray, width: float, m: int) -> FloatArray:
    """Return the mass of each kernel in each cell, (u + 1, m): normals on the grid, truncated to it, and the prior."""
    mu, sigma = np.append((hit + 0.5) / m, 0.5), np.append(np.full(len(hit), width / m), 1.0)
    left, right = np.arange(m) / m, np.arange(1, m + 1) / m
    table, codes = cell_table(mu, sigma, np.arange(len(mu)), left, right)
    masses: FloatArray = np.exp(table)[codes]
    return masses
