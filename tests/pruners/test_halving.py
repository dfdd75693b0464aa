"""The integer arithmetic of Hyperband."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystudy.frozen import StudyDirection
from raystudy.pruners.halving import BudgetRule, bracket_plans, promote_sizes, rank, rung_budgets

LIMITS = (st.integers(1, 50), st.integers(0, 100_000), st.integers(2, 9))


@pytest.mark.parametrize(
    ("low", "high", "eta", "budgets"),
    [
        (1, 243, 3, (1, 3, 9, 27, 81, 243)),
        (1, 1000, 10, (1, 10, 100, 1000)),
        (5, 50, 3, (5, 16, 50)),
        (1, 9, 3, (1, 3, 9)),
        (2, 9, 3, (3, 9)),
        (7, 7, 3, (7,)),
        (4, 9, 3, (9,)),
    ],
)
def test_rungs_run_backward_from_the_maximum(low: int, high: int, eta: int, budgets: tuple[int, ...]) -> None:
    assert rung_budgets(low, high, eta) == budgets


@given(*LIMITS)
def test_every_rung_is_the_next_one_divided_and_none_is_missing(low: int, extra: int, eta: int) -> None:
    budgets = rung_budgets(low, low + extra, eta)
    assert budgets[-1] == low + extra
    assert all(a == b // eta for a, b in pairwise(budgets))
    assert budgets[0] // eta < low <= budgets[0]


@pytest.mark.parametrize("exponent", range(1, 40))
def test_powers_of_ten_lose_no_rung_to_rounding(exponent: int) -> None:
    assert len(rung_budgets(1, 10**exponent, 10)) == exponent + 1


@pytest.mark.parametrize(("low", "high", "eta"), [(0, 9, 3), (10, 9, 3), (1, 9, 1), (1, 0, 3)])
def test_contradicting_limits_are_refused_by_name(low: int, high: int, eta: int) -> None:
    with pytest.raises(ValueError, match=f"got min_resource={low}, max_resource={high}"):
        rung_budgets(low, high, eta)


def test_nine_epochs_give_the_papers_seventeen_trials_and_sixty_nine_epochs() -> None:
    plans = bracket_plans(1, 9, 3)
    assert [plan.n_trials for plan in plans] == [9, 5, 3]
    assert [[p.size(k) for k in range(len(p.budgets))] for p in plans] == [[9, 3, 1], [5, 1], [3]]
    epochs = [_epochs(p.budgets, [p.size(k) for k in range(len(p.budgets))]) for p in plans]
    assert epochs == [21, 21, 27]


def test_eighty_one_epochs_give_the_table_of_the_paper() -> None:
    plans = bracket_plans(1, 81, 3)  # Li et al. (2018), Table 1
    assert [plan.n_trials for plan in plans] == [81, 34, 15, 8, 5]
    assert [plan.budgets[0] for plan in plans] == [1, 3, 9, 27, 81]
    assert [plans[0].size(k) for k in range(5)] == [81, 27, 9, 3, 1]
    assert [plans[3].size(k) for k in range(2)] == [8, 2]


@pytest.mark.parametrize(
    ("low", "high", "sizes"), [(1, 81, [81, 34, 8, 2, 1]), (1, 9, [9, 5, 2]), (5, 50, [9, 5, 2]), (9, 9, [1])]
)
def test_promote_halves_the_papers_size_of_each_bracket_after_the_second_once_more(
    low: int, high: int, sizes: list[int]
) -> None:
    assert promote_sizes(bracket_plans(low, high, 3)) == sizes


@given(*LIMITS)
def test_bracket_sizes_are_the_papers_ceiling(low: int, extra: int, eta: int) -> None:
    plans = bracket_plans(low, low + extra, eta)
    for s, plan in zip(reversed(range(len(plans))), plans, strict=True):
        assert (s + 1) * (plan.n_trials - 1) < len(plans) * eta**s <= (s + 1) * plan.n_trials
        assert len(plan.budgets) == s + 1
        assert plan.size(s) >= 1


def test_ranks_put_nan_last_and_the_older_trial_first() -> None:
    values = [(2.0, 0), (math.nan, 1), (1.0, 2), (1.0, 3), (math.inf, 4), (-math.inf, 5)]
    low = sorted(values, key=lambda v: rank(v[0], v[1], StudyDirection.MINIMIZE))
    high = sorted(values, key=lambda v: rank(v[0], v[1], StudyDirection.MAXIMIZE))
    assert [number for _, number in low] == [5, 2, 3, 0, 4, 1]
    assert [number for _, number in high] == [4, 0, 2, 3, 5, 1]


@pytest.mark.parametrize(("first", "step", "budget"), [(0, 4, 5), (1, 4, 4), (10, 40, 40)])
def test_the_first_step_fixes_what_a_step_is_worth(first: int, step: int, budget: int) -> None:
    learned = BudgetRule(None)
    learned.budget(first)
    assert learned.budget(step) == BudgetRule(first).budget(step) == budget
    assert learned.first_step == first


def _epochs(budgets: tuple[int, ...], sizes: list[int]) -> int:
    """Epochs of a bracket whose trials resume from checkpoints."""
    return sum(n * (b - a) for n, (a, b) in zip(sizes, pairwise((0, *budgets)), strict=True))
