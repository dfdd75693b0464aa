"""What the tests of the genetic samplers share: spaces, problems, and a search as a driver runs it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import Sampler
from raystudy.samplers.history import History
from raystudy.samplers.nsgaii import PolynomialMutation, SBXCrossover, SPXCrossover, UNDXCrossover
from raystudy.samplers.seeding import generator
from tests.samplers.helpers import MIN, Params

CUBE: dict[str, Distribution] = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(6)}
MIXED: dict[str, Distribution] = {
    "depth": IntDistribution(1, 9),
    "kind": CategoricalDistribution(("a", "b", "c")),
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "one": IntDistribution(4, 4),
    "rate": FloatDistribution(0.0, 0.9, step=0.3),
    "units": IntDistribution(8, 1024, log=True),
    "x": FloatDistribution(-1.0, 1.0),
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"crossover": SBXCrossover(), "mutation": PolynomialMutation()},
    {"crossover": SPXCrossover(), "crossover_prob": 1.0},
    {"crossover": UNDXCrossover(), "mutation_prob": 0.0},
]


def zdt1(params: Params) -> list[float]:
    """Zitzler, Deb and Thiele (2000): the front is where all but the first parameter are 0."""
    x = [float(params[name]) for name in sorted(params)]
    g = 1.0 + 9.0 * sum(x[1:]) / len(x[1:])
    return [x[0], g * (1.0 - math.sqrt(x[0] / g))]


def mixed(params: Params) -> list[float]:
    loss = abs(math.log10(params["lr"]) + 2) + (params["kind"] != "b") + params["rate"]
    return [loss + params["depth"] / 9, -params["x"] + params["depth"] / 9 + params["units"] / 1024]


def ask(sampler: Sampler, history: History, space: dict[str, Distribution], seed: int = 0) -> Params:
    """Propose as a driver does, and record the trial as pending."""
    number = len(history)
    history.seed = seed
    joint = sampler.joint_space(history)
    params = sampler.propose(joint, history, generator(seed, number)) if joint else {}
    for name in space.keys() - params.keys():
        params[name] = sampler.sample(name, space[name], history, generator(seed, number, name))
    params = {name: params[name] for name in space}
    history.update(number, TrialState.RUNNING, params, space)
    return params


def searched(
    sampler: Sampler,
    space: dict[str, Distribution],
    values: Callable[[Params], list[float]],
    n: int,
    directions: tuple[StudyDirection, ...] = (MIN, MIN),
    seed: int = 0,
) -> History:
    history = History(directions)
    for number in range(n):
        params = ask(sampler, history, space, seed)
        history.update(number, TrialState.COMPLETE, params, space, values(params))
    return history
