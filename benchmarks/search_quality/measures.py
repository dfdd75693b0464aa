"""From regrets to figures: ratios of ours to Optuna's, their intervals, and tests.

All figures are geometric means of ratios that are paired by problem, number of workers and seed.  Intervals are
Student's, of the means over the problems (and numbers of workers) of each seed.  ``p`` is that of a one-sided paired
t-test on one problem and number of workers, after Holm's correction over all of a sampler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.intervals import Interval, holm, p_worse
from benchmarks.search_quality.cells import Cell

__all__ = ["HALFWAY", "Results", "Worst"]

#: Position of a checkpoint in a run's regrets.
HALFWAY, _END = 1, -1


@dataclass(frozen=True, slots=True)
class Worst:
    """Where we do worst by the test: a problem, how many workers, the ratio there and its adjusted p."""

    problem: str
    n_workers: int
    ratio: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Results:
    """The regrets of one sampler's runs.

    Attributes:
        regrets: By our cells and their rivals.
    """

    regrets: Mapping[Cell, Sequence[float]]

    @classmethod
    def of(cls, ours: Iterable[Cell], get: Callable[[Cell], Any]) -> Results:
        """Collect the regrets of these cells and of their rivals."""
        return cls({cell: get(cell) for each in ours for cell in (each, each.rival)})

    def ratio(self, ours: Iterable[Cell], at: int = _END) -> Interval:
        """Return the ratio of our regret to the rival's over these cells of ours."""
        by_seed: dict[int, list[float]] = {}
        for cell in ours:
            by_seed.setdefault(cell.seed, []).append(self._log_ratio(cell, at))
        return Interval.of([float(np.mean(logs)) for logs in by_seed.values()])

    def tests(self, ours: Iterable[Cell]) -> list[Worst]:
        """Return one entry for each problem and number of workers, the most significantly worse first."""
        groups: dict[tuple[str, int], list[Cell]] = {}
        for cell in ours:
            groups.setdefault((cell.problem, cell.n_workers), []).append(cell)
        adjusted = holm([p_worse([self._log_ratio(cell, _END) for cell in each]) for each in groups.values()])
        entries = [
            Worst(problem, n_workers, self.ratio(cells), p)
            for ((problem, n_workers), cells), p in zip(groups.items(), adjusted, strict=True)
        ]
        return sorted(entries, key=lambda entry: (entry.p, -entry.ratio.mean))

    def _log_ratio(self, cell: Cell, at: int) -> float:
        return math.log(self.regrets[cell][at] / self.regrets[cell.rival][at])
