"""What a sampler is: a function from the history of a study to the next proposal.

A sampler keeps no state between calls: all it may use is the history (columns of all trials, the pending ones
included), the space and the generator that it is given.  The caller makes that generator from the study's
seed and the trial's number, so a proposal does not depend on which process asks or on what was asked before.

    sampler = TPESampler(seed=7)
    space = sampler.joint_space(history)                 # {"lr": FloatDistribution(...), ...}
    params = sampler.propose(space, history, rng)        # {"lr": 3.1e-4, ...}, drawn jointly
    depth = sampler.sample("depth", IntDistribution(1, 9), history, rng)      # one that is not in the space
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial
from raystudy.samplers.history import History

__all__ = ["ConstrainedSampler", "ConstraintsFunction", "Sampler", "check_sampler"]

ConstraintsFunction = Callable[[FrozenTrial], Sequence[float]]


class Sampler(Protocol):
    """The interface of every sampler; all three methods are pure and must not change ``history``."""

    #: Seed of the study, or None to have one drawn when the study is first optimised.
    seed: int | None

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that ``propose`` can draw jointly now (none is allowed)."""

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one value for every parameter of ``space``, jointly, as external values."""

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter."""

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""


@runtime_checkable
class ConstrainedSampler(Protocol):
    """A sampler that users may give a function of constraints, as Optuna's."""

    #: Called once with each trial that has ended COMPLETE or PRUNED; violated are constraints above zero.
    constraints_func: ConstraintsFunction | None


def check_sampler(sampler: object) -> None:
    """Raise TypeError for what is no sampler: a name, a class, or one written for another library."""
    members = ("joint_space", "propose", "sample", "spec", "seed")
    missing = [member for member in members if not hasattr(sampler, member)]
    if missing or isinstance(sampler, type):
        without = "" if isinstance(sampler, type) else f", which has no {', '.join(missing)}"
        raise TypeError(
            f"expected a sampler, such as raystudy.samplers.TPESampler(), got {sampler!r}{without}"
        )
