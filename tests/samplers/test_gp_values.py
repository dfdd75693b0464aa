from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import GPSampler
from raystudy.samplers.gp_values import normalised, standardised, yeo_johnson
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator


def test_values_are_made_normal_by_the_most_probable_power_of_yeo_and_johnson() -> None:
    values = np.exp(np.random.default_rng(0).normal(size=200))
    standard = standardised(values)
    transformed, power = stats.yeojohnson(standard)
    np.testing.assert_allclose(yeo_johnson(standard, 0.3), stats.yeojohnson(standard, 0.3), rtol=1e-12)
    np.testing.assert_allclose(yeo_johnson(standard, 2.0), stats.yeojohnson(standard, 2.0), rtol=1e-12)
    assert abs(power) < 2
    np.testing.assert_allclose(normalised(values), standardised(transformed), atol=2e-3)
    assert (np.argsort(normalised(values)) == np.argsort(values)).all()


def test_one_terrible_value_does_not_flatten_the_others() -> None:
    values = np.append(np.linspace(0.0, 1.0, 30), 1e6)
    assert np.ptp(normalised(values)[:30]) > 10 * np.ptp(standardised(values)[:30])


@pytest.mark.parametrize("special", [math.inf, -math.inf])
def test_infinite_values_count_as_the_farthest_finite_ones(special: float) -> None:
    clipped = 2.0 if special > 0 else 1.0
    expected = standardised(np.array([1.0, 2.0, clipped]))
    np.testing.assert_allclose(standardised(np.array([1.0, 2.0, special])), expected)


@pytest.mark.parametrize("value", [0.0, -7.0, 1e300, 1e-300, math.inf])
def test_equal_values_say_nothing(value: float) -> None:
    assert normalised(np.full(12, value)).tolist() == [0.0] * 12


@pytest.mark.parametrize("factor", [1e-200, 1.0, 1e200])
def test_neither_the_scale_of_the_values_nor_their_origin_matters(factor: float) -> None:
    values = np.random.default_rng(0).normal(size=20)
    np.testing.assert_allclose(normalised(factor * (values + 3)), normalised(values), rtol=1e-6)


def test_the_best_point_of_the_feasible_half_is_proposed_and_the_half_is_found_if_nothing_is_feasible_yet() -> (
    None
):
    """The value falls towards x = 0, where trials are infeasible below 0.5."""
    space = {"x": FloatDistribution(0.0, 1.0)}
    for xs in (np.linspace(0.02, 0.98, 25), np.linspace(0.02, 0.4, 12)):
        history = History([StudyDirection.MINIMIZE])
        for number, x in enumerate(xs.tolist()):
            violation = max(0.0, 0.5 - x)
            history.update(number, TrialState.COMPLETE, {"x": x}, space, [x], violation=violation)
        proposed = GPSampler().propose(space, history, generator(0, len(xs)))["x"]
        assert 0.45 < proposed < (0.6 if len(xs) == 25 else 1.01)
