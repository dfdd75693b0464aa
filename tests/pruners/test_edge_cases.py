"""Each row of the table in ``raystudy.pruners.rungs``, in every mode."""

from __future__ import annotations

import math
from typing import Any

import pytest

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import HyperbandPruner, PastTrial, Ruling, Verdict
from raystudy.pruners.base import Judge

GO, PAUSE, STOP = Verdict.CONTINUE, Verdict.PAUSE, Verdict.STOP
WAITING_MODES = ["promote", "auto", "sync"]
ALL_MODES = [*WAITING_MODES, "stop"]


def start(mode: Any, n_trials: int = 9) -> Judge:
    """Return a judge of rungs 1, 3, 9 with trials in its first bracket, which takes nine."""
    judge = HyperbandPruner(1, 9, 3, mode=mode).start(StudyDirection.MINIMIZE, 1)
    for number in range(n_trials):
        judge.enrol(number, 0)
    return judge


def feed(judge: Judge, values: list[float], step: int = 1, first: int = 0) -> list[Ruling]:
    return [judge.report(first + n, step, value, True) for n, value in enumerate(values)]


def let_on(rulings: list[Ruling]) -> set[int]:
    """Return the trials that went on by rulings on trials 0, 1, ..."""
    at_once = {n for n, ruling in enumerate(rulings) if ruling.verdict is GO}
    return at_once | {n for ruling in rulings for n, _ in ruling.promoted}


@pytest.mark.parametrize("mode", WAITING_MODES)
def test_of_equal_values_the_smaller_number_goes_on(mode: str) -> None:
    assert let_on(feed(start(mode), [2, 1, 1, 1, 1, 1, 1, 1, 1])) == {1, 2, 3}


def test_where_trials_are_stopped_a_value_as_good_as_the_last_place_goes_on() -> None:
    rulings = feed(start("stop"), [1, 1, 1, 1, 2])
    assert [ruling.verdict for ruling in rulings] == [GO, GO, GO, GO, STOP]


@pytest.mark.parametrize("mode", WAITING_MODES)
def test_a_nan_goes_on_only_where_no_number_was_recorded(mode: str) -> None:
    assert let_on(feed(start(mode), [5.0] + [math.nan] * 8)) == {0}
    assert len(let_on(feed(start(mode), [math.nan] * 9))) == 3


def test_where_trials_are_stopped_a_nan_stops_and_takes_no_place() -> None:
    judge = start("stop")
    assert feed(judge, [math.nan, 5.0]) == [Ruling(STOP), Ruling(GO, 0)]
    assert judge.report(0, 2, 1.0, True) == Ruling(STOP, 0)  # an objective that goes on is recorded now


@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_step_reported_again_and_a_smaller_step_change_nothing(mode: str) -> None:
    judge = start(mode, n_trials=2)
    first = judge.report(0, 2, 5.0, True)
    before = repr(judge)
    assert judge.report(0, 2, 0.0, True) == judge.report(0, 1, 0.0, True) == Ruling(first.verdict)
    assert repr(judge) == before or mode == "stop"
    if mode == "stop":
        assert judge.report(1, 1, 6.0, True).verdict is STOP  # 5.0 counts, neither 0.0 does


@pytest.mark.parametrize("mode", ["promote", "auto"])
def test_a_paused_trial_is_told_to_pause_until_it_is_promoted(mode: str) -> None:
    judge = start(mode)
    assert judge.report(0, 1, 5.0, True) == Ruling(PAUSE, 0)
    assert judge.report(0, 3, 0.0, True) == Ruling(PAUSE)
    judge.report(1, 1, 7.0, True)
    assert judge.report(2, 1, 6.0, True).promoted == ((0, 0),)
    assert judge.report(0, 2, 5.0, True) == Ruling(GO)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_trial_that_has_ended_is_told_to_stop(mode: str) -> None:
    judge = start(mode)
    judge.report(0, 1, 5.0, True)
    judge.settle(0, TrialState.COMPLETE, 5.0)
    assert judge.report(0, 3, 0.0, True) == Ruling(STOP)


def test_a_stopped_trial_that_reports_on_is_recorded_and_stays_stopped() -> None:
    judge = start("stop")
    feed(judge, [1.0, 2.0])
    assert judge.report(1, 3, 0.0, True) == Ruling(STOP, 1)
    assert judge.report(0, 3, 1.0, True) == Ruling(STOP, 1)  # the stopped trial's 0.0 is better


@pytest.mark.parametrize("mode", ALL_MODES)
def test_where_the_step_of_a_rung_is_missing_the_next_report_settles_it(mode: str) -> None:
    judge = HyperbandPruner(1, 9, 3, mode=mode).start(StudyDirection.MINIMIZE, 1)  # type: ignore[arg-type]
    judge.enrol(0, 1)  # its lowest rung is 3
    assert [judge.report(0, step, 1.0, True).rung for step in (2, 5)] == [None, 0]


@pytest.mark.parametrize("mode", WAITING_MODES)
def test_a_jump_over_rungs_counts_on_all_and_waits_at_the_highest(mode: str) -> None:
    judge = start(mode)
    assert judge.report(0, 5, 1.0, True) == Ruling(PAUSE, 1)
    rulings = [judge.report(number, 1, 1.0 + number, True) for number in range(1, 9)]
    went = {number for ruling in rulings for number, _ in ruling.promoted}
    went |= {n for n, ruling in enumerate(rulings, start=1) if ruling.verdict is GO}
    assert went == {1, 2}  # a third of nine, and trial 0 has one of the places


def test_where_trials_are_stopped_a_jump_is_compared_up_to_the_first_rung_where_it_fails() -> None:
    judge = start("stop")
    assert judge.report(0, 5, 1.0, True) == Ruling(GO, 1)
    assert judge.report(1, 5, 2.0, True) == Ruling(STOP, 0)
    assert judge.report(2, 5, 0.5, True) == Ruling(GO, 1)


@pytest.mark.parametrize("mode", ["promote", "auto"])
@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_the_value_of_a_failed_trial_competes_on_and_nobody_goes_on_for_it(
    mode: str, state: TrialState
) -> None:
    judge = start(mode)
    feed(judge, [1.0, 2.0])
    judge.settle(0, state)
    assert judge.report(2, 1, 3.0, True) == Ruling(PAUSE, 0)  # the one place belongs to the 1.0


def test_a_failed_trial_of_a_sync_rung_neither_blocks_it_nor_takes_a_place() -> None:
    judge = start("sync")
    feed(judge, [1, 2, 3, 4, 5, 6, 7, 8])
    judge.settle(0, TrialState.FAIL)
    assert judge.settle(8, TrialState.FAIL).promoted == ((1, 0), (2, 0), (3, 0))


def test_where_trials_are_stopped_the_value_of_a_failed_trial_stays() -> None:
    judge = start("stop")
    judge.report(0, 1, 1.0, True)
    judge.settle(0, TrialState.FAIL)
    assert judge.report(1, 1, 2.0, True).verdict is STOP


def test_a_sync_rung_waits_for_a_trial_that_is_run_again_after_a_loss() -> None:
    judge = start("sync")
    assert all(not ruling.promoted for ruling in feed(judge, [1, 2, 3, 4, 5, 6, 7, 8]))
    assert judge.report(8, 1, 9.0, True).promoted == ((0, 0), (1, 0), (2, 0))  # its second attempt


@pytest.mark.parametrize("mode", ALL_MODES)
def test_trials_of_other_programs_are_in_no_bracket_and_have_no_place(mode: str) -> None:
    alone, among_others = start(mode), start(mode)
    among_others.learn([PastTrial(100 + n, None, {1: 0.0}, None, TrialState.COMPLETE, 0.0) for n in range(9)])
    values = [5.0, 1, 9, 2, 8, 7, 6, 4, 3]
    assert feed(alone, values) == feed(among_others, values)
    among_others.enrol(200, None)
    assert [among_others.report(200, step, 99.0, True).verdict for step in (1, 3, 9)] == [GO] * 3


@pytest.mark.parametrize("mode", ["promote", "auto"])
def test_a_cohort_cut_short_brings_its_best_to_the_top_and_drops_the_rest(mode: str) -> None:
    judge = start(mode, n_trials=2)
    feed(judge, [5.0, 1.0])
    assert judge.close() == Ruling(promoted=((1, 0),), dropped=(0,))
    assert [judge.report(1, step, 1.0, True).verdict for step in (3, 9)] == [GO, GO]
    with pytest.raises(IllegalTransition, match="has closed"):
        judge.enrol(2, 0)


@pytest.mark.parametrize(("n_trials", "n_places"), [(2, 1), (5, 1), (7, 2), (9, 3)])
def test_a_sync_cohort_cut_short_has_the_places_of_those_that_came(n_trials: int, n_places: int) -> None:
    judge = start("sync", n_trials=n_trials)
    rulings = feed(judge, [float(number) for number in range(n_trials)])
    promoted = judge.close().promoted or rulings[-1].promoted
    assert promoted == tuple((number, 0) for number in range(n_places))


def test_where_trials_are_stopped_no_cohort_is_waited_for() -> None:
    judge = start("stop", n_trials=2)
    feed(judge, [5.0, 1.0])
    assert judge.close() == Ruling()
