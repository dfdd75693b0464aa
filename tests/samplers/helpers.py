"""What several tests of samplers need: spaces, a loss, histories, and a search as a driver runs it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import RandomSampler, Sampler
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

MIN, MAX = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
Space = Mapping[str, Distribution]
Params = dict[str, Any]

X = FloatDistribution(0.0, 1.0)
MIXED: dict[str, Distribution] = {
    "depth": IntDistribution(1, 9),
    "kind": CategoricalDistribution(("a", "b", "c")),
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "one": CategoricalDistribution(("only",)),
    "units": IntDistribution(8, 1024, log=True),
    "x": FloatDistribution(-1.0, 1.0),
}


def loss(params: dict[str, ParamValue]) -> float:
    return (params["x"] - 0.3) ** 2 + (math.log10(params["lr"]) + 2) ** 2 + (params["kind"] != "b")


def filled(n: int, space: dict[str, Distribution] = MIXED, seed: int = 0) -> History:
    """Return a history of n complete random trials."""
    history = History([MIN])
    for number in range(n):
        params = RandomSampler().propose(space, history, generator(seed, number))
        value = loss(params) if "lr" in space else sum(map(float, params.values()))
        history.update(number, TrialState.COMPLETE, params, space, [value])
    return history


def ask(sampler: Sampler, history: History, seed: int = 0, *, record: bool = False) -> dict[str, ParamValue]:
    """Return the joint proposal for the next trial; with ``record``, the trial is pending then."""
    number = len(history)
    space = sampler.joint_space(history)
    params = sampler.propose(space, history, generator(seed, number))
    if record:
        history.update(number, TrialState.RUNNING, params, space)
    return params


def is_inside(params: Mapping[str, ParamValue], space: Space) -> bool:
    """Whether all parameters of a space are there, each in its domain and of its type."""

    def fits(value: ParamValue, distribution: Distribution) -> bool:
        internal = distribution.to_internal_repr(value)
        return distribution.contains(internal) and type(value) is type(
            distribution.to_external_repr(internal)
        )

    return params.keys() == space.keys() and all(fits(params[name], each) for name, each in space.items())


class Searched:
    """A search as a driver runs it, one trial after the other, without a storage.

    Args:
        sampler: The sampler.
        directions: One direction per objective.
        seed: Seed of the study.
    """

    def __init__(self, sampler: Any, directions: Sequence[StudyDirection] = (MIN,), seed: int = 0) -> None:
        self.proposer = Proposer(sampler, directions, seed)
        self.trials: list[FrozenTrial] = []

    @property
    def params(self) -> list[Params]:
        """The parameters of all trials."""
        return [trial.params for trial in self.trials]

    def ask(self, space: Space | Callable[[Params], Space]) -> FrozenTrial:
        """Return a new running trial with all parameters of a space, which may depend on those that it has.

        As in ``Trial``, parameters of one value are not asked for.
        """
        trial = FrozenTrial(len(self.trials), TrialState.RUNNING, trial_id=len(self.trials))
        self.trials.append(trial)
        proposal = self.proposer.propose(trial.number) or self.proposer.begin(trial)
        while missing := {n: d for n, d in _space(space, trial.params).items() if n not in trial.params}:
            name, distribution = next(iter(missing.items()))
            value, _ = proposal.get(name, (None, None))
            if distribution.single():
                low = getattr(distribution, "low", 0.0)
                value = distribution.to_external_repr(float(low))
            elif name not in proposal or not distribution.contains(distribution.to_internal_repr(value)):
                known = {
                    **proposal,
                    **{n: (v, trial.distributions[n]) for n, v in trial.params.items()},
                }
                value = self.proposer.suggest(trial.number, name, distribution, known)
            trial.params[name], trial.distributions[name] = value, distribution
        self.proposer.observe(trial)
        return trial

    def tell(
        self,
        trial: FrozenTrial,
        values: Sequence[float] | None,
        state: TrialState = TrialState.COMPLETE,
        constraint: float | None = None,
        report: float | None = None,
    ) -> None:
        """End a trial."""
        if constraint is not None:
            trial.set_constraint("c", constraint)
        if report is not None:
            trial.intermediate_values[1] = report
        trial.state, trial.values = state, None if values is None else list(values)
        self.proposer.observe(trial)

    def run(
        self, n: int, space: Space | Callable[[Params], Space], objective: Callable[[Params], Sequence[float]]
    ) -> list[Params]:
        """Run n trials and return the parameters of all."""
        for _ in range(n):
            trial = self.ask(space)
            self.tell(trial, objective(trial.params))
        return self.params


def _space(space: Space | Callable[[Params], Space], params: Params) -> Space:
    return space(params) if callable(space) else space
