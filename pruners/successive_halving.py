"""Successive halving as users describe it: one bracket of Hyperband."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Literal

from raystudy.frozen import StudyDirection
from raystudy.pruners.auto_budget import AutoBudgetJudge
from raystudy.pruners.base import Judge, StudyFacts
from raystudy.pruners.checks import require_at_least, require_whole, whole
from raystudy.pruners.halving import BudgetRule, bracket_plans
from raystudy.pruners.hyperband import Mode, check_mode, require_stopping
from raystudy.pruners.hyperband_judge import HalvingMode, HyperbandJudge
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stop_rungs import RungRule
from raystudy.pruners.stopping import StopRule

__all__ = ["SuccessiveHalvingPruner"]

#: The size of a bracket that never closes.
_ENDLESS = sys.maxsize


@dataclass(frozen=True)
class SuccessiveHalvingPruner(StopPruner):
    """Successive halving in one bracket; the modes are those of ``HyperbandPruner``.

    In the modes ``"promote"``, ``"sync"`` and ``"auto"`` the rungs run backward from the budget of the first trial
    that completes; trials that were created before then run on.  ``"stop"`` begins at once unless ``min_resource``
    is "auto".

    Attributes:
        min_resource: No rung lies below this budget; "auto": a hundredth of that of the first complete trial.
        reduction_factor: About one in so many trials goes on from a rung (eta in the paper).
        min_early_stopping_rate: How many of the lowest rungs are left out (s in the paper).
        bootstrap_count: In the mode "stop": a trial stops at a rung that not more trials than this have reached.
        mode: "promote", "sync", "stop" or "auto".

    Raises:
        ValueError: If an argument is out of its range, or two contradict each other.
        TypeError: If a number is not whole.
    """

    min_resource: int | Literal["auto"] = "auto"
    reduction_factor: int = 4
    min_early_stopping_rate: int = 0
    bootstrap_count: int = 0
    mode: Mode = field(default="auto", kw_only=True)

    def __post_init__(self) -> None:
        require_whole(self, "reduction_factor", "min_early_stopping_rate", "bootstrap_count")
        if isinstance(self.min_resource, str):
            if self.min_resource != "auto":
                raise ValueError(
                    f"expected min_resource to be a whole number or 'auto', got {self.min_resource!r}"
                )
        else:
            object.__setattr__(self, "min_resource", whole("min_resource", self.min_resource))
            require_at_least(self, 1, "min_resource")
        require_at_least(self, 2, "reduction_factor")
        require_at_least(self, 0, "min_early_stopping_rate", "bootstrap_count")
        check_mode(self.mode, self.bootstrap_count)
        if self.bootstrap_count > 0 and self.min_resource == "auto":
            raise ValueError("bootstrap_count > 0 needs a min_resource that is a number, got 'auto'")

    def start(
        self, direction: StudyDirection, first_step: int | None, study: StudyFacts | None = None
    ) -> Judge:
        """Return a fresh judge; see ``raystudy.pruners.base.Pruner``."""
        if self.mode == "stop":
            return super().start(direction, first_step, study)
        budgets, mode = BudgetRule(first_step), HalvingMode(self.mode)

        def judge(max_budget: int) -> HyperbandJudge:
            plans = bracket_plans(self._lowest(max_budget), max_budget, self.reduction_factor)
            return HyperbandJudge(plans[:1], mode, direction, budgets)

        return AutoBudgetJudge(self._lowest(1), budgets, judge)

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return when a trial should end where nobody can wait.

        Raises:
            ValueError: In the modes "promote" and "sync".
        """
        require_stopping(self.mode, self)
        smallest = None if self.min_resource == "auto" else self.min_resource
        rate, least = self.min_early_stopping_rate, self.bootstrap_count
        return RungRule(direction, self.reduction_factor, smallest, rate, least, [_ENDLESS])

    def _lowest(self, max_budget: int) -> int:
        """Return the budget below which no rung lies."""
        smallest = max(max_budget // 100, 1) if self.min_resource == "auto" else self.min_resource
        return int(smallest * self.reduction_factor**self.min_early_stopping_rate)
