"""Stopping trials whose values leave a range, as ``optuna.pruners.ThresholdPruner`` (5.0) does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from raystudy.frozen import StudyDirection
from raystudy.pruners.base import Learning, PastTrial, StudyFacts
from raystudy.pruners.checks import require_at_least, require_numbers
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stopping import StopRule

__all__ = ["ThresholdPruner"]


@dataclass(frozen=True)
class ThresholdPruner(StopPruner):
    """Stops a trial whose value at its last step is below ``lower``, above ``upper``, or NaN.

    Attributes:
        lower: The smallest value that may go on, or None.
        upper: The largest value that may go on, or None.
        n_warmup_steps: Nothing is stopped before this step.
        interval_steps: Looks only at the first report in each interval of so many steps after the warm-up.

    Raises:
        TypeError: If neither bound is given, or an argument is no number.
        ValueError: If an argument is out of its range.
    """

    lower: float | None = None
    upper: float | None = None
    n_warmup_steps: int = 0
    interval_steps: int = 1

    def __post_init__(self) -> None:
        if self.lower is None and self.upper is None:
            raise TypeError("expected lower, upper or both, got neither")
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _number(name, getattr(self, name)))
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"expected lower <= upper, got lower={self.lower}, upper={self.upper}")
        require_numbers(self, "n_warmup_steps", "interval_steps")
        require_at_least(self, 0, "n_warmup_steps")
        require_at_least(self, 1, "interval_steps")

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return when a trial should end."""
        return _ThresholdRule(self)


class _ThresholdRule:
    learns = Learning.NOTHING
    dealer: Dealer | None = None

    def __init__(self, pruner: ThresholdPruner) -> None:
        self._pruner = pruner
        self._lower = -math.inf if pruner.lower is None else pruner.lower
        self._upper = math.inf if pruner.upper is None else pruner.upper

    def should_stop(self, trial: Reports) -> bool:
        """Look at the value of the last step."""
        if not trial.begins_interval(self._pruner.n_warmup_steps, self._pruner.interval_steps):
            return False
        if math.isnan(trial.latest):
            return trial.because("its value is NaN")
        if self._lower <= trial.latest <= self._upper:
            return False
        side, bound = ("below", self._lower) if trial.latest < self._lower else ("above", self._upper)
        return trial.because(f"its value {trial.latest:g} is {side} {bound:g}")

    def learn(self, trial: PastTrial) -> None:
        """Do nothing: each trial is judged alone."""


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"expected {name} to be a number, got {value!r}") from None
