"""Ratios, their intervals and the correction for many tests."""

import math

import pytest
from scipy import stats

from benchmarks.intervals import Interval, holm, p_worse


def test_an_interval_is_students_of_the_logarithms():
    logs = [math.log(x) for x in (0.5, 0.8, 1.1, 0.7)]
    low, high = stats.t.interval(0.95, 3, loc=sum(logs) / 4, scale=stats.sem(logs))
    found = Interval.of(logs)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert found.mean == pytest.approx((0.5 * 0.8 * 1.1 * 0.7) ** 0.25)


def test_one_ratio_has_no_finite_interval():
    assert Interval.of([0.0]).low == 0.0


def test_holm_multiplies_the_smallest_p_by_all_tests_and_never_goes_down():
    # By hand: 0.01 * 4, 0.03 * 3, 0.04 * 2 raised to that before, 0.5.
    assert holm([0.03, 0.5, 0.01, 0.04]) == pytest.approx([0.09, 0.5, 0.04, 0.09])


def test_the_test_is_one_sided_and_paired():
    worse = [0.1, 0.3, 0.2, 0.25, 0.15]
    assert p_worse(worse) == pytest.approx(stats.ttest_1samp(worse, 0.0).pvalue / 2)
    assert p_worse([-x for x in worse]) == pytest.approx(1 - p_worse(worse))


def test_equal_results_are_not_worse():
    assert p_worse([0.0, 0.0, 0.0]) == 1.0
