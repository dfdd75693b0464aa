"""Judges of Hyperband that begin in the middle: with an unknown maximum, and restored from stored trials."""

from __future__ import annotations

from typing import Any

import pytest

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import HyperbandPruner, PastTrial, Ruling, Verdict
from raystudy.pruners.base import Judge

MIN = StudyDirection.MINIMIZE
LIVE, DONE = TrialState.RUNNING, TrialState.COMPLETE
GO, PAUSE, STOP = Verdict.CONTINUE, Verdict.PAUSE, Verdict.STOP


def start(mode: Any) -> Judge:
    return HyperbandPruner(1, 9, 3, mode=mode).start(MIN, 1)


def enrol(judge: Judge, n: int) -> list[int | None]:
    brackets = []
    for number in range(n):
        brackets.append(judge.next_bracket())
        judge.enrol(number, brackets[-1])
    return brackets


def test_auto_lets_everybody_run_until_the_first_trial_has_ended() -> None:
    judge = HyperbandPruner().start(MIN, None)
    assert enrol(judge, 2) == [None, None]
    assert [judge.report(0, step, 1.0, True).verdict for step in range(9)] == [GO] * 9
    judge.settle(0)
    assert judge.next_bracket() == 0
    assert judge.report(1, 3, 9.0, True) == Ruling()  # created before: in no bracket
    judge.enrol(2, 0)
    assert judge.report(2, 0, 1.0, True) == Ruling(PAUSE, 0)


def test_auto_finds_the_same_maximum_after_recovery() -> None:
    judge = HyperbandPruner().start(MIN, None)
    past = [
        PastTrial(0, None, dict.fromkeys(range(9), 1.0), None, DONE),
        PastTrial(1, 0, {0: 1.0}, None, LIVE),
    ]
    assert judge.restore(past) == Ruling()
    assert (judge.next_bracket(), judge.report(1, 1, 1.0, True).verdict) == (1, PAUSE)
    assert "rung 2 (budget 9)" in repr(judge)


def test_a_trial_that_ends_below_the_smallest_budget_does_not_set_the_maximum() -> None:
    judge = HyperbandPruner(min_resource=5).start(MIN, 1)
    enrol(judge, 2)
    judge.report(0, 2, 1.0, True)
    judge.settle(0)
    assert judge.next_bracket() is None


def test_a_new_call_begins_the_next_sync_bracket_when_the_last_call_left_a_short_one() -> None:
    judge = start("sync")
    judge.restore([PastTrial(n, 0, {1: 1.0}, None, DONE, is_over=True) for n in range(4)])
    assert judge.next_bracket() == 1


def test_a_call_that_goes_on_fills_its_sync_bracket_even_where_all_trials_have_ended() -> None:
    judge = start("sync")
    judge.restore([PastTrial(n, 0, {1: 1.0}, None, DONE) for n in range(4)])
    assert judge.next_bracket() == 0


def test_recovery_finishes_a_rung_that_was_closing_when_the_driver_died() -> None:
    judge = start("sync")
    past = [PastTrial(n, 0, {1: float(n)}, 0 if n == 0 else None, LIVE) for n in range(9)]
    assert judge.restore(past) == Ruling(promoted=((1, 0), (2, 0)), dropped=(3, 4, 5, 6, 7, 8))


def test_recovery_takes_a_report_beyond_a_rung_for_having_been_let_on() -> None:
    judge = start("promote")
    past = [PastTrial(0, 0, {1: 5.0, 2: 5.0}, None, LIVE), PastTrial(1, 0, {1: 6.0}, None, LIVE)]
    assert judge.restore(past) == Ruling()
    assert judge.report(0, 3, 5.0, True) == Ruling(PAUSE, 1)
    assert judge.report(1, 3, 6.0, True) == Ruling(PAUSE)


def test_recovery_knows_from_a_promotion_that_trials_can_wait() -> None:
    for promoted_rung, verdict in ((0, PAUSE), (None, STOP)):
        judge = start("auto")
        judge.restore([PastTrial(n, 0, {1: 1.0}, promoted_rung, DONE) for n in range(3)])
        judge.enrol(9, 0)
        assert judge.report(9, 1, 5.0, False) == Ruling(verdict, 0)


def test_a_judge_in_use_cannot_be_restored() -> None:
    judge = start("sync")
    judge.enrol(0, 0)
    with pytest.raises(IllegalTransition, match="before it is used"):
        judge.restore([])
