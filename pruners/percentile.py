"""The percentile and the median stopping rule: a trial ends if its best value is worse than those of others.

The rule is Optuna's (``optuna.pruners.PercentilePruner``, 5.0), after the median rule of Golovin et al. (2017),
"Google Vizier", section 3.2.2: the trial's best value so far is compared with the values of the complete trials
at exactly the same step.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, field

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import Learning, PastTrial, StudyFacts
from raystudy.pruners.checks import require_at_least, require_numbers
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stopping import StopRule

__all__ = ["MedianPruner", "PercentilePruner", "percentile_of"]

#: More new values than this are sorted in at once.
_FEW = 8


@dataclass(frozen=True)
class PercentilePruner(StopPruner):
    """Keeps the best percentile of the trials at each step.

    A trial ends if its best value so far is worse than the percentile of the complete trials' values at its last
    step.  NaN: a trial that has reported nothing else ends; among the complete trials NaN is left out.  Trials of
    other programs count.

    Attributes:
        percentile: From 0 to 100: with 25.0 the best quarter goes on.
        n_startup_trials: Nothing is stopped before so many trials are complete.
        n_warmup_steps: Nothing is stopped before this step.
        interval_steps: Looks only at the first report in each interval of so many steps after the warm-up.
        n_min_trials: Nothing is stopped at a step that fewer complete trials have reported.

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If an argument is no number.
    """

    percentile: float
    n_startup_trials: int = 5
    n_warmup_steps: int = 0
    interval_steps: int = 1
    n_min_trials: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        if not 0 <= self.percentile <= 100:  # noqa: PLR2004 - per cent
            raise ValueError(f"expected 0 <= percentile <= 100, got {self.percentile!r}")
        object.__setattr__(self, "percentile", float(self.percentile))
        require_numbers(self, "n_startup_trials", "n_warmup_steps", "interval_steps", "n_min_trials")
        require_at_least(self, 0, "n_startup_trials", "n_warmup_steps")
        require_at_least(self, 1, "interval_steps", "n_min_trials")

    @property
    def limit_name(self) -> str:
        """What a trial is compared with, in words."""
        return "the median" if self.percentile == 50 else f"the bound of the best {self.percentile:g} %"  # noqa: PLR2004

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return when a trial should end."""
        return _PercentileRule(self, direction)


@dataclass(frozen=True)
class MedianPruner(PercentilePruner):
    """Keeps the trials that are not worse than the median: ``PercentilePruner(50.0)``, the default pruner.

    Attributes:
        n_startup_trials: Nothing is stopped before so many trials are complete.
        n_warmup_steps: Nothing is stopped before this step.
        interval_steps: Looks only at the first report in each interval of so many steps after the warm-up.
        n_min_trials: Nothing is stopped at a step that fewer complete trials have reported.

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If an argument is no number.
    """

    percentile: float = field(default=50.0, init=False, repr=False)


class _AtStep:
    """The complete trials' values at one step."""

    __slots__ = ("_new", "_sorted", "n")

    def __init__(self) -> None:
        self.n = 0
        self._sorted: list[float] = []
        self._new: list[float] = []

    def add(self, value: float) -> None:
        self.n += 1
        if not math.isnan(value):
            self._new.append(value)

    def numbers(self) -> list[float]:
        """Return all but NaN, sorted."""
        if len(self._new) > _FEW:
            self._sorted = sorted(self._sorted + self._new)
        else:
            for value in self._new:
                insort(self._sorted, value)
        self._new.clear()
        return self._sorted


class _PercentileRule:
    learns = Learning.RESULTS
    dealer: Dealer | None = None

    def __init__(self, pruner: PercentilePruner, direction: StudyDirection) -> None:
        self._pruner = pruner
        self._maximize = direction is StudyDirection.MAXIMIZE
        self._share = (100 - pruner.percentile if self._maximize else pruner.percentile) / 100
        self._n_complete = 0
        self._at: dict[int, _AtStep] = {}

    def should_stop(self, trial: Reports) -> bool:
        """Compare the trial's best value with the percentile at its last step."""
        pruner = self._pruner
        if self._n_complete < max(1, pruner.n_startup_trials):
            return False
        if not trial.begins_interval(pruner.n_warmup_steps, pruner.interval_steps):
            return False
        if math.isnan(trial.best):
            return trial.because("it has reported no number")
        others = self._at.get(trial.steps[-1])
        if others is None or others.n < pruner.n_min_trials or not others.numbers():
            return False
        limit = percentile_of(others.numbers(), self._share)
        if not (trial.best < limit if self._maximize else trial.best > limit):
            return False
        return trial.because(
            f"its best value so far, {trial.best:g}, is worse than {limit:g}, {self._pruner.limit_name} of the "
            f"{others.n} complete trials at step {trial.steps[-1]}"
        )

    def learn(self, trial: PastTrial) -> None:
        """Keep the values of a complete trial."""
        if trial.state is TrialState.COMPLETE:
            self._n_complete += 1
            for step, value in trial.reports.items():
                self._at.setdefault(step, _AtStep()).add(value)


def percentile_of(ordered: list[float], share: float) -> float:
    """Return the value below which a share of some sorted numbers lies, linearly interpolated as numpy does.

    NaN where that would lie between two infinities.
    """
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    part = position - below
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part  # noqa: PLR2004
