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
    "cell_table",
    "interval_mass",
    "truncated_normal_quantiles",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MIDDLE = 0.5
#: Deviation of kernels on the same point, where nothing else widens them.
_NARROWEST = 1e-12
#: Where the mass of a cell underflows; the mass that the prior gives to that cell is far greater.
_SMALLEST_MASS = 1e-300
#: Left of that many deviations lies all of a normal, to the last digit.
_ALL = 8.3


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
    near = (1.0 - far) / sigma  # the nearer end, in deviations
    is_cut = near < _ALL  # most kernels are narrow, and lose nothing
    mass = np.ones(near.shape)
    mass[is_cut] = ndtr(near[is_cut]) - ndtr(-far[is_cut] / sigma[is_cut])
    return mass


def truncated_normal_quantiles(quantiles: FloatArray, mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return quantiles of normals truncated to the unit interval, elementwise."""
    far = np.abs(mu - _MIDDLE) + _MIDDLE
    low, high = ndtr(-far / sigma), ndtr((1.0 - far) / sigma)
    z = ndtri(low + quantiles * (high - low))
    unit: FloatArray = mu + sigma * np.where(mu < _MIDDLE, -z, z)
    return np.clip(unit, 0.0, 1.0, out=unit)


def cell_table(
    mu: FloatArray, sigma: FloatArray, order: IntArray, left: FloatArray, right: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Return the log masses of the kernels of one parameter in cells of the unit interval, as a table and codes.

    On a grid most kernels coincide, and so do most points: only distinct pairs are evaluated.

    Args:
        mu: (K,) means.
        sigma: (K,) deviations.
        order: (K,) kernels in an order where equal means are neighbours.
        left: (m,) left ends of the cells.
        right: (m,) right ends of the cells.

    Returns:
        table: (u, m) log masses; codes: (K,) so that ``table[codes[k]]`` are those of kernel k.
    """
    mu, sigma = mu[order], sigma[order]
    is_new = np.ones(len(mu), dtype=bool)
    is_new[1:] = (mu[1:] != mu[:-1]) | (sigma[1:] != sigma[:-1])
    codes = np.empty_like(order)
    codes[order] = np.cumsum(is_new) - 1
    mu, sigma = mu[is_new, None], sigma[is_new, None]
    _, cells, cell_codes = np.unique(left, return_index=True, return_inverse=True)
    centre, half = (left[cells] + right[cells]) / 2, (right[cells] - left[cells]) / 2
    precision = 1.0 / sigma
    # Both ends left of the mean: near 1 the distribution function would cancel.  In place: new arrays cost more.
    distance, reach = centre - mu, half * precision
    np.abs(distance, out=distance)
    distance *= precision
    lower = -distance - reach
    reach -= distance
    mass = ndtr(reach, out=reach)
    mass -= ndtr(lower, out=lower)
    log_mass = np.log(np.maximum(mass, _SMALLEST_MASS, out=mass), out=mass)
    log_mass -= np.log(interval_mass(mu, sigma))
    return log_mass[:, cell_codes], codes
