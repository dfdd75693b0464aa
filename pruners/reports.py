"""The reports of a running trial, with what pruners ask of them kept as they come."""

from __future__ import annotations

import math
from bisect import bisect_left

from raystudy.frozen import StudyDirection
from raystudy.pruners.grounds import Grounds

__all__ = ["Reports", "better"]


def better(a: float, b: float, direction: StudyDirection) -> float:
    """Return the better one of two values; a NaN only if both are."""
    if math.isnan(a) or math.isnan(b):
        return b if math.isnan(a) else a
    return max(a, b) if direction is StudyDirection.MAXIMIZE else min(a, b)


class Reports:
    """What a running trial has reported.

    Attributes:
        number: Its number.
        bracket: Its bracket, or None.
        values: Intermediate values by step, in the order in which they came.
        steps: The steps in increasing order.
        rung: How many rungs it has a value at, where a pruner has rungs.
        stopped: Whether it was told to stop.
        grounds: What the last decision on it rests on, as its rule tells.
    """

    __slots__ = ("_best", "_direction", "bracket", "grounds", "number", "rung", "steps", "stopped", "values")

    def __init__(self, number: int, bracket: int | None, direction: StudyDirection) -> None:
        self.number, self.bracket = number, bracket
        self.values: dict[int, float] = {}
        self.steps: list[int] = []
        self.rung = 0
        self.stopped = False
        self.grounds: Grounds = {}
        self._direction = direction
        self._best = math.nan

    @property
    def best(self) -> float:
        """The best value so far, NaN if there is no number."""
        return self._best

    @property
    def latest(self) -> float:
        """The value at the largest step."""
        return self.values[self.steps[-1]]

    def add(self, step: int, value: float) -> bool:
        """Record a report and return True; a step that was reported before is ignored."""
        if step in self.values:
            return False
        self.values[step] = value
        if self.steps and step < self.steps[-1]:
            self.steps.insert(bisect_left(self.steps, step), step)
        else:
            self.steps.append(step)
        self._best = better(self._best, value, self._direction)
        return True

    def because(self, reason: str) -> bool:
        """Note in a sentence why the trial should end, and return True."""
        self.grounds = {"because": reason}
        return True

    def begins_interval(self, n_warmup_steps: int, interval_steps: int) -> bool:
        """Whether the largest step is the first one reported in its interval after the warm-up.

        Intervals are ``interval_steps`` long and begin at ``n_warmup_steps``; a pruner that looks at the first
        report of each is not put off by steps that nobody reports.
        """
        begin = self.steps[-1] - (self.steps[-1] - n_warmup_steps) % interval_steps
        return self.steps[-1] >= n_warmup_steps and (len(self.steps) == 1 or self.steps[-2] < begin)
