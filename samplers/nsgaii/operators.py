"""What a crossover and a mutation are, with the signatures of Optuna's, so that a user's own work here, too.

Both see numeric parameters alone, each on a scale (logarithmic where the parameter's is) on which its domain is the
unit interval; a child outside of it is made anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.frozen import StudyDirection

__all__ = ["BaseCrossover", "BaseMutation", "GeneticStudy"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GeneticStudy:
    """What operators and strategies get as the study.

    Attributes:
        directions: One direction per objective.
    """

    directions: tuple[StudyDirection, ...]

    @property
    def direction(self) -> StudyDirection:
        """The direction of a study with one objective.

        Raises:
            RuntimeError: If it has several.
        """
        if len(self.directions) > 1:
            raise RuntimeError(f"the study has {len(self.directions)} objectives; read .directions")
        return self.directions[0]

    def _is_multi_objective(self) -> bool:
        return len(self.directions) > 1  # Optuna's operators ask so


class BaseCrossover(ABC):
    """How one child comes from several parents; subclass it for a crossover of your own."""

    def __str__(self) -> str:
        return type(self).__name__

    @property
    @abstractmethod
    def n_parents(self) -> int:
        """How many parents a child has, >= 1."""

    @abstractmethod
    def crossover(
        self,
        parents_params: FloatArray,
        rng: np.random.RandomState,
        study: GeneticStudy,
        search_space_bounds: FloatArray,
    ) -> FloatArray:
        """Return a child, (d,) float64.

        Args:
            parents_params: (n_parents, d) float64, the parents' parameters.
            rng: All random numbers come from it, so that the same study gives the same child.
            study: Knows the directions.
            search_space_bounds: (d, 2) float64, the ends of each parameter's domain.
        """


class BaseMutation(ABC):
    """How one parameter of a child changes; subclass it for a mutation of your own."""

    def __str__(self) -> str:
        return type(self).__name__

    @abstractmethod
    def mutation(
        self,
        param: float,
        rng: np.random.RandomState,
        study: GeneticStudy,
        search_space_bounds: FloatArray,
    ) -> float:
        """Return the changed parameter; outside of its domain it counts as the nearer end.

        Args:
            param: The parameter.
            rng: All random numbers come from it.
            study: Knows the directions.
            search_space_bounds: (2,) float64, the ends of the parameter's domain.
        """
