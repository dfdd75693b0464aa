"""What a multi-fidelity problem is: a space, and a learning curve for each of its points.

Values are losses (lower is better).  A *budget* is a number of epochs, from 1 to ``MAX_BUDGET``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution

__all__ = ["MAX_BUDGET", "Curve", "FloatArray", "Params", "Problem", "Scale"]

#: Epochs of a full training.
MAX_BUDGET = 81

FloatArray = npt.NDArray[np.float64]
#: External values by name; each problem knows their types.
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One training.

    Attributes:
        losses: (MAX_BUDGET,) float64, what an objective would report after 1, 2, ... epochs.
        final: The loss that is expected after ``MAX_BUDGET`` epochs; no method sees it.
        epoch_s: Virtual seconds that an epoch takes.
    """

    losses: FloatArray
    final: float
    epoch_s: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What a loss is worth: regret is 0 at ``best`` and 1 at ``typical``.

    Attributes:
        best: The least expected final loss of the problem.
        typical: The median expected final loss of a uniform draw.
    """

    best: float
    typical: float

    def regret(self, final: float) -> float:
        """Return the normalised regret of an expected final loss."""
        return (final - self.best) / (self.typical - self.best)


class Problem(Protocol):
    """A search problem."""

    @property
    def name(self) -> str:
        """Its name, unique among all problems."""

    @property
    def space(self) -> Mapping[str, Distribution]:
        """Its parameters."""

    @property
    def scale(self) -> Scale:
        """Its best and its typical loss."""

    def curve(self, params: Params, rng: np.random.Generator) -> Curve:
        """Train with these parameters; ``rng`` is all that differs between trainings of one point."""
