"""Kernels of the Parzen estimators, vectorised over parameters: truncated normals on the unit interval.

Source: Watanabe (2023), arXiv 2304.11127 (bandwidths and "magic clipping"), as Optuna 5 does by default.

Notation: ``d`` parameters, ``n`` observations, ``K`` kernels, ``m`` points; ``mu`` and ``sigma`` are means
and deviations before the truncation.  A kernel with its mean below 1/2 is replaced by its mirror image: then
most of the interval is left of the mean, where the normal distribution function does not cancel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

__all__ = [
    "bandwidths",
    "cell_tables",
    "interval_mass",
    "stable_argsort",
    "truncated_normal_quantiles",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MIDDLE = 0.5
#: Where the mass of a cell underflows; the mass that the prior gives to that cell is far greater.
_SMALLEST_MASS = 1e-300


def bandwidths(ranked: FloatArray) -> FloatArray:
    """Return the deviations of kernels whose means increase along each row, (d, n) to (d, n).

    The larger of the gaps to the two neighbours (the ends of the domain are neighbours of a lone kernel
    only), at least 1 / min(100, n + 2) and at most 1.
    """
    d, n = ranked.shape
    gaps = np.diff(np.concatenate([np.zeros((d, 1)), ranked, np.ones((d, 1))], axis=1), axis=1)
    sigma = np.maximum(gaps[:, :-1], gaps[:, 1:])
    if n > 1:
        sigma[:, 0], sigma[:, -1] = gaps[:, 1], gaps[:, -2]
    return np.clip(sigma, 1.0 / min(100, n + 2), 1.0, out=sigma)


def interval_mass(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the mass of normals inside of the unit interval, elementwise."""
    far = np.abs(mu - _MIDDLE) + _MIDDLE
    mass: FloatArray = ndtr((1.0 - far) / sigma) - ndtr(-far / sigma)
    return mass


def truncated_normal_quantiles(quantiles: FloatArray, mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return quantiles of normals truncated to the unit interval, elementwise."""
    far = np.abs(mu - _MIDDLE) + _MIDDLE
    low, high = ndtr(-far / sigma), ndtr((1.0 - far) / sigma)
    z = ndtri(low + quantiles * (high - low))
    unit: FloatArray = mu + sigma * np.where(mu < _MIDDLE, -z, z)
    return np.clip(unit, 0.0, 1.0, out=unit)


def cell_tables(
    mu: FloatArray, sigma: FloatArray, order: IntArray, left: FloatArray, right: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Return the log masses of the kernels in cells of the unit interval, as a table and codes into it.

    On a grid most kernels coincide, and so do most points: only distinct pairs are evaluated.

    Args:
        mu: (d, K) means.
        sigma: (d, K) deviations.
        order: (d, K) kernels in an order where equal means are neighbours.
        left: (d, m) left ends of the cells.
        right: (d, m) right ends of the cells.

    Returns:
        table: (u, m) log masses; codes: (d, K) so that ``table[codes[j, k]]`` are those of kernel k.
    """
    owner, mu, sigma, codes = _distinct_kernels(mu, sigma, order)
    cell_rows, cell_codes = _distinct_cells(left)
    n_cells = cell_codes.max(axis=1, initial=-1) + 1  # of each parameter
    first_cell = np.cumsum(n_cells) - n_cells
    # Every kernel meets the cells of its own parameter: pair p is kernel[p] in cell[p].
    n_pairs = n_cells[owner]
    first_pair = np.cumsum(n_pairs) - n_pairs
    kernel = np.repeat(np.arange(len(owner)), n_pairs)
    cell = np.arange(len(kernel)) + (first_cell[owner] - first_pair)[kernel]
    centre, half = (left[cell_rows] + right[cell_rows]) / 2, (right[cell_rows] - left[cell_rows]) / 2
    distance = np.abs(centre[cell] - mu[kernel]) / sigma[kernel]
    reach = half[cell] / sigma[kernel]
    # Both ends left of the mean: near 1 the distribution function would cancel.
    mass = ndtr(reach - distance) - ndtr(-reach - distance)
    log_mass = np.log(np.maximum(mass, _SMALLEST_MASS)) - np.log(interval_mass(mu, sigma))[kernel]
    return log_mass[first_pair[:, None] + cell_codes[owner]], codes


def stable_argsort(rows: FloatArray) -> tuple[IntArray, FloatArray]:
    """Sort each row, ties by position: (order, sorted rows).

    Faster than ``kind="stable"``, and the same on every processor, which a plain ``argsort`` is not.
    """
    order = np.argsort(rows, axis=1)
    ranked = rows[np.arange(len(rows))[:, None], order]
    rises = ranked[:, 1:] != ranked[:, :-1]
    tied = np.flatnonzero(~rises.all(axis=1))
    if len(tied):
        group = np.zeros((len(tied), rows.shape[1]), dtype=np.int64)
        np.cumsum(rises[tied], axis=1, out=group[:, 1:])
        group *= rows.shape[1]
        order[tied] = np.sort(group + order[tied], axis=1) - group
    return order, ranked


def _distinct_kernels(
    mu: FloatArray, sigma: FloatArray, order: IntArray
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Return the distinct kernels of all rows, (u,) each: row, mean and deviation; and (d, K) codes of all."""
    rows = np.arange(len(mu))[:, None]
    mu, sigma = mu[rows, order], sigma[rows, order]
    is_first = np.ones(mu.shape, dtype=bool)
    is_first[:, 1:] = mu[:, 1:] != mu[:, :-1]
    is_new = is_first.copy()
    is_new[:, 1:] |= sigma[:, 1:] != sigma[:, :-1]
    # Of kernels with one mean, the first and the last are often alike, and all between them.
    is_first, is_new, mu, sigma = is_first.ravel(), is_new.ravel(), mu.ravel(), sigma.ravel()
    first = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    is_like_first = sigma == sigma[first]
    is_new &= is_first | ~is_like_first
    codes = np.cumsum(is_new) - 1
    by_kernel = np.empty_like(order)
    by_kernel[rows, order] = np.where(is_like_first, codes[first], codes).reshape(order.shape)
    chosen = np.flatnonzero(is_new)
    return chosen // order.shape[1], mu[chosen], sigma[chosen], by_kernel


def _distinct_cells(ends: FloatArray) -> tuple[tuple[IntArray, IntArray], IntArray]:
    """Return where the distinct values of each row first stand, by row, and the (d, m) ranks of all values."""
    index, order = np.arange(len(ends))[:, None], np.argsort(ends, axis=1)
    ranked = ends[index, order]
    is_new = np.ones(ends.shape, dtype=bool)
    is_new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    ranks = np.empty_like(order)
    ranks[index, order] = np.cumsum(is_new, axis=1) - 1
    row, position = np.nonzero(is_new)
    return (row, order[row, position]), ranks
