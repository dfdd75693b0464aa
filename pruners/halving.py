"""The integer arithmetic of Hyperband: rungs, bracket sizes, ranks, and what a step means.

Notation follows Li et al. (2018), JMLR 18(185), Algorithm 1: ``R`` is the largest budget of one trial, ``r``
the smallest, ``eta`` the reduction factor; bracket ``s`` has ``s + 1`` rungs.  Nothing here takes a logarithm
or a float quotient: ``floor(log(243, 3))`` is 4 in floating point, and a whole bracket would be missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from raystudy.frozen import StudyDirection

__all__ = ["BracketPlan", "BudgetRule", "Rank", "bracket_plans", "promote_sizes", "rank", "rung_budgets"]

#: Sort key of a trial on a rung, best first: (is NaN, value with smaller better, trial number).
Rank = tuple[bool, float, int]


@dataclass(frozen=True, slots=True)
class BracketPlan:
    """One bracket of the plan.

    Attributes:
        budgets: Budgets of its rungs, increasing; the last one is the largest budget of a trial.
        n_trials: How many trials start in it.
        eta: The reduction factor.
    """

    budgets: tuple[int, ...]
    n_trials: int
    eta: int

    def size(self, rung: int) -> int:
        """Return how many trials reach ``rung`` when the bracket is full and none fails."""
        reduction: int = self.eta**rung
        return self.n_trials // reduction


def rung_budgets(min_budget: int, max_budget: int, eta: int) -> tuple[int, ...]:
    """Return the budgets at which trials are compared, in increasing order.

    They are counted backward from the maximum (R, R // eta, R // eta**2, ...), so that the last rung is
    always the full budget: 5 to 50 with eta = 3 gives 5, 16, 50.

    Args:
        min_budget: No rung lies below it, in report steps (>= 1).
        max_budget: Budget of the last rung, in report steps.
        eta: Reduction factor (>= 2).

    Raises:
        ValueError: If ``1 <= min_budget <= max_budget`` or ``eta >= 2`` does not hold.
    """
    if not 1 <= min_budget <= max_budget or eta < 2:  # noqa: PLR2004 - the smallest eta that reduces
        raise ValueError(
            "expected 1 <= min_resource <= max_resource and reduction_factor >= 2, "
            f"got min_resource={min_budget}, max_resource={max_budget}, reduction_factor={eta}"
        )
    budgets = [max_budget]
    while budgets[-1] // eta >= min_budget:
        budgets.append(budgets[-1] // eta)
    return tuple(reversed(budgets))


def bracket_plans(min_budget: int, max_budget: int, eta: int) -> tuple[BracketPlan, ...]:
    """Return the brackets of one cycle, the most aggressive (most trials, smallest first rung) first.

    Bracket s starts ``n = ceil((s_max + 1) / (s + 1) * eta**s)`` trials (Algorithm 1, line 3, with B = (s_max
    + 1) R).

    Raises:
        ValueError: As ``rung_budgets``.
    """
    budgets = rung_budgets(min_budget, max_budget, eta)
    n_brackets = len(budgets)
    plans = []
    for first in range(n_brackets):
        s = n_brackets - 1 - first
        n_trials = -(-n_brackets * eta**s // (s + 1))
        plans.append(BracketPlan(budgets[first:], n_trials, eta))
    return tuple(plans)


def promote_sizes(plans: Sequence[BracketPlan]) -> list[int]:
    """Return how many trials each bracket of a cycle takes where rungs let trials on at once.

    The two most aggressive brackets take what the plan says; each further one half as large a share of it as the
    one before.  Rungs that wait need all the plan's trials at once; the others need no more than a fair chance
    for those that start slowly (measured: docs/hyperband.md).
    """
    return [-(-plan.n_trials // 2 ** max(0, place - 1)) for place, plan in enumerate(plans)]


def rank(value: float, number: int, direction: StudyDirection) -> Rank:
    """Return the sort key of a trial: better values first, NaN last, then the smaller number."""
    if math.isnan(value):
        return (True, 0.0, number)
    return (False, -value if direction is StudyDirection.MAXIMIZE else value, number)


class BudgetRule:
    """What a step is worth: ``step + 1`` in a study whose first reported step is 0, else ``step``.

    Attributes:
        first_step: The first step ever reported, or None before the first report.
    """

    __slots__ = ("first_step",)

    def __init__(self, first_step: int | None) -> None:
        self.first_step = first_step

    def budget(self, step: int) -> int:
        """Return the budget spent at ``step``; the first step ever seen fixes the rule."""
        if self.first_step is None:
            self.first_step = step
        return step + 1 if self.first_step == 0 else step

    def step(self, budget: int) -> int:
        """Return the step at which a budget is spent; 0 while the rule is unknown."""
        if self.first_step is None:
            return 0
        return budget - 1 if self.first_step == 0 else budget
