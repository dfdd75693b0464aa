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
#: Deviation of kernels on the same point, where nothing else widens them.
_NARROWEST = 1e-12
#: Where the mass of a cell underflows; the mass that the prior gives to that cell is far greater.
_SMALLEST_MASS = 1e-300


def bandwidths(ranked: FloatArray, *, magic_clip: bool = True, endpoints: bool = False) -> FloatArray:
    """Return the deviations of kernels whose means increase along each row, (d, n) to (d, n).

    The larger of the gaps to the two neighbours, at least 1 / min(100, n + 2) and at most 1.

    Args:
        ranked: (d, n) means on the unit scale.
        magic_clip: False takes the lower bound away.
        endpoints: Whether the ends of the domain are neighbours of the outermost kernels, not of a lone one only.
    """
    d, n = ranked.shape
    gaps = np.diff(np.concatenate([np.zeros((d, 1)), ranked, np.ones((d, 1))], axis=1), axis=1)
    sigma = np.maximum(gaps[:, :-1], gaps[:, 1:])
    if n > 1 and not endpoints:
        sigma[:, 0], sigma[:, -1] = gaps[:, 1], gaps[:, -2]
    return np.clip(sigma, 1.0 / min(100, n + 2) if magic_clip else _NARROWEST, 1.0, out=sigma)


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
    cells, cell_codes = _distinct_cells(left)
    n_kernels = np.bincount(owner, minlength=len(left))
    first_kernel = np.cumsum(n_kernels) - n_kernels
    # Every cell meets the kernels of its own parameter: pair p is cell[p] with kernel[p].  In this order the
    # distances change smoothly, which makes the distribution function twice as fast as in the other.
    n_pairs = n_kernels[cells[0]]
    first_pair = np.cumsum(n_pairs) - n_pairs
    cell = np.repeat(np.arange(len(n_pairs)), n_pairs)
    kernel = np.arange(len(cell)) + (first_kernel[cells[0]] - first_pair)[cell]
    centre, half = (left[cells] + right[cells]) / 2, (right[cells] - left[cells]) / 2
    precision = (1.0 / sigma)[kernel]
    distance = np.abs(centre[cell] - mu[kernel]) * precision
    reach = half[cell] * precision
    # Both ends left of the mean: near 1 the distribution function would cancel.
    mass = ndtr(reach - distance) - ndtr(-reach - distance)
    log_mass = np.log(np.maximum(mass, _SMALLEST_MASS)) - np.log(interval_mass(mu, sigma))[kernel]
    offset = np.arange(len(owner)) - first_kernel[owner]
    return log_mass[first_pair[cell_codes][owner] + offset[:, None]], codes


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
    """Return row, mean and deviation of the distinct kernels, (u,) each, and the (d, K) codes of all."""
    by_rank = np.arange(len(mu))[:, None], order
    mu, sigma = mu[by_rank], sigma[by_rank]
    is_new = np.ones(order.shape, dtype=bool)
    is_new[:, 1:] = (mu[:, 1:] != mu[:, :-1]) | (sigma[:, 1:] != sigma[:, :-1])
    codes = np.empty_like(order)
    codes[by_rank] = np.cumsum(is_new).reshape(order.shape) - 1
    return np.nonzero(is_new)[0], mu[is_new], sigma[is_new], codes


def _distinct_cells(ends: FloatArray) -> tuple[tuple[IntArray, IntArray], IntArray]:
    """Return (rows, columns) of the distinct values of each row, and the (d, m) codes of all values."""
    index, order = np.arange(len(ends))[:, None], np.argsort(ends, axis=1)
    ranked = ends[index, order]
    is_new = np.ones(ends.shape, dtype=bool)
    is_new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    codes = np.empty_like(order)
    codes[index, order] = np.cumsum(is_new).reshape(ends.shape) - 1
    row, rank = np.nonzero(is_new)
    return (row, order[row, rank]), codes
