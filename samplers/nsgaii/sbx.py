"""Simulated binary crossovers: children spread around two parents as those of a crossover of bit strings do.

Both make two complementary children of which, as in Optuna, one is kept, and mix their parameters with each other's
and with those of the parents.

Notation: ``d`` parameters, ``x1, x2`` parents, ``u`` uniform numbers, ``beta`` spread factors: the distance of the
children in units of that of the parents.

Sources: Deb and Agrawal (1995), Complex Systems 9(2); Deb, Pratap, Agarwal and Meyarivan's NSGA-II in C (bounds);
Ballester and Carter (2003), GECCO (VSBX).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.nsgaii.operators import BaseCrossover, GeneticStudy

__all__ = ["SBXCrossover", "VSBXCrossover"]

FloatArray = npt.NDArray[np.float64]

_SMALLEST = 1e-10
_ETA_ONE, _ETA_SEVERAL = 2.0, 20.0


@dataclass(frozen=True)
class _TwoChildren(BaseCrossover):
    """What both crossovers share: their arguments, and how one child is mixed from two and their parents."""

    eta: float | None = None
    uniform_crossover_prob: float = 0.5
    use_child_gene_prob: float = 0.5
    n_parents = 2

    def __post_init__(self) -> None:
        if self.eta is not None and not self.eta >= 0.0:
            raise ValueError(f"{self}: need eta >= 0 or None, got {self.eta}")
        if not 0.0 <= self.uniform_crossover_prob <= 1.0:
            raise ValueError(
                f"{self}: need uniform_crossover_prob in [0, 1], got {self.uniform_crossover_prob}"
            )
        if not 0.0 < self.use_child_gene_prob <= 1.0:
            raise ValueError(f"{self}: need use_child_gene_prob in (0, 1], got {self.use_child_gene_prob}")

    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64."""
        eta = self.eta
        if eta is None:
            eta = _ETA_SEVERAL if study._is_multi_objective() else _ETA_ONE
        children = self._children(parents_params, rng, eta, search_space_bounds)
        is_made, is_swapped = rng.random_sample((2, len(search_space_bounds)))
        pair = np.where(is_made < self.use_child_gene_prob, children, parents_params)
        is_first = is_swapped >= self.uniform_crossover_prob
        if rng.random_sample() < 0.5:  # noqa: PLR2004 - which of the two mixed children
            is_first = ~is_first
        return np.asarray(np.where(is_first, pair[0], pair[1]))

    @abstractmethod
    def _children(
        self, parents: FloatArray, rng: np.random.RandomState, eta: float, bounds: FloatArray
    ) -> FloatArray:
        """Return two children, (2, d)."""


@dataclass(frozen=True)
class SBXCrossover(_TwoChildren):
    """Simulated binary crossover, which never leaves the domain.

    Args:
        eta: Distribution index, >= 0: the larger, the closer are children to their parents; default: 2 for one
            objective, 20 for several.
        uniform_crossover_prob: Probability that a parameter comes from the other one of two children, in [0, 1].
        use_child_gene_prob: Probability that a parameter is crossed, in (0, 1]; else it is one of the parents'.

    Raises:
        ValueError: If an argument is out of range.
    """

    def _children(
        self, parents: FloatArray, rng: np.random.RandomState, eta: float, bounds: FloatArray
    ) -> FloatArray:
        low, high = parents.min(axis=0), parents.max(axis=0)
        distance = np.maximum(high - low, _SMALLEST)
        room = np.stack([low - bounds[:, 0], bounds[:, 1] - high])
        # The spread factor of a child at the end of the domain; larger ones are cut off (alpha is 2 without an end).
        alpha = 2.0 - (1.0 + 2.0 * room / distance) ** -(eta + 1.0)
        scaled = alpha * rng.random_sample(len(bounds))
        beta = np.where(scaled <= 1.0, scaled, 1.0 / (2.0 - scaled)) ** (1.0 / (eta + 1.0))
        return np.asarray((low + high) / 2.0 + np.array([[-0.5], [0.5]]) * beta * distance)


@dataclass(frozen=True)
class VSBXCrossover(_TwoChildren):
    """Simulated binary crossover with versatile children, which may lie on either side of both parents.

    Args:
        eta: Distribution index, >= 0: the larger, the closer are children to their parents; default: 2 for one
            objective, 20 for several.
        uniform_crossover_prob: Probability that a parameter comes from the other one of two children, in [0, 1].
        use_child_gene_prob: Probability that a parameter is crossed, in (0, 1]; else it is one of the parents'.

    Raises:
        ValueError: If an argument is out of range.
    """

    def _children(
        self,
        parents: FloatArray,
        rng: np.random.RandomState,
        eta: float,
        bounds: FloatArray,
    ) -> FloatArray:
        u = rng.random_sample(len(bounds))
        (x1, x2), power = parents, 1.0 / (eta + 1.0)
        b1 = (1.0 / np.maximum(2.0 * u, _SMALLEST)) ** power
        b2 = (1.0 / np.maximum(2.0 * (1.0 - u), _SMALLEST)) ** power
        outward, inward = rng.random_sample(2) <= 0.5  # noqa: PLR2004 - even odds
        first = (1 + b1) * x1 + (1 - b2) * x2 if outward else (1 - b1) * x1 + (1 + b2) * x2
        second = (3 - b1) * x1 - (1 - b2) * x2 if inward else (3 - b2) * x2 - (1 - b1) * x1
        return np.stack([first, second]) / 2.0
