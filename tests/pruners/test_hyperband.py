"""Small scenarios of the Hyperband judge, one claim each."""

from __future__ import annotations

import math
from typing import Any

import pytest

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import HyperbandPruner, PastTrial, Ruling, Verdict
from raystudy.pruners.base import Judge

MIN, MAX = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
DONE = TrialState.COMPLETE
GO, PAUSE, STOP = Verdict.CONTINUE, Verdict.PAUSE, Verdict.STOP


def start(mode: Any, high: int = 9, direction: StudyDirection = MIN, first_step: int | None = 1) -> Judge:
    return HyperbandPruner(1, high, 3, mode=mode).start(direction, first_step)


def enrol(judge: Judge, n: int) -> list[int | None]:
    brackets = []
    for number in range(n):
        brackets.append(judge.next_bracket())
        judge.enrol(number, brackets[-1])
    return brackets


def enrol_together(judge: Judge, n: int, bracket: int = 0) -> None:
    for number in range(n):
        judge.enrol(number, bracket)


def feed(judge: Judge, step: int, values: list[float], resumable: bool = True) -> list[Ruling]:
    return [judge.report(number, step, value, resumable) for number, value in enumerate(values)]


def test_sync_fills_the_aggressive_bracket_first_and_then_cycles() -> None:
    judge = start("sync")
    assert enrol(judge, 35) == [0] * 9 + [1] * 5 + [2] * 3 + [3] * 9 + [4] * 5 + [5] * 3 + [6]
    judge.enrol(0, 0)
    assert judge.next_bracket() == 6


def test_promote_fills_the_brackets_of_a_cycle_at_the_same_rate() -> None:
    judge = start("promote", high=27)  # a cycle is 27 + 12 + 3 + 1 trials
    brackets = enrol(judge, 86)
    assert brackets[:14] == [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 2]
    for n, expected in [(21, [14, 6, 1, 0]), (33, [22, 9, 2, 0]), (43, [27, 12, 3, 1])]:
        assert [brackets[:n].count(bracket) for bracket in range(4)] == expected
    assert set(brackets[43:]) == {4, 5, 6, 7}


def test_promote_goes_on_where_a_recovered_study_was_filled_least() -> None:
    judge = start("promote", high=27)
    judge.restore([PastTrial(n, 0, {1: 1.0}, None, DONE) for n in range(20)])
    brackets = []
    for number in range(20, 30):
        brackets.append(judge.next_bracket())
        judge.enrol(number, brackets[-1])
    assert brackets == [1, 1, 1, 1, 2, 1, 1, 1, 1, 2]


def test_a_sync_rung_waits_for_all_and_then_lets_the_best_third_on() -> None:
    judge = start("sync")
    enrol(judge, 9)
    rulings = feed(judge, 1, [5, 1, 9, 2, 8, 7, 6, 4, 3])
    assert [r.verdict for r in rulings] == [PAUSE] * 8 + [GO]
    assert rulings[-1] == Ruling(GO, 0, promoted=((1, 0), (3, 0)), dropped=(7, 0, 6, 5, 4, 2))


def test_the_loser_whose_report_closes_a_sync_rung_is_told_to_stop() -> None:
    judge = start("sync")
    enrol(judge, 9)
    last = feed(judge, 1, [5, 1, 9, 2, 8, 7, 6, 4, 10])[-1]
    assert (last.verdict, last.promoted) == (STOP, ((1, 0), (3, 0), (7, 0)))
    assert 8 not in last.dropped
    assert judge.report(8, 2, 0.0, True) == Ruling(STOP)


def test_a_failed_trial_never_blocks_a_sync_rung() -> None:
    judge = start("sync")
    enrol(judge, 9)
    feed(judge, 1, [5, 1, 9, 2, 8, 7, 6, 4])
    assert judge.settle(8).promoted == ((1, 0), (3, 0), (7, 0))
    judge.settle(1), judge.settle(3)
    assert judge.report(7, 3, 1.0, True).verdict is GO  # alone at rung 1


def test_a_failed_trial_takes_no_place_in_a_sync_rung() -> None:
    judge = start("sync")
    enrol(judge, 9)
    feed(judge, 1, [1, 2, 3, 4, 5, 6, 7, 8])
    judge.settle(0)
    assert judge.report(8, 1, 9.0, True).promoted == ((1, 0), (2, 0), (3, 0))


def test_sync_rungs_of_a_full_bracket_ignore_close_and_short_ones_shrink() -> None:
    judge = start("sync")
    enrol(judge, 13)  # 9 in bracket 0, 4 of 5 in bracket 1
    feed(judge, 3, [float(n) for n in range(13)])
    assert judge.close().promoted == ((9, 0),)  # max(1, 4 // 3)


def test_one_report_may_pass_several_rungs_and_waits_at_the_highest() -> None:
    judge = start("sync")
    enrol(judge, 9)
    assert judge.report(0, 5, 1.0, True) == Ruling(PAUSE, 1)
    rulings = [judge.report(n, 1, float(n + 1), True) for n in range(1, 9)]
    assert rulings[-1].promoted == ((1, 0), (2, 0))  # trial 0 holds a place and waits at rung 1
    judge.report(1, 3, 7.0, True)
    assert judge.report(2, 3, 8.0, True).promoted == ((0, 1),)


def test_promote_pauses_early_arrivals_and_revives_them_when_the_quota_grows() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    rulings = feed(judge, 1, [5, 1, 9, 2, 3, 7])
    assert [r.verdict for r in rulings] == [PAUSE] * 6
    assert [r.promoted for r in rulings] == [(), (), ((1, 0),), (), (), ((3, 0),)]
    assert judge.report(6, 1, 0.0, True) == Ruling(PAUSE, 0)  # two of seven have gone on already
    assert [judge.report(n, 1, 8.0, True).promoted for n in (7, 8)] == [(), ((6, 0),)]


def test_promote_lets_no_more_than_a_third_on_when_every_trial_beats_those_before() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    rulings = feed(judge, 1, [9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert [n for n, r in enumerate(rulings) if r.verdict is GO] == [2, 5, 8]
    assert all(not r.promoted for r in rulings)


def test_closing_promote_lets_everyone_on_who_is_among_the_best_third() -> None:
    judge = start("promote")
    enrol_together(judge, 8)
    feed(judge, 1, [9, 8, 7, 6, 5, 4, 3, 2])  # 2 and 5 went on
    assert judge.close().promoted == ((7, 0), (6, 0))


def test_promote_shares_rungs_between_cycles() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    judge.enrol(17, 3)  # the aggressive bracket of the second cycle
    feed(judge, 1, [5.0, 4.0])
    assert judge.report(17, 1, 3.0, True).verdict is GO


def test_closing_promote_brings_the_best_of_each_bracket_to_the_top() -> None:
    judge = start("promote")
    enrol_together(judge, 2)
    feed(judge, 1, [5, 1])
    assert judge.close() == Ruling(promoted=((1, 0),), dropped=(0,))
    assert judge.report(1, 3, 1.0, True) == Ruling(GO, 1)
    assert judge.report(1, 9, 1.0, True) == Ruling(GO, 2)


def test_a_closed_promote_rung_waits_for_those_still_on_the_way() -> None:
    judge = start("promote")
    enrol_together(judge, 3)
    feed(judge, 1, [5, 1])
    assert judge.close() == Ruling()
    assert judge.settle(2) == Ruling(promoted=((1, 0),), dropped=(0,))


def test_an_upper_rung_stays_open_for_a_trial_that_closing_has_just_let_on() -> None:
    judge = start("promote")
    enrol_together(judge, 2)
    judge.report(0, 3, 5.0, True)  # passes rung 0 and waits at rung 1
    judge.report(1, 1, 1.0, True)
    assert judge.close() == Ruling(promoted=((1, 0),))
    assert judge.report(1, 3, 1.0, True) == Ruling(GO, 1, dropped=(0,))


def test_a_promote_rung_whose_best_is_gone_lets_the_next_one_on() -> None:
    judge = start("promote")
    enrol_together(judge, 3)
    feed(judge, 1, [1, 5])
    judge.settle(0)
    judge.settle(2)
    assert judge.close() == Ruling(promoted=((1, 0),))


def test_without_checkpoints_auto_stops_losers_and_lets_the_best_so_far_on() -> None:
    judge = start("auto")
    enrol_together(judge, 9)
    rulings = feed(judge, 1, [5, 6, 4, 9, 3], resumable=False)
    assert [r.verdict for r in rulings] == [GO, STOP, GO, STOP, GO]
    assert all(not r.promoted and not r.dropped for r in rulings)
    assert judge.report(5, 1, 7.0, True).verdict is PAUSE  # once one checkpoint is known, trials can wait


def test_without_checkpoints_promote_pauses_all_the_same() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    assert [r.verdict for r in feed(judge, 1, [5, 6, 4], resumable=False)] == [PAUSE, PAUSE, GO]


@pytest.mark.parametrize("mode", ["sync", "promote", "auto"])
def test_a_nan_never_goes_on_while_a_number_competes(mode: str) -> None:
    judge = start(mode)
    enrol_together(judge, 9)
    rulings = feed(judge, 1, [math.nan] * 8 + [5.0])
    assert rulings[-1].verdict is GO
    assert {n for n, _ in rulings[-1].promoted} == set()


def test_a_promote_quota_that_only_nans_could_fill_stays_unfilled() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    rulings = feed(judge, 1, [5.0] + [math.nan] * 5)  # six values: a quota of two
    assert [r.promoted for r in rulings] == [(), (), ((0, 0),), (), (), ()]


def test_larger_is_better_when_maximising_and_ties_go_to_the_older_trial() -> None:
    judge = start("sync", direction=MAX)
    enrol(judge, 9)
    last = feed(judge, 1, [1, 2, 2, 2, 2, 1, 1, 1, 1])[-1]
    assert last.promoted == ((1, 0), (2, 0), (3, 0))


@pytest.mark.parametrize(("first", "settling"), [(0, 2), (1, 3)])
def test_a_rung_is_settled_by_budget_and_not_by_step(first: int, settling: int) -> None:
    judge = start("promote", first_step=None)
    judge.enrol(9, 1)
    judge.report(9, first, 1.0, True)  # the first rung of bracket 1 has budget 3
    assert judge.report(9, settling - 1, 1.0, True).rung is None
    assert judge.report(9, settling, 1.0, True).rung == 0
    assert judge.first_step == first  # type: ignore[attr-defined]


def test_reports_after_a_pause_change_nothing_until_the_promotion() -> None:
    judge = start("promote")
    enrol_together(judge, 9)
    judge.report(0, 1, 5.0, True)
    assert judge.report(0, 1, 0.0, True) == judge.report(0, 3, 0.0, True) == Ruling(PAUSE)
    judge.report(1, 1, 7.0, True)
    assert judge.report(2, 1, 6.0, True).promoted == ((0, 0),)
    assert judge.report(0, 2, 5.0, True) == Ruling(GO)
    assert judge.report(0, 3, 5.0, True) == Ruling(PAUSE, 1)


def test_the_last_rung_holds_nobody() -> None:
    judge = start("sync")
    enrol(judge, 17)
    assert [judge.report(n, 9, 1.0, True) for n in (14, 15, 16)] == [Ruling(GO, 0)] * 3


def test_strangers_are_refused_with_their_story() -> None:
    judge = start("promote")
    with pytest.raises(IllegalTransition, match=r"trial 3 reported 0.5 at step 1, but .* never enrolled"):
        judge.report(3, 1, 0.5, True)
    with pytest.raises(IllegalTransition, match="trial 3 ended"):
        judge.settle(3)
    judge.close()
    with pytest.raises(IllegalTransition, match="has closed"):
        judge.enrol(4, 0)


def test_the_table_counts_every_rung() -> None:
    judge = start("promote")
    enrol_together(judge, 4)
    feed(judge, 1, [5, 1, 9])
    judge.settle(2)
    line = "rung 0 (budget 1): 3 recorded, 1 waiting, 1 promoted, 1 gone, 1 on the way"
    assert line in repr(judge)
