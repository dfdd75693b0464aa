"""A search in simulated time: workers that are always busy, one sampler, and how good it was when.

Both libraries run through the same lines: ``ask``, suggestions as the objective asks for them, ``tell``.  A trial lasts
for log-normal seconds that depend on the seed and its number alone, so that trials end in another order than they
began; each ask but the first few sees ``n_workers - 1`` pending trials, and decisions take no time.
"""

from __future__ import annotations

import heapq
from typing import Any, Protocol

import numpy as np

from benchmarks.search_quality.problem import Draw, Judgement, Outcome, Problem

__all__ = ["Study", "checkpoints", "race"]

#: Standard deviation of the logarithm of a trial's duration.
_SPREAD = 0.5


class Study(Protocol):
    """A study of either library."""

    def ask(self) -> Any:
        """Return a new trial."""

    def tell(self, trial: Any, values: Any) -> Any:
        """Take the result of a trial."""

    def enqueue_trial(self, params: dict[str, Any]) -> Any:
        """Have the next trial begin with these parameters."""


def checkpoints(n_trials: int) -> tuple[int, int, int]:
    """Return the numbers of finished trials after which a search is judged."""
    return n_trials // 4, n_trials // 2, n_trials


def race(
    study: Study, problem: Problem, *, n_workers: int, n_trials: int, seed: int, n_shared: int = 0
) -> list[float]:
    """Let a study search, and return its regret at the checkpoints.

    Args:
        study: A new study.
        problem: What it searches.
        n_workers: How many trials run at once.
        n_trials: How many trials there are.
        seed: Seed of the trials' durations and luck.
        n_shared: The first so many trials are uniform draws, the same for every study with this seed.
    """
    for number in range(n_shared):
        draw = Draw(np.random.default_rng((seed, number, 1)))
        problem.evaluate(draw, np.random.default_rng(0))
        study.enqueue_trial(draw.params)
    judgement, regrets, marks = Judgement(problem), [], checkpoints(n_trials)
    running: list[tuple[float, int, Any, Outcome]] = []  # by the end of the trial, ties by its number
    now, number, finished = 0.0, 0, 0
    while finished < n_trials:
        while len(running) < n_workers and number < n_trials:
            luck = np.random.default_rng((seed, number))
            end = now + float(np.exp(_SPREAD * luck.standard_normal()))
            trial = study.ask()
            heapq.heappush(running, (end, number, trial, problem.evaluate(trial, luck)))
            number += 1
        now, _, trial, outcome = heapq.heappop(running)
        study.tell(trial, outcome.told[0] if problem.n_objectives == 1 else list(outcome.told))
        judgement.add(outcome)
        finished += 1
        if finished in marks:
            regrets.append(judgement.regret())
    return regrets
