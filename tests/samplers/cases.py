"""The samplers that the conformance suite tests: a new one is a line in CASES."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from raystudy import samplers
from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.samplers import (
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from tests.samplers.helpers import MIXED, Params, Space

#: 36 points.
FINITE: Space = {
    "kind": CategoricalDistribution(("a", "b", "c")),
    "n": IntDistribution(1, 4),
    "rate": FloatDistribution(0.0, 0.6, step=0.3),
}
GRID: dict[str, Any] = {"kind": ["a", "b", "c"], "m": [1], "n": [1, 2, 3, 4], "rate": [0.0, 0.3, 0.6]}


@dataclass(frozen=True)
class Case:
    """A sampler and what it can do.

    Attributes:
        name: Name of the test cases.
        make: Makes the sampler, given its seed.
        space: A space that it can search.
        several: Whether it searches for several objectives.
        constraints: Whether it prefers what meets the constraints.
        spreads: From how many trials on a proposal equals no pending one while a finite space has other points.
    """

    name: str
    make: Callable[[int | None], Any]
    space: Space = field(default_factory=lambda: MIXED)
    several: bool = True
    constraints: bool = False
    spreads: int | None = 0

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("random", RandomSampler, spreads=None),
    Case("tpe", lambda seed: TPESampler(seed=seed), constraints=True),
    Case("tpe-alone", lambda seed: TPESampler(seed=seed, multivariate=False), spreads=None),
    Case("tpe-group", lambda seed: TPESampler(seed=seed, group=True), constraints=True),
    Case("motpe", lambda seed: samplers.MOTPESampler(seed=seed), constraints=True),
    Case("cmaes", lambda seed: CmaEsSampler(seed=seed, with_margin=True), several=False, spreads=None),
    Case("gp", lambda seed: GPSampler(seed=seed), constraints=True, spreads=12),
    Case("nsga2", lambda seed: NSGAIISampler(seed=seed, population_size=8), constraints=True),
    Case("nsga3", lambda seed: NSGAIIISampler(seed=seed, population_size=8), constraints=True),
    Case("qmc", lambda seed: QMCSampler(seed=seed, scramble=True), spreads=None),
    Case("grid", lambda seed: GridSampler(GRID, seed=seed), FINITE),
    Case("brute-force", lambda seed: BruteForceSampler(seed=seed), FINITE),
    Case("fixed", lambda seed: PartialFixedSampler({"kind": "b"}, TPESampler(seed=seed)), spreads=None),
]


def loss(params: Params) -> list[float]:
    """The sum of what each parameter costs; the optimum is inside of the domain, or a choice."""
    parts = {
        **{"x": lambda v: (v - 0.3) ** 2, "lr": lambda v: (math.log10(v) + 2) ** 2},
        **{"kind": lambda v: float(v != "b"), "n": lambda v: abs(v - 3), "rate": lambda v: abs(v - 0.3)},
    }
    return [sum(parts[name](value) for name, value in params.items() if name in parts)]


def two_losses(params: Params) -> list[float]:
    return [loss(params)[0], -float(params.get("x", params.get("n", 0.0)))]
