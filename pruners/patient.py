"""Patience: another pruner is asked only about trials that have not improved for a while.

As ``optuna.pruners.PatientPruner`` (5.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from raystudy.frozen import StudyDirection
from raystudy.pruners.base import Learning, PastTrial, StudyFacts
from raystudy.pruners.checks import require_at_least, require_whole
from raystudy.pruners.custom import as_stop_pruner
from raystudy.pruners.reports import Reports, better
from raystudy.pruners.stop_pruner import BasePruner, StopPruner
from raystudy.pruners.stopping import StopRule

__all__ = ["PatientPruner"]


@dataclass(frozen=True)
class PatientPruner(StopPruner):
    """Lets a trial go on while it improves, and for ``patience`` further steps; then the wrapped pruner decides.

    The trial counts as improving while its best value of the last ``patience + 1`` reports (in the order of their
    steps) is not worse, by more than ``min_delta``, than the best one before.  NaN is left out; where only NaN is
    left on either side, the trial goes on.

    Attributes:
        wrapped_pruner: A pruner that only stops; a user's own is one.  None: stop as soon as patience is at its end.
        patience: How many reports without improvement are borne.
        min_delta: How much worse still counts as an improvement.

    Raises:
        ValueError: If a number is out of its range, or the wrapped pruner pauses trials.
        TypeError: If ``patience`` is no whole number, or the wrapped object no pruner.
    """

    wrapped_pruner: BasePruner | None
    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        wrapped = self.wrapped_pruner
        if wrapped is not None and not isinstance(wrapped, BasePruner):
            raise TypeError(f"expected wrapped_pruner to be a pruner or None, got {wrapped!r}")
        require_whole(self, "patience")
        require_at_least(self, 0, "patience")
        if not self.min_delta >= 0:
            raise ValueError(f"expected min_delta >= 0, got {self.min_delta!r}")
        object.__setattr__(self, "min_delta", float(self.min_delta))
        self._wrapped_rule(StudyDirection.MINIMIZE, StudyFacts())  # raises for a pruner that pauses

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:
        """Return when a trial should end."""
        return _PatientRule(self, self._wrapped_rule(direction, study), direction)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, those of the wrapped pruner among them."""
        wrapped = None if self.wrapped_pruner is None else as_stop_pruner(self.wrapped_pruner).spec()
        return {**super().spec(), "wrapped_pruner": wrapped}

    def _wrapped_rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule | None:
        if self.wrapped_pruner is None:
            return None
        return as_stop_pruner(self.wrapped_pruner).rule(direction, study)


class _PatientRule:
    def __init__(self, pruner: PatientPruner, wrapped: StopRule | None, direction: StudyDirection) -> None:
        self._window = pruner.patience + 1
        self._sign = -1 if direction is StudyDirection.MAXIMIZE else 1
        self._min_delta = pruner.min_delta
        self._direction = direction
        self._wrapped = wrapped
        self.learns = Learning.NOTHING if wrapped is None else wrapped.learns
        self.dealer = None if wrapped is None else wrapped.dealer
        #: How many of a trial's steps lie before the window, the last of them, and the best value there.
        self._before: dict[int, tuple[int, int, float]] = {}

    def should_stop(self, trial: Reports) -> bool:
        """Ask the wrapped rule if the trial has not improved."""
        if len(trial.steps) <= self._window:
            return False
        before = self._best_before(trial)
        inside = math.nan
        for step in trial.steps[-self._window :]:
            inside = better(inside, trial.values[step], self._direction)
        if not self._sign * before + self._min_delta < self._sign * inside:
            return False
        if self._wrapped is not None:
            return self._wrapped.should_stop(trial)
        return trial.because(
            f"the best of its last {self._window} values, {inside:g}, is worse than {before:g} before"
        )

    def learn(self, trial: PastTrial) -> None:
        """Pass it on."""
        if trial.state.is_finished():
            self._before.pop(trial.number, None)
        if self._wrapped is not None:
            self._wrapped.learn(trial)

    def _best_before(self, trial: Reports) -> float:
        """Return the best value before the window; where steps come in their order, only one is new."""
        n = len(trial.steps) - self._window
        known, last, best = self._before.get(trial.number, (0, -1, math.nan))
        if known and (known > n or trial.steps[known - 1] != last):
            known, best = 0, math.nan
        for step in trial.steps[known:n]:
            best = better(best, trial.values[step], self._direction)
        self._before[trial.number] = n, trial.steps[n - 1], best
        return best
