"""From traces to figures: shares of epochs, ratios of regrets, intervals and tests.

All figures are geometric means over problems and seeds of paired ratios; a regret below ``FLOOR`` counts as that.
Intervals are Student's, of the means over the problems of each seed.  ``p`` is that of a one-sided paired t-test on
log regrets, after Holm's correction over all problems and numbers of workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.intervals import Interval, p_worse
from benchmarks.multifidelity.cells import FULL_TRAININGS, RIVAL, UNPRUNED, Cell
from benchmarks.multifidelity.problem import MAX_BUDGET

__all__ = ["FLOOR", "Results", "regret_at"]

#: A thousandth of the way from the best to the median configuration: less makes no difference to anybody.
FLOOR = 1e-3
#: What counts as the share of a search that has not caught up when its epochs are spent.
_NEVER = 2.0

Facts = dict[str, Any]


def regret_at(facts: Facts, full_trainings: float) -> float:
    """Return the regret of the incumbent after as many epochs, at least ``FLOOR``."""
    reached = [regret for epochs, regret in facts["steps"] if epochs <= full_trainings * MAX_BUDGET]
    regret: float = reached[-1]
    return max(FLOOR, regret)


@dataclass(frozen=True, slots=True)
class Results:
    """The facts of all cells.

    Attributes:
        facts: By cell.
        problems: Names of the problems.
        seeds: Seeds.
    """

    facts: dict[Cell, Facts]
    problems: Sequence[str]
    seeds: Sequence[int]

    def share(self, method: str, n_workers: int) -> Interval:
        """Return the epochs until the unpruned search's final quality, as a share of its epochs."""
        return self._over_seeds(lambda p, s: math.log(self._share(method, p, n_workers, s)))

    def ratio(self, method: str, n_workers: int, full_trainings: int, to: str = RIVAL) -> Interval:
        """Return the regret after as many full trainings, relative to another method's."""
        return self._over_seeds(lambda p, s: self._log_ratio(method, to, p, n_workers, s, full_trainings))

    def kept(self, method: str, n_workers: int) -> float:
        """Return the share of searches that trained the best configuration they had begun to the full budget."""
        cells = [self.facts[Cell(method, p, n_workers, s)] for p in self.problems for s in self.seeds]
        return float(np.mean([facts["best_full"] <= facts["best_begun"] for facts in cells]))

    def mean_of(self, method: str, n_workers: int, fact: str) -> float:
        """Return the mean of a fact over problems and seeds."""
        return float(
            np.mean(
                [self.facts[Cell(method, p, n_workers, s)][fact] for p in self.problems for s in self.seeds]
            )
        )

    def against_unpruned(self, method: str, n_workers: int, problem: str) -> tuple[Interval, float]:
        """Return the final regret relative to the unpruned search's on a problem, and p of being worse."""
        logs = [
            self._log_ratio(method, UNPRUNED, problem, n_workers, seed, FULL_TRAININGS) for seed in self.seeds
        ]
        return Interval.of(logs), p_worse(logs)

    def share_of(self, method: str, n_workers: int, problem: str) -> Interval:
        """Return ``share`` on one problem."""
        return Interval.of([math.log(self._share(method, problem, n_workers, seed)) for seed in self.seeds])

    def ratio_of(self, method: str, n_workers: int, problem: str, full_trainings: int) -> Interval:
        """Return ``ratio`` on one problem."""
        return Interval.of(
            [self._log_ratio(method, RIVAL, problem, n_workers, seed, full_trainings) for seed in self.seeds]
        )

    def _over_seeds(self, log_of: Callable[[str, int], float]) -> Interval:
        return Interval.of([float(np.mean([log_of(p, s) for p in self.problems])) for s in self.seeds])

    def _share(self, method: str, problem: str, n_workers: int, seed: int) -> float:
        target = regret_at(self.facts[Cell(UNPRUNED, problem, n_workers, seed)], FULL_TRAININGS)
        steps = self.facts[Cell(method, problem, n_workers, seed)]["steps"]
        reached = (epochs for epochs, regret in steps if max(FLOOR, regret) <= target + 1e-9)
        budget = FULL_TRAININGS * MAX_BUDGET
        return min(next(reached, _NEVER * budget) / budget, _NEVER)

    def _log_ratio(
        self, method: str, to: str, problem: str, n_workers: int, seed: int, full_trainings: int
    ) -> float:
        one, other = (self.facts[Cell(m, problem, n_workers, seed)] for m in (method, to))
        return math.log(regret_at(one, full_trainings) / regret_at(other, full_trainings))
