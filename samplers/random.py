"""Random search: every parameter uniform on its own scale, whatever has been observed.

Source: Bergstra and Bengio (2012), "Random Search for Hyper-Parameter Optimization", JMLR 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raystudy.distributions import Distribution, ParamValue
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.scales import external_params, uniform

__all__ = ["RandomSampler"]


# Not frozen: a study that was given no seed draws one and fills it in.
@dataclass(slots=True)
class RandomSampler(HistorySampler):
    """Draw every parameter independently and uniformly on its scale, on its grid or among its choices.

    Args:
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
    """

    seed: int | None = None

    def joint_space(self, history: History) -> Mapping[str, Distribution]:  # noqa: ARG002 - see there
        """Return no parameter: each is drawn by its name, so that it does not matter when the others are known."""
        return {}

    def propose(
        self,
        space: Mapping[str, Distribution],
        history: History,  # noqa: ARG002 - random search looks at no trial
        rng: np.random.Generator,
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``."""
        ordered = dict(sorted(space.items()))
        return external_params(ordered, uniform(ordered, rng, 1)[:, 0])

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter."""
        return self.propose({name: distribution}, history, rng)[name]

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {"name": "RandomSampler", **asdict(self)}
