"""Mutations: small changes of one parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.nsgaii.operators import BaseMutation, GeneticStudy

__all__ = ["PolynomialMutation"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PolynomialMutation(BaseMutation):
    """A step of either sign, whose density falls as a polynomial to zero beyond the ends of the domain.

    Deb and Goyal (1996), Computer Science and Informatics 26(4); with bounds as in Deb's NSGA-II in C.

    Args:
        eta: Distribution index, >= 0: the larger, the smaller are the steps.

    Raises:
        ValueError: If eta is negative.
    """

    eta: float = 20.0

    def __post_init__(self) -> None:
        if not self.eta >= 0.0:
            raise ValueError(f"PolynomialMutation: need eta >= 0, got {self.eta}")

    def mutation(
        self,
        param: float,
        rng: np.random.RandomState,
        study: GeneticStudy,  # noqa: ARG002 - in the signature of all mutations
        search_space_bounds: FloatArray,
    ) -> float:
        """Return the changed parameter, inside of its domain."""
        low, high = (float(bound) for bound in search_space_bounds)
        u, power = float(rng.random_sample()), self.eta + 1.0
        if not low < high:
            return param
        is_down = u <= 0.5  # noqa: PLR2004 - even odds
        room = (param - low if is_down else high - param) / (high - low)
        # Twice the probability beyond the step, of what is left of either half inside of the domain.
        share = 2.0 * min(u, 1.0 - u)
        beyond = share + (1.0 - share) * (1.0 - room) ** power
        step = (1.0 - beyond ** (1.0 / power)) * (high - low)
        return float(max(low, param - step) if is_down else min(high, param + step))
