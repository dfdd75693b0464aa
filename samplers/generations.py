"""The generations of a genetic search as a fold over the trials: who lived on after each of them; pure.

The trials with a result are taken in the order of their numbers, ``size`` at a time; after each such generation the
*elites* are chosen from it and from the elites before it.  So they are a function of those trials alone: nothing is
stored, and what ``Generations`` remembers is only what need not be computed again.  As a trial that ends late stands
before those that were counted already, the generations are computed anew from there on.

Notation: ``n`` trials, ``k`` objectives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Generations", "Individuals", "Selection"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Individuals:
    """Trials with a result.

    Attributes:
        rows: (n, k + 2) float64 without NaN: number, losses (lower is better) and violation.
    """

    rows: FloatArray

    @property
    def numbers(self) -> IntArray:
        """Their numbers, (n,) int64."""
        return self.rows[:, 0].astype(np.int64)

    @property
    def losses(self) -> FloatArray:
        """Their losses, (n, k) float64."""
        return self.rows[:, 1:-1]

    @property
    def violations(self) -> FloatArray:
        """How much they violate their constraints, (n,) float64, 0 for feasible ones."""
        return self.rows[:, -1]


#: From the count of generations before this one, and those who compete, to the positions of those who live on.
Selection = Callable[[int, Individuals], IntArray]


@dataclass(frozen=True, slots=True, eq=False)
class Generations:
    """What follows from the trials that were counted.

    Attributes:
        size: How many trials make a generation.
        counted: The trials of whole generations.
        elites: Who lived on after each generation; the first entry, before any of them, is nobody.
    """

    size: int
    counted: Individuals
    elites: tuple[Individuals, ...]

    @classmethod
    def of(cls, size: int, n_objectives: int) -> Generations:
        """Return the beginning: nothing was counted."""
        nobody = Individuals(np.empty((0, n_objectives + 2)))
        return cls(size, nobody, (nobody,))

    @property
    def newest(self) -> Individuals:
        """Who lived on after the last whole generation: the parents of the next one."""
        return self.elites[-1]

    def after(self, rows: FloatArray, select: Selection) -> Generations:
        """Return the generations of these trials, whichever were counted before.

        Only what follows the first difference to the trials counted before is computed.

        Args:
            rows: (n, k + 2) rows of ``Individuals``, numbers increasing; those of the last, incomplete generation
                do not count yet.
            select: Chooses who lives on.
        """
        count = len(rows) // self.size
        rows = rows[: count * self.size]
        same = _n_equal(rows, self.counted.rows) // self.size
        elites = list(self.elites[: same + 1])
        for at in range(same, count):
            born = rows[at * self.size : (at + 1) * self.size]
            pool = Individuals(np.concatenate([elites[-1].rows, born]))
            elites.append(Individuals(pool.rows[select(at, pool)]))
        return Generations(self.size, Individuals(rows), tuple(elites))


def _n_equal(rows: FloatArray, others: FloatArray) -> int:
    """Return how many rows at the beginning are equal."""
    n = min(len(rows), len(others))
    differs = rows[:n] != others[:n]
    return int(differs.any(axis=1).argmax()) if differs.any() else n
