"""Virtual time: workers that train, a method that says what they train, and the trace of what it has found.

Every report takes the virtual seconds of an epoch, decisions take none.  A training that was paused goes on from
its last epoch, so no method pays for an epoch twice.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.multifidelity.problem import MAX_BUDGET, Curve, Params, Problem

__all__ = ["Job", "Method", "Trace", "new_curve", "race"]


@dataclass(slots=True, eq=False)
class Job:
    """A trial of a method.

    Attributes:
        number: Its number, from 0.
        curve: Its training.
        handle: The method's own object for it.
        budget: Epochs that it has been trained for.
    """

    number: int
    curve: Curve
    handle: Any = None
    budget: int = 0


class Method(Protocol):
    """A search method in virtual time."""

    def next_job(self) -> Job | None:
        """Return what a free worker trains: a new trial or a paused one; None if it has to wait."""

    def goes_on(self, job: Job, value: float) -> bool:
        """Take a report after ``job.budget`` epochs, and say whether the training goes on at once."""


@dataclass(slots=True)
class Trace:
    """What a search found, by the epochs that it had spent.

    One rule for every method: the incumbent is the trial with the best report at the largest budget that any
    trial has reached so far; its regret is that of its *expected* final loss.

    Attributes:
        problem: The problem.
        epochs: Epochs spent by all workers.
        steps: (epochs, regret of the incumbent) whenever there is a new one.
        n_trials: Trials begun.
        n_full: Trials trained to the full budget.
        best_begun: The least regret of a trial that was begun.
        best_full: The least regret of a trial that was trained to the full budget.
    """

    problem: Problem
    epochs: int = 0
    steps: list[tuple[int, float]] = field(default_factory=list)
    n_trials: int = 0
    n_full: int = 0
    best_begun: float = float("inf")
    best_full: float = float("inf")
    _largest: int = 0
    _best: float = float("inf")

    def add(self, curve: Curve, budget: int) -> None:
        """Take the report of a training that has just ended an epoch."""
        self.epochs += 1
        regret, value = self.problem.scale.regret(curve.final), float(curve.losses[budget - 1])
        if budget == 1:
            self.n_trials += 1
            self.best_begun = min(self.best_begun, regret)
        if budget == MAX_BUDGET:
            self.n_full += 1
            self.best_full = min(self.best_full, regret)
        if budget > self._largest or (budget == self._largest and value < self._best):
            self._largest, self._best = budget, value
            self.steps.append((self.epochs, regret))

    def facts(self) -> dict[str, Any]:
        """Return the trace as plain JSON values."""
        changes = [
            [epochs, round(regret, 6)]
            for at, (epochs, regret) in enumerate(self.steps)
            if at == 0 or regret != self.steps[at - 1][1]
        ]
        return {
            "epochs": self.epochs,
            "steps": changes,
            "n_trials": self.n_trials,
            "n_full": self.n_full,
            "best_begun": round(self.best_begun, 6),
            "best_full": round(self.best_full, 6),
        }


def new_curve(problem: Problem, params: Params, seed: int, number: int) -> Curve:
    """Return the training of trial ``number`` of a search; its luck depends on the seed and the number alone."""
    return problem.curve(params, np.random.default_rng((seed, number)))


def race(method: Method, problem: Problem, n_workers: int, epochs: int) -> Trace:
    """Let a method search until so many epochs are spent, and return the trace."""
    trace, now, ticket = Trace(problem), 0.0, 0
    running: list[tuple[float, int, Job]] = []  # by the end of the present epoch, ties by its beginning
    while trace.epochs < epochs:
        while len(running) < n_workers and (job := method.next_job()) is not None:
            heapq.heappush(running, (now + job.curve.epoch_s, ticket, job))
            ticket += 1
        now, _, job = heapq.heappop(running)
        job.budget += 1
        trace.add(job.curve, job.budget)
        if method.goes_on(job, float(job.curve.losses[job.budget - 1])):
            heapq.heappush(running, (now + job.curve.epoch_s, ticket, job))
            ticket += 1
    return trace
