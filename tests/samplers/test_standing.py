from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.reports import ReportLog
from raystudy.samplers.splitting import split_observed
from raystudy.samplers.standing import levels, standings

X = {"x": FloatDistribution(0.0, 1.0)}
RUNGS = (1, 3, 9)


def halving(curves: np.ndarray, direction: StudyDirection = StudyDirection.MINIMIZE) -> History:
    """Record trials with a value at each of ``RUNGS``: a third goes on from each, the last rung completes."""
    history, sign = History([direction]), 1 if direction is StudyDirection.MINIMIZE else -1
    left = np.arange(len(curves))
    reached = np.zeros(len(curves), int)
    for rung in range(1, len(RUNGS)):
        left = left[np.argsort(sign * curves[left, rung - 1], kind="stable")[: len(left) // 3]]
        reached[left] = rung
    for number, (curve, rung) in enumerate(zip(curves.tolist(), reached.tolist(), strict=True)):
        is_full = rung == len(RUNGS) - 1
        history.update(
            number,
            TrialState.COMPLETE if is_full else TrialState.RUNNING,
            {"x": 0.5},
            X,
            [curve[rung]] if is_full else None,
            None if is_full else (RUNGS[rung], curve[rung]),
            dict(zip(RUNGS[: rung + 1], curve[: rung + 1], strict=True)),
        )
    return history


@pytest.mark.parametrize("direction", list(StudyDirection)[1:])
def test_where_rungs_agree_trials_stand_nearly_in_the_order_of_their_values(
    direction: StudyDirection,
) -> None:
    sign = 1 if direction is StudyDirection.MINIMIZE else -1
    values = np.random.default_rng(0).permutation(90)[:, None] * np.ones(3)
    found = standings(halving(sign * values, direction))
    assert found.numbers.tolist() == list(range(90))
    assert stats.spearmanr(found.expected, values[:, 0]).statistic > 0.99
    assert np.argsort(found.expected)[:5].tolist() == np.argsort(values[:, 0])[:5].tolist()


def test_a_low_rung_that_proved_to_say_nothing_ranks_nobody_among_the_best() -> None:
    """The order at the lower rungs is the reverse of that at the end: none that was stopped is in the best tenth."""
    ends = np.random.default_rng(1).permutation(270).astype(float)
    history = halving(np.stack([-ends, -ends, ends], axis=1))
    completed = np.flatnonzero(history.states == TrialState.COMPLETE)
    below, _ = split_observed(history)[0]
    best = completed[np.argsort(history.values[completed, 0])]
    assert set(below) >= set(best[:5])
    stopped = set(below) - set(completed)
    assert not stopped & set(np.flatnonzero(history.observed_steps == 1))


def test_a_trial_that_waits_at_a_low_rung_can_be_among_the_best() -> None:
    """With the old rule every completed trial came before it, however bad."""
    history = History([StudyDirection.MINIMIZE])
    for number in range(30):
        value = float(number + 1)
        history.update(number, TrialState.COMPLETE, {"x": 0.5}, X, [value], None, {1: value, 9: value})
    history.update(30, TrialState.RUNNING, {"x": 0.5}, X, None, (1, 0.5), {1: 0.5})
    (below, above), (known_below, known_above) = split_observed(history)
    assert 30 in below
    assert 29 in above
    assert {*known_below, *known_above} == set(range(30))


def test_the_highest_rung_with_enough_trials_is_modelled() -> None:
    """Two completed trials are too few: the rung below decides, where they are the worst of those that went on."""
    history = History([StudyDirection.MINIMIZE])
    for number in range(20):
        history.update(
            number, TrialState.RUNNING, {"x": 0.5}, X, None, (3, float(number)), {1: 0.0, 3: float(number)}
        )
    for number in (20, 21):
        reports = {1: 0.0, 3: 100.0 + number, 9: 0.0}
        history.update(number, TrialState.COMPLETE, {"x": 0.5}, X, [0.0], None, reports)
    standing = standings(history).expected
    assert np.argsort(standing).tolist() == list(range(22))


@pytest.mark.parametrize("worst", [math.nan, math.inf])
def test_a_report_that_is_no_number_stands_last_of_its_rung(worst: float) -> None:
    history = History([StudyDirection.MINIMIZE])
    for number in range(12):
        value = worst if number == 5 else float(number)
        history.update(number, TrialState.PRUNED, {"x": 0.5}, X, None, (1, value), {1: value})
    history.update(12, TrialState.PRUNED, {"x": 0.5}, X)
    standing = standings(history).expected
    assert np.argsort(standing, kind="stable").tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5, 12]


def test_completed_trials_without_reports_are_ranked_by_value_beside_others() -> None:
    history = History([StudyDirection.MINIMIZE])
    for number in range(10):
        history.update(number, TrialState.COMPLETE, {"x": 0.5}, X, [float(-number)])
    history.update(10, TrialState.PRUNED, {"x": 0.5}, X, None, (1, -100.0), {1: -100.0})
    standing = standings(history).expected
    assert np.isfinite(standing).all()
    assert np.argsort(standing[:10]).tolist() == list(range(9, -1, -1))


def test_levels_are_steps_that_differ_by_half_or_more() -> None:
    assert levels(np.array([27.0, 1, 9, 3, 3, math.nan])) == [1, 3, 9, 27]
    assert levels(np.array([0.0, 2, 8, 26])) == [0, 2, 8, 26]
    assert levels(np.arange(1.0, 82)) == [1, 2, 4, 7, 11, 17, 26, 40, 61]


entries = st.lists(
    st.tuples(st.integers(0, 5), st.dictionaries(st.integers(0, 9), st.floats(allow_nan=False), max_size=4)),
    max_size=12,
)


@given(entries, st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_the_log_finds_the_first_report_at_or_after_a_step(batches: list, step: int) -> None:
    log = ReportLog()
    known: dict[int, dict[int, float]] = {}
    for number, new in batches:
        reports = known.setdefault(number, {})
        reports |= {s: v for s, v in new.items() if s not in reports}
        log.add(number, reports)
        found = log.at(step, 6)  # asked again and again, it must take in what is new
    for number in range(6) if batches else ():
        later = {s: v for s, v in known.get(number, {}).items() if s >= step}
        first = min(later, default=math.inf)
        np.testing.assert_equal(found[number], [first, later.get(first, math.nan)])
