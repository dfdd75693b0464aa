"""Crossovers that do not mind where the domain ends: uniform, blend, simplex and unimodal normal.

Notation: ``d`` parameters, ``x1, x2, x3`` parents; each crossover's defaults are Optuna's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.nsgaii.operators import BaseCrossover, GeneticStudy

__all__ = ["BLXAlphaCrossover", "SPXCrossover", "UNDXCrossover", "UniformCrossover"]

FloatArray = npt.NDArray[np.float64]

_SHORTEST = 1e-10


@dataclass(frozen=True)
class UniformCrossover(BaseCrossover):
    """Each parameter from one of two parents (Syswerda, 1989, ICGA).

    Args:
        swapping_prob: Probability that it comes from the first one, in [0, 1].

    Raises:
        ValueError: If the probability is none.
    """

    swapping_prob: float = 0.5
    n_parents = 2

    def __post_init__(self) -> None:
        if not 0.0 <= self.swapping_prob <= 1.0:
            raise ValueError(f"UniformCrossover: need swapping_prob in [0, 1], got {self.swapping_prob}")

    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,  # noqa: ARG002 - in the signature of all crossovers
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64."""
        is_from_second = rng.random_sample(len(search_space_bounds)) >= self.swapping_prob
        return np.asarray(np.where(is_from_second, parents_params[1], parents_params[0]))


@dataclass(frozen=True)
class BLXAlphaCrossover(BaseCrossover):
    """Uniform in the box around two parents, widened at all ends (Eshelman and Schaffer, 1992, FOGA 2).

    Args:
        alpha: By how much, in widths of the box.
    """

    alpha: float = 0.5
    n_parents = 2

    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,  # noqa: ARG002 - in the signature of all crossovers
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64."""
        low, high = parents_params.min(axis=0), parents_params.max(axis=0)
        margin = self.alpha * (high - low)
        share = rng.random_sample(len(search_space_bounds))
        return np.asarray(low - margin + share * (high - low + 2.0 * margin))


@dataclass(frozen=True)
class SPXCrossover(BaseCrossover):
    """Uniform in the simplex of three parents, expanded from its centre (Tsutsui et al., 1999, GECCO).

    Args:
        epsilon: By which factor; default: sqrt(d + 2).
    """

    epsilon: float | None = None
    n_parents = 3

    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,  # noqa: ARG002 - in the signature of all crossovers
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64."""
        epsilon = math.sqrt(len(search_space_bounds) + 2) if self.epsilon is None else self.epsilon
        centre = parents_params.mean(axis=0)
        weights = rng.dirichlet(np.ones(len(parents_params)))  # uniform among weights that sum up to 1
        return np.asarray(centre + epsilon * (weights @ (parents_params - centre)))


@dataclass(frozen=True)
class UNDXCrossover(BaseCrossover):
    """Normal around the middle of two parents, as wide beside their line as a third one lies off it.

    Kita, Ono and Kobayashi (1999), CEC, section 2; on purpose different from Optuna, which takes the variances for
    standard deviations: with those of the paper, children spread along the line as their parents do.

    Args:
        sigma_xi: Standard deviation along the line through x1 and x2, in units of their distance.
        sigma_eta: That in each direction beside it, in units of the distance of x3; default: 0.35 / sqrt(d).
    """

    sigma_xi: float = 0.5
    sigma_eta: float | None = None
    n_parents = 3

    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,  # noqa: ARG002 - in the signature of all crossovers
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64."""
        x1, x2, x3 = parents_params
        d = len(search_space_bounds)
        sigma_eta = 0.35 / math.sqrt(d) if self.sigma_eta is None else self.sigma_eta
        along = x2 - x1
        length = float(np.linalg.norm(along))
        line = along / max(length, _SHORTEST)

        def beside(vector: FloatArray) -> FloatArray:
            return np.asarray(vector - (vector @ line) * line)

        distance = np.linalg.norm(beside(x3 - x1))
        child = (x1 + x2) / 2 + rng.normal(0.0, self.sigma_xi) * along
        return np.asarray(child + distance * beside(rng.normal(0.0, sigma_eta, size=d)))
