"""Some parameters fixed, the others drawn by another sampler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raystudy.distributions import Distribution, ParamValue
from raystudy.samplers.asking import draws_ahead, given_value, is_spent, restricted
from raystudy.samplers.base import ConstraintsFunction, Sampler, check_sampler
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler

__all__ = ["PartialFixedSampler"]


@dataclass(slots=True)
class PartialFixedSampler(HistorySampler):
    """Give some parameters the values that were chosen for them, and draw the others by another sampler.

    A sampler of a finite space visits those of its points that have these values, and ends with them.

    Args:
        fixed_params: The values by name.
        base_sampler: What draws the other parameters; its seed is this one's.

    Raises:
        TypeError: If ``base_sampler`` is no sampler, or a value cannot be stored.
    """

    fixed_params: Mapping[str, ParamValue]
    base_sampler: Sampler

    def __post_init__(self) -> None:
        check_sampler(self.base_sampler)
        self.fixed_params = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in dict(self.fixed_params).items()
        }
        try:
            json.dumps(self.fixed_params)
        except TypeError as error:
            raise TypeError(
                f"PartialFixedSampler: expected None, bool, int, float or str as values, "
                f"got {self.fixed_params!r} ({error})"
            ) from None

    @property
    def seed(self) -> int | None:
        """Seed of the base sampler."""
        return self.base_sampler.seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.base_sampler.seed = seed

    @property
    def constraints_func(self) -> ConstraintsFunction | None:
        """The constraints of the base sampler, if it has any."""
        found: ConstraintsFunction | None = getattr(self.base_sampler, "constraints_func", None)
        return found

    @property
    def draws_ahead(self) -> bool:
        """Whether the base sampler draws ahead."""
        return draws_ahead(self.base_sampler)

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that the base sampler draws jointly, without the fixed ones."""
        space = self._drawing().joint_space(history)
        return {name: each for name, each in space.items() if name not in self.fixed_params}

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space`` by the base sampler."""
        return self._drawing().propose(space, history, rng)

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Return the fixed value, with a warning if it lies outside of the distribution, else draw one.

        Raises:
            ValueError: If the parameter cannot have its fixed value.
        """
        if name in self.fixed_params:
            return given_value("PartialFixedSampler", name, self.fixed_params[name], distribution)
        return self._drawing().sample(name, distribution, history, rng)

    def is_spent(self, history: History) -> bool:
        """Whether the base sampler has nothing to try now."""
        return is_spent(self._drawing(), history)

    def restricted(self, fixed_params: Mapping[str, ParamValue]) -> PartialFixedSampler:
        """Return the sampler with these values fixed as well."""
        return PartialFixedSampler({**self.fixed_params, **fixed_params}, self.base_sampler)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {
            "name": "PartialFixedSampler",
            "fixed_params": dict(self.fixed_params),
            "base_sampler": self.base_sampler.spec(),
        }

    def _drawing(self) -> Sampler:
        """Return what draws the other parameters."""
        return restricted(self.base_sampler, self.fixed_params)
