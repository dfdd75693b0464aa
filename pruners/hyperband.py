"""Hyperband as users describe it; what it decides is in ``hyperband_judge`` and ``stop_rungs``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from raystudy.frozen import StudyDirection
from raystudy.pruners.auto_budget import AutoBudgetJudge
from raystudy.pruners.base import Judge, StudyFacts
from raystudy.pruners.checks import require_at_least, require_whole, whole
from raystudy.pruners.halving import BudgetRule, bracket_plans
from raystudy.pruners.hyperband_judge import HalvingMode, HyperbandJudge
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stop_rungs import RungRule
from raystudy.pruners.stopping import StopRule

__all__ = ["HyperbandPruner", "Mode", "check_mode", "require_stopping"]

Mode = Literal["promote", "sync", "stop", "auto"]
_MODES = ("promote", "sync", "stop", "auto")


@dataclass(frozen=True)
class HyperbandPruner(StopPruner):
    """Hyperband with pauses and promotions.

    A trial that is not (yet) good enough at a rung pauses at its checkpoint and may be promoted later.  The modes:

    - ``"promote"``: a trial goes on as soon as it is among the best 1/eta of those seen so far at its rung, and not
      as many have gone on yet.  One without a checkpoint there is stopped instead of paused.
    - ``"sync"``: the rungs of the paper, the same at any number of workers, for the price of waiting.
    - ``"stop"``: nobody waits: a trial stops at the first rung where it is not among the best 1/eta so far; the
      best so far goes on.  Rungs are those of Optuna: ``min_resource * eta**k`` in steps as they are reported.
    - ``"auto"``: ``"promote"`` where the objective saves checkpoints.  As long as no trial has saved one, a trial that
      would have to wait is stopped, and at least the best so far goes on.

    Attributes:
        min_resource: No rung lies below this budget.
        max_resource: The budget of a full trial, or "auto" to take that of the first trial that completes.
        reduction_factor: About one in so many trials goes on from a rung (eta in the paper).
        bootstrap_count: In the mode "stop": a trial stops at a rung that not more trials than this have reached.
        mode: "promote", "sync", "stop" or "auto".

    Raises:
        ValueError: If an argument is out of its range, or two contradict each other.
        TypeError: If a budget, a count or the reduction factor is no whole number.
    """

    min_resource: int = 1
    max_resource: int | Literal["auto"] = "auto"
    reduction_factor: int = 3
    bootstrap_count: int = 0
    mode: Mode = field(default="auto", kw_only=True)

    def __post_init__(self) -> None:
        require_whole(self, "min_resource", "reduction_factor", "bootstrap_count")
        if isinstance(self.max_resource, str):
            if self.max_resource != "auto":
                raise ValueError(
                    f"expected max_resource to be a whole number or 'auto', got {self.max_resource!r}"
                )
        else:
            object.__setattr__(self, "max_resource", whole("max_resource", self.max_resource))
        check_mode(self.mode, self.bootstrap_count)
        require_at_least(self, 0, "bootstrap_count")
        if self.bootstrap_count > 0 and self.max_resource == "auto":
            raise ValueError("bootstrap_count > 0 needs a max_resource that is a number, got 'auto'")
        top = self.min_resource if self.max_resource == "auto" else self.max_resource
        bracket_plans(self.min_resource, top, self.reduction_factor)  # raises where the numbers contradict

    def start(
        self, direction: StudyDirection, first_step: int | None, study: StudyFacts | None = None
    ) -> Judge:
        """Return a fresh judge; see ``raystudy.pruners.base.Pruner``."""
        if self.mode == "stop":
            return super().start(direction, first_step, study)
        rule, mode = BudgetRule(first_step), HalvingMode(self.mode)

        def judge(max_budget: int) -> HyperbandJudge:
            plans = bracket_plans(self.min_resource, max_budget, self.reduction_factor)
            return HyperbandJudge(plans, mode, direction, rule)

        if self.max_resource == "auto":
            return AutoBudgetJudge(self.min_resource, rule, judge)
        return judge(self.max_resource)

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return when a trial should end where nobody can wait.

        Raises:
            ValueError: In the modes "promote" and "sync".
        """
        require_stopping(self.mode, self)
        fixed = self.max_resource
        sizes = self._sizes if fixed == "auto" else self._sizes(fixed)
        return RungRule(direction, self.reduction_factor, self.min_resource, 0, self.bootstrap_count, sizes)

    def _sizes(self, max_resource: int) -> Sequence[int]:
        if max_resource < self.min_resource:
            return ()
        plans = bracket_plans(self.min_resource, max_resource, self.reduction_factor)
        return [plan.n_trials for plan in plans]


def check_mode(mode: str, bootstrap_count: int) -> None:
    """Raise ValueError for a mode that does not exist, or does not go with ``bootstrap_count``."""
    if mode not in _MODES:
        raise ValueError(f"expected mode to be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
    if bootstrap_count > 0 and mode != "stop":
        raise ValueError(
            f"bootstrap_count={bootstrap_count} belongs to Optuna's stop rule, not to mode={mode!r}: "
            "give mode='stop', or leave bootstrap_count out"
        )


def require_stopping(mode: str, pruner: object) -> None:
    """Raise ValueError if a pruner pauses trials where only stopping is possible."""
    if mode not in ("stop", "auto"):
        raise ValueError(f"{pruner!r} pauses trials, which cannot be wrapped; give it mode='stop'")
