"""The state of CMA-ES as a fold over told points: generations of a normal distribution; pure.

A *generation* is the distribution after so many groups of ``popsize`` points with their losses have been told.
It is a function of those points alone, in their order, so that whoever knows them has it: nothing is stored, and
what ``Generations`` remembers is only what need not be computed again.

The distributions are those of the library ``cmaes``: Hansen (2016), arXiv 1604.00772; Ros and Hansen (2008), PPSN X
(separable); Hamano et al. (2022), GECCO (margin); Nomura et al. (2023), GECCO (learning rates).

Notation: ``d`` parameters on the unit scale, ``p`` the population size, ``n`` points; losses are minimised.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cmaes import CMA, CMAwM, SepCMA
from scipy.special import ndtr, ndtri

__all__ = ["CmaSettings", "CmaStart", "Generations", "advance", "begin", "draw", "latent_points"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: A distribution of ``cmaes``, which has no types.  It is never changed here: a copy is.
Optimizer = Any

#: Generations that are remembered: the newest, and every so many of the older ones.
_NEWEST, _EVERY = 32, 32
_SMALLEST_SIGMA = 1e-10
_LARGEST_LOSS = 1e300


@dataclass(frozen=True, slots=True)
class CmaSettings:
    """Which CMA-ES; ``popsize`` None means 4 + floor(3 ln d) (Hansen, equation 48)."""

    popsize: int | None = None
    separable: bool = False
    margin: bool = False
    lr_adapt: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CmaStart:
    """The first distribution.

    Attributes:
        mean: (d,) float64, in the unit cube.
        sigma: Step size, > 0.
        cov: (d, d) float64, or None for the unit matrix.
        steps: (d,) float64, distance of grid points, 0 where all numbers are allowed; minded with margin only.
    """

    mean: FloatArray
    sigma: float
    cov: FloatArray | None
    steps: FloatArray


def begin(settings: CmaSettings, start: CmaStart) -> Optimizer:
    """Return generation 0."""
    d = len(start.mean)
    bounds = np.tile([0.0, 1.0], (d, 1))
    common: dict[str, Any] = {
        "mean": start.mean,
        "sigma": max(start.sigma, _SMALLEST_SIGMA),
        "bounds": bounds,
        "n_max_resampling": 10 * d,
        "seed": 0,  # Every draw has a seed of its own.
        "population_size": settings.popsize,
    }
    with np.errstate(all="ignore"):
        if settings.separable and d > 1:  # with one parameter there is nothing to separate
            return SepCMA(**common)
        if settings.margin:
            return CMAwM(**common, cov=start.cov, steps=start.steps)
        return CMA(**common, cov=start.cov, lr_adapt=settings.lr_adapt)


def draw(generation: Optimizer, rng: np.random.Generator) -> FloatArray:
    """Draw a point (d,) of the unit cube, those of a margin on their grid; the generation stays as it is."""
    own = _with_seed(generation, int(rng.integers(2**32)))
    with np.errstate(all="ignore"):
        drawn = own.ask()
    point: FloatArray = drawn[0] if isinstance(own, CMAwM) else drawn
    return np.clip(point, 0.0, 1.0)


def advance(generation: Optimizer, points: FloatArray, losses: FloatArray) -> Optimizer:
    """Return the next generation; the same one where the arithmetic has come to its end.

    Args:
        generation: A generation.
        points: (p, d) float64.
        losses: (p,) float64; NaN counts as the worst.
    """
    following = copy.deepcopy(generation)
    finite = np.clip(np.nan_to_num(losses, nan=np.inf), -_LARGEST_LOSS, _LARGEST_LOSS)
    if isinstance(generation, CMAwM):
        points = latent_points(generation, points)
    try:
        with np.errstate(all="ignore"):
            following.tell(list(zip(points, finite.tolist(), strict=True)))
            following.reseed_rng(0)
            probe = np.ravel(following.ask())  # leaves its eigenvectors behind for all further draws
    except (ArithmeticError, np.linalg.LinAlgError):
        return generation
    return following if np.isfinite(probe).all() else generation


@dataclass(frozen=True, slots=True, eq=False)
class Generations:
    """What follows from a start and told points; those generations are remembered that a later call can begin from.

    Attributes:
        kept: Generations by their count, 0 always among them.
        rows: (n, d + 1) float64, the points told so far and their losses, in whole groups.
    """

    kept: Mapping[int, Optimizer]
    rows: FloatArray

    @classmethod
    def of(cls, first: Optimizer) -> Generations:
        """Return the generations of a start to which nothing was told."""
        return cls({0: first}, np.empty((0, first.dim + 1)))

    @property
    def newest(self) -> Optimizer:
        """The last generation."""
        return self.kept[max(self.kept)]

    def told(self, points: FloatArray, losses: FloatArray) -> Generations:
        """Return the generations after all whole groups of these points, whatever was told before.

        Only what follows the first difference to the points told before is computed.

        Args:
            points: (n, d) float64 on the unit scale; those outside are told as on the border.
            losses: (n,) float64; NaN counts as the worst.
        """
        popsize: int = self.kept[0].population_size
        count = len(losses) // popsize
        rows = np.column_stack([np.clip(points, 0.0, 1.0), losses])[: count * popsize]
        same = _n_equal(rows, self.rows)
        at = max(g for g in self.kept if g * popsize <= same)
        kept = {g: generation for g, generation in self.kept.items() if g <= at}
        newest = kept[at]
        for g in range(at, count):
            group = rows[g * popsize : (g + 1) * popsize]
            newest = kept[g + 1] = advance(newest, group[:, :-1], group[:, -1])
        kept = {g: each for g, each in kept.items() if g % _EVERY == 0 or g > count - _NEWEST}
        return Generations(kept, rows)


def _n_equal(rows: FloatArray, others: FloatArray) -> int:
    """Return how many rows at the beginning are equal."""
    n = min(len(rows), len(others))
    is_equal = (rows[:n] == others[:n]) | (np.isnan(rows[:n]) & np.isnan(others[:n]))
    differs = ~is_equal.all(axis=1)
    return int(differs.argmax()) if differs.any() else n


def _with_seed(generation: Optimizer, seed: int) -> Optimizer:
    """Return a generation that shares all arrays with another, which drawing does not change, but not its generator."""
    own = object.__new__(type(generation))
    own.__dict__.update(generation.__dict__)
    if isinstance(own, CMAwM):
        own._cma = _with_seed(generation._cma, seed)
    else:
        own._rng = np.random.RandomState(seed)
    return own


def latent_points(generation: Optimizer, points: FloatArray) -> FloatArray:
    """Return the points (p, d) before they were put on the grid, drawn from what is possible.

    With a margin the distribution is told the numbers that it drew, not the grid points next to them; a trial
    holds the latter alone.  Given a grid point, the number it came from has the normal distribution, truncated to
    the cell of that point and conditioned on the other parameters: it is drawn anew, one parameter after the other
    (Geweke, 1991: the GHK recursion), by random numbers that depend on nothing but the generation's count.
    """
    discrete: IntArray = generation._discrete_idx
    if not len(discrete):
        return points
    order = np.concatenate([generation._continuous_idx, discrete])
    inner = generation._cma
    cov = inner._sigma**2 * inner._C
    try:
        root = np.linalg.cholesky(cov[np.ix_(order, order)])
    except np.linalg.LinAlgError:
        return points
    mean, latent = generation.mean, points.copy()
    z = np.zeros((len(points), len(order)))
    quantiles = np.random.Generator(np.random.PCG64(generation.generation)).random(z.shape)
    half = np.zeros(len(mean))
    half[discrete] = generation._discrete_space_step / 2
    for row, j in enumerate(order.tolist()):
        given = mean[j] + z[:, :row] @ root[row, :row]
        if half[j]:
            low = np.where(points[:, j] <= half[j], -np.inf, points[:, j] - half[j])
            high = np.where(points[:, j] >= 1.0 - half[j], np.inf, points[:, j] + half[j])
            ends = (mean[j] + (np.stack([low, high]) - mean[j]) / generation._A[j] - given) / root[row, row]
            z[:, row] = _truncated_normal(quantiles[:, row], *ends)
            latent[:, j] = given + root[row, row] * z[:, row]
        else:
            z[:, row] = (points[:, j] - given) / root[row, row]
    return latent


def _truncated_normal(quantiles: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return quantiles of standard normals truncated to [low, high], elementwise; far away, the nearer end."""
    flip = low > 0  # in the upper tail the distribution function would cancel
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below, above = ndtr(low), ndtr(high)
    z = ndtri(below + quantiles * (above - below))
    nearest = np.clip(0.0, low, high)
    z = np.where(np.isfinite(z), np.clip(z, low, high), nearest)
    flipped: FloatArray = np.where(flip, -z, z)
    return flipped
