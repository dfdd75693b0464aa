"""Hyperband as users describe it; what it decides is in ``hyperband_judge``."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, SupportsIndex

from raystudy.frozen import StudyDirection
from raystudy.pruners.auto_budget import AutoBudgetJudge
from raystudy.pruners.base import Judge, StudyFacts
from raystudy.pruners.halving import BudgetRule, bracket_plans
from raystudy.pruners.hyperband_judge import HalvingMode, HyperbandJudge

__all__ = ["HyperbandPruner"]


@dataclass(frozen=True, slots=True)
class HyperbandPruner:
    """Hyperband with pauses and promotions.

    A trial that is not (yet) good enough at a rung pauses at its checkpoint and may be promoted later.  In
    the mode ``"promote"`` it goes on as soon as it is among the best 1/eta of those seen so far; in
    ``"sync"`` rungs are those of the paper, the same at any number of workers, for the price of waiting.

    Attributes:
        min_resource: No rung lies below this budget.
        max_resource: The budget of a full trial, or "auto" to take that of the first trial that ends.
        reduction_factor: About one in so many trials goes on from a rung (eta in the paper).
        bootstrap_count: Only 0; there for Optuna's signature.
        mode: "promote" or "sync".

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If a budget or the reduction factor is no whole number.
    """

    min_resource: int = 1
    max_resource: int | Literal["auto"] = "auto"
    reduction_factor: int = 3
    bootstrap_count: int = 0
    mode: Literal["promote", "sync"] = field(default="promote", kw_only=True)

    def __post_init__(self) -> None:
        for name in ("min_resource", "reduction_factor", "bootstrap_count"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        if isinstance(self.max_resource, str):
            if self.max_resource != "auto":
                raise ValueError(
                    f"expected max_resource to be a whole number or 'auto', got {self.max_resource!r}"
                )
        else:
            object.__setattr__(self, "max_resource", _whole("max_resource", self.max_resource))
        if self.bootstrap_count != 0:
            raise ValueError(
                f"expected bootstrap_count=0, got {self.bootstrap_count}: it belongs to Optuna's stop rule, "
                "and a promoted trial needs no bootstrap; leave it out"
            )
        if self.mode not in {m.value for m in HalvingMode}:
            raise ValueError(f"expected mode='promote' or mode='sync', got {self.mode!r}")
        top = self.min_resource if self.max_resource == "auto" else self.max_resource
        bracket_plans(self.min_resource, top, self.reduction_factor)  # raises where the numbers contradict

    def start(
        self,
        direction: StudyDirection,
        first_step: int | None,
        study: StudyFacts | None = None,  # noqa: ARG002 - the protocol's signature
    ) -> Judge:
        """Return a fresh judge; see ``raystudy.pruners.base.Pruner``."""
        rule, mode = BudgetRule(first_step), HalvingMode(self.mode)

        def judge(max_budget: int) -> HyperbandJudge:
            plans = bracket_plans(self.min_resource, max_budget, self.reduction_factor)
            return HyperbandJudge(plans, mode, direction, rule)

        if self.max_resource == "auto":
            return AutoBudgetJudge(self.min_resource, rule, judge)
        return judge(self.max_resource)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {"name": type(self).__name__, **asdict(self)}


def _whole(name: str, value: SupportsIndex) -> int:
    """Return the value as a plain int, so that a numpy integer can be stored as JSON."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"expected {name} to be a whole number, got {value!r}")
    return operator.index(value)
