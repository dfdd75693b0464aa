"""Our search in virtual time, by ``raystudy.simulate``: the driver, sampler and brackets that a real search runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import raystudy
from benchmarks.multifidelity.problem import MAX_BUDGET, Curve, Problem
from benchmarks.multifidelity.race import Trace, new_curve
from raystudy.distributions import CategoricalDistribution, Distribution, IntDistribution
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import TPESampler
from raystudy.simulation import WorkSpan

__all__ = ["simulate_ours"]


def simulate_ours(problem: Problem, seed: int, n_workers: int, epochs: int) -> Trace:
    """Return the trace of the defaults: ``TPESampler`` with ``HyperbandPruner(1, 81, 3)``, trials that can pause.

    A simulation ends at a time, not after so many epochs: it is given time enough, and the rest is left out.
    """
    for patience in itertools.count(1):
        curves: dict[int, Curve] = {}

        def train(trial: raystudy.Trial, curves: dict[int, Curve] = curves) -> Iterator[tuple[float, float]]:
            params = {name: _suggest(trial, name, each) for name, each in problem.space.items()}
            curve = curves[trial.number] = new_curve(problem, params, seed, trial.number)
            for value in curve.losses:
                yield float(value), curve.epoch_s

        result = raystudy.simulate(
            train,
            n_workers=n_workers,
            sampler=TPESampler(seed=seed),
            pruner=HyperbandPruner(1, MAX_BUDGET, 3),
            timeout=1.2 * patience * epochs / n_workers,
        )
        if result.epochs >= epochs:
            break
    return _trace(problem, curves, result.timeline, epochs)


def _trace(problem: Problem, curves: dict[int, Curve], timeline: tuple[WorkSpan, ...], epochs: int) -> Trace:
    ends: list[tuple[float, int, int]] = []
    trained: dict[int, int] = {}
    for span in timeline:
        first = trained.get(span.number, 0)
        epoch_s = curves[span.number].epoch_s
        ends += [(span.start_s + (i + 1) * epoch_s, span.number, first + i + 1) for i in range(span.epochs)]
        trained[span.number] = first + span.epochs
    trace = Trace(problem)
    for _, number, budget in sorted(ends)[:epochs]:
        trace.add(curves[number], budget)
    return trace


def _suggest(trial: raystudy.Trial, name: str, distribution: Distribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
