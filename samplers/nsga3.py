"""NSGA-III: those live on who are on the best fronts, and those of the last one in directions that few others cover.

Sources: Deb and Jain (2014), Jain and Deb (2014), both IEEE TEC 18(4); settings of Optuna 5.  On purpose different
from Optuna, which normalises objectives that are maximised as if they were minimised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.generations import Individuals
from raystudy.samplers.genetic import GeneticSampler
from raystudy.samplers.niching import even_directions, niched_survivors
from raystudy.samplers.seeding import generator

__all__ = ["NSGAIIISampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(kw_only=True)
class NSGAIIISampler(GeneticSampler):
    """Propose children of the best trials so far, which are kept in all directions, for three objectives or more.

    Args:
        reference_points: (p, k) numbers >= 0, the directions for k objectives, as losses between the best (0) and the
            worst of each; which of them is denser is searched more closely.  Default: evenly spread ones.
        dividing_parameter: Parts of each axis between these, >= 1.

    The other arguments are those of ``NSGAIISampler``.

    Raises:
        ValueError: If a number is out of range, or an operator is none.
        NotImplementedError: If ``after_trial_strategy`` is given.
    """

    reference_points: npt.ArrayLike | None = None
    dividing_parameter: int = 3

    def _check(self) -> None:
        super()._check()
        if self.dividing_parameter < 1:
            raise ValueError(f"NSGAIIISampler: need dividing_parameter >= 1, got {self.dividing_parameter}")
        if self.reference_points is not None:
            self.reference_points = _checked(self.reference_points)

    def _survivors(self, at: int, pool: Individuals, seed: int) -> IntArray:
        rng = generator(seed, at, "NSGAIIISampler")
        directions = self._directions(pool.losses.shape[1])
        return niched_survivors(pool.losses, pool.violations, self.population_size, directions, rng)

    def _room(self, ranks: IntArray, losses: FloatArray) -> FloatArray:  # noqa: ARG002 - all have the same
        return np.zeros(len(ranks))

    def _directions(self, k: int) -> FloatArray:
        if self.reference_points is None:
            return even_directions(k, self.dividing_parameter)
        directions = np.array(self.reference_points)
        if directions.shape[1] != k:
            raise ValueError(
                f"NSGAIIISampler: expected reference_points with one number for each of {k} objectives, "
                f"got {directions.shape[1]}"
            )
        return directions


def _checked(points: npt.ArrayLike) -> tuple[tuple[float, ...], ...]:
    """Return reference points as plain numbers, which can be stored and compared."""
    table = np.array(points, dtype=np.float64)
    is_good = table.ndim == 2 and table.size and np.isfinite(table).all() and (table >= 0.0).all()  # noqa: PLR2004
    if not is_good or not table.any(axis=1).all():
        raise ValueError(
            "NSGAIIISampler: expected reference_points as a table of numbers >= 0, one row for each point and none "
            f"of them all zero, got {points!r}"
        )
    return tuple(tuple(row) for row in table.tolist())
