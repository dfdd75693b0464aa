"""The terms of the Gaussian process's score, against closed forms, Monte Carlo and finite differences."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from raystudy.distributions import Distribution, FloatDistribution
from raystudy.samplers.acquisition import log_cdf
from raystudy.samplers.boxes import BOTTOM, free_boxes
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Hyperparameters, Posterior
from raystudy.samplers.gp_scores import LogEHVI, LogEI, LogProbability, Term
from raystudy.samplers.pareto import dominance_ranks, hypervolume

SPACE: dict[str, Distribution] = {"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)}
MAP = FeatureMap.of(SPACE)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, user_api="blas"):
        yield


def posterior(seed: int) -> Posterior:
    rng = np.random.default_rng(seed)
    features = rng.random((12, 2))
    y = np.sin(4 * features[:, 0] + seed) + features[:, 1] ** 2 - 1
    return Posterior.of(Hyperparameters(np.array([4.0, 2.0]), 1.0, 1e-3), features, y, MAP.parameter)


def front(n: int, k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("n", [0, 1, 9])
def test_boxes_hold_what_no_point_dominates_once(n: int, k: int) -> None:
    losses, reference = front(n, k), np.full(k, 1.0)
    lower, upper = free_boxes(losses, reference)
    at = np.random.default_rng(1).uniform(-4.0, 1.2, size=(4000, k))
    times = ((lower <= at[:, None]) & (at[:, None] < upper)).all(axis=2).sum(axis=1)
    n_dominating = (losses <= at[:, None]).all(axis=2).sum(axis=1)
    is_free = (at < reference).all(axis=1) & (n_dominating == 0)
    np.testing.assert_array_equal(times, is_free)


def test_there_are_no_more_boxes_than_needed() -> None:
    losses = front(60, 2)
    n_front = int(((dominance_ranks(losses) == 0) & (losses < 1.0).all(axis=1)).sum())
    assert len(free_boxes(losses, np.ones(2))[0]) == n_front + 1
    sphere = np.abs(front(60, 3))
    sphere /= -np.linalg.norm(sphere, axis=1)[:, None]
    assert len(free_boxes(sphere, np.zeros(3))[0]) <= 2 * 60 + 1


def test_equal_losses_are_no_boxes_without_volume() -> None:
    losses = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [1.0, 0.0, 2.0], [1.0, 1.0, 0.0]])
    lower, upper = free_boxes(losses, np.full(3, 3.0))
    assert (upper > lower).all()
    cut = np.maximum(lower, -1.0)
    assert (upper - cut).prod(axis=1).sum() == pytest.approx(4**3 - hypervolume(losses, np.full(3, 3.0)))


@pytest.mark.parametrize("k", [2, 3])
def test_expected_hypervolume_improvement_is_that_of_monte_carlo(k: int) -> None:
    posteriors = tuple(posterior(seed) for seed in range(k))
    losses, reference = 0.5 * front(8, k) + 0.3, np.ones(k)
    term = LogEHVI.of(posteriors, *free_boxes(losses, reference))
    at = np.random.default_rng(3).random((3, 2))
    predicted = [each.predict(at) for each in posteriors]
    before = hypervolume(losses, reference)
    rng = np.random.default_rng(4)
    for point, found in enumerate(np.exp(term(at)).tolist()):
        drawn = np.stack([m[point] + d[point] * rng.standard_normal(4000) for m, d in predicted], axis=1)
        gains = [hypervolume(np.vstack([losses, one]), reference) - before for one in drawn]
        assert found == pytest.approx(np.mean(gains), abs=5 * np.std(gains) / math.sqrt(4000))


def test_with_one_box_of_one_objective_it_is_the_expected_improvement() -> None:
    at = np.random.default_rng(3).random((5, 2))
    for best in (0.3, -2.0, -300.0):  # the last one underflows if no logarithm is taken
        term = LogEHVI.of((posterior(0),), np.array([[BOTTOM]]), np.array([[best]]))
        np.testing.assert_allclose(term(at), LogEI(posterior(0), best)(at), rtol=1e-10)


def test_the_log_probability_is_the_normal_distribution_function() -> None:
    model, at = posterior(0), np.random.default_rng(3).random((5, 2))
    mean, deviation = model.predict(at)
    for limit in (0.5, -3.0, -200.0):
        expected = stats.norm(mean, deviation).logcdf(limit)
        np.testing.assert_allclose(LogProbability(model, limit)(at), expected, rtol=1e-10)


def test_less_than_the_least_probability_outweighs_any_improvement_and_is_still_ranked() -> None:
    model, at = posterior(0), np.random.default_rng(3).random((50, 2))
    plain, walled = LogProbability(model, -0.5)(at), LogProbability(model, -0.5, least=0.5)(at)
    is_likely = plain >= math.log(0.5)
    assert 5 < is_likely.sum() < 45
    np.testing.assert_array_equal(walled[is_likely], plain[is_likely])
    assert (walled[~is_likely] < -1e3).all()
    np.testing.assert_array_equal(np.argsort(walled), np.argsort(plain))


def test_the_slope_of_log_cdf_is_its_derivative_and_has_no_step() -> None:
    for z in (3.0, 0.0, -0.9999, -1.0, -1.0001, -30.0, -1e5):
        step = 1e-5 * max(1.0, -z)
        left, right = (float(log_cdf(np.array(z + each))[0]) for each in (-step, step))
        assert float(log_cdf(np.array(z))[1]) == pytest.approx((right - left) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("depth", [0.0, 40.0])
@pytest.mark.parametrize("kind", ["probability", "wall", "plane", "space"])
def test_gradients_are_those_of_finite_differences(kind: str, depth: float) -> None:
    k = {"probability": 1, "wall": 1, "plane": 2, "space": 3}[kind]
    posteriors = tuple(posterior(seed) for seed in range(k))
    boxes = free_boxes(0.5 * front(8, max(2, k)) - 0.3 - depth, np.full(max(2, k), 1.0 - depth))
    least = 0.99 if kind == "wall" else 0.0
    term: Term = LogEHVI.of(posteriors, *boxes) if k > 1 else LogProbability(posteriors[0], -depth, least)
    for at in np.random.default_rng(5).random((3, 2)):
        value, gradient = term.slope(at.copy(), 2)
        assert value == pytest.approx(float(term(at[None])[0]), rel=1e-9)
        for axis in range(2):
            step = np.zeros(2)
            step[axis] = 1e-6
            ends = term(np.stack([at + step, at - step]))
            assert gradient[axis] == pytest.approx(float(ends[0] - ends[1]) / 2e-6, rel=2e-4, abs=1e-5)
