"""The numbers of the Gaussian process, against closed forms, finite differences and numerical integration."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import integrate, special, stats
from scipy.optimize import approx_fprime
from threadpoolctl import threadpool_limits

from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.samplers.acquisition import log_h
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Hyperparameters, Posterior, fit, log_posterior, matern
from raystudy.samplers.gp_scores import LogEI
from raystudy.samplers.gp_search import Score
from raystudy.samplers.scales import uniform

SPACE: dict[str, Distribution] = {
    "a": FloatDistribution(1e-4, 1.0, log=True),
    "b": CategoricalDistribution(("u", "v", "w")),
    "c": IntDistribution(1, 9),
    "d": FloatDistribution(-2.0, 2.0),
}
MAP = FeatureMap.of(SPACE)
THETA = np.array([-0.5, 0.3, 0.1, -1.0, 0.2, -3.0])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, user_api="blas"):
        yield


def data(n: int = 25, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = uniform(SPACE, rng, n)
    y = np.log(points[0]) + points[3] ** 2 + (points[1] == 1) + 0.1 * rng.standard_normal(n)
    return points, MAP.features(points), (y - y.mean()) / y.std()


def reference_kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matern 5/2 by its general form with a Bessel function, on distances taken parameter by parameter."""
    given = Hyperparameters.of(THETA)
    squared = np.zeros((a.shape[1], b.shape[1]))
    for row, low, width in ((0, math.log(1e-4), -math.log(1e-4)), (2, 0.5, 9.0), (3, -2.0, 4.0)):
        x, z = ((np.log(u[row]) if row == 0 else u[row]) for u in (a, b))
        squared += given.weights[row] * (((x - low) / width)[:, None] - (z - low) / width) ** 2
    squared += given.weights[1] * (a[1][:, None] != b[1])
    q = np.sqrt(5 * np.maximum(squared, 1e-20))
    return given.signal * 2**-1.5 / special.gamma(2.5) * q**2.5 * special.kv(2.5, q)


def posterior(n: int = 25) -> tuple[Posterior, np.ndarray, np.ndarray]:
    points, features, y = data(n)
    return Posterior.of(Hyperparameters.of(THETA), features, y, MAP.parameter), points, y


def test_the_kernel_is_matern_five_halves_with_hamming_distance_for_choices() -> None:
    points, features, _ = data()
    scaled = features * np.sqrt(Hyperparameters.of(THETA).weights)[MAP.parameter]
    squared = ((scaled[:, None] - scaled) ** 2).sum(axis=2)
    ours = Hyperparameters.of(THETA).signal * matern(squared)[0]
    np.testing.assert_allclose(ours, reference_kernel(points, points), rtol=1e-9)


def test_the_slope_of_the_kernel_is_that_of_finite_differences() -> None:
    at = np.array([1e-4, 0.01, 0.3, 1.0, 7.0])
    differences = (matern(at + 1e-6)[0] - matern(at - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(matern(at)[1], differences, rtol=1e-6)


def test_the_likelihood_is_that_of_a_multivariate_normal() -> None:
    _, features, y = data()
    other = THETA + np.array([0.4, -0.2, 0.3, 0.1, 0.5, 1.0])

    def likelihood(theta: np.ndarray) -> float:
        scaled = features * np.exp(-theta[:-2])[MAP.parameter]
        squared = ((scaled[:, None] - scaled) ** 2).sum(axis=2)
        covariance = math.exp(theta[-2]) * matern(squared)[0] + math.exp(theta[-1]) * np.eye(len(y))
        lengths = stats.lognorm(math.sqrt(3), scale=math.exp(math.sqrt(2)) * math.sqrt(4))
        prior = lengths.logpdf(np.exp(theta[:4])).sum()
        prior += stats.gamma(2, scale=1).logpdf(math.exp(theta[4]))
        prior += stats.gamma(1.1, scale=1 / 30).logpdf(math.exp(theta[5]))
        return float(stats.multivariate_normal(np.zeros(len(y)), covariance).logpdf(y) + prior)

    ours = [log_posterior(theta, features, y, MAP.parameter)[0] for theta in (THETA, other)]
    assert ours[0] - ours[1] == pytest.approx(likelihood(THETA) - likelihood(other), rel=1e-9)


@pytest.mark.parametrize("offset", [-0.7, 0.0, 0.9])
def test_the_gradient_of_the_likelihood_is_that_of_finite_differences(offset: float) -> None:
    _, features, y = data()
    theta = THETA + offset
    _, gradient = log_posterior(theta, features, y, MAP.parameter)
    differences = approx_fprime(theta, lambda t: log_posterior(t, features, y, MAP.parameter)[0], 1e-6)
    np.testing.assert_allclose(gradient, differences, rtol=1e-3, atol=1e-3)


def test_the_fit_is_a_maximum_and_finds_which_parameter_matters_and_how_much_noise_there_is() -> None:
    rng = np.random.default_rng(1)
    space: dict[str, Distribution] = {"x": FloatDistribution(0, 1), "idle": FloatDistribution(0, 1)}
    points = rng.random((2, 80))
    y = np.sin(7 * points[0]) + 0.1 * rng.standard_normal(80)
    y = (y - y.mean()) / y.std()
    shape = FeatureMap.of(space)
    found = fit(shape.features(points), y, shape.parameter, 2, is_exact=False)
    assert found.weights[0] > 10 * found.weights[1]
    assert 0.005 < found.noise < 0.06
    theta = np.log([found.weights[0] ** -0.5, found.weights[1] ** -0.5, found.signal, found.noise])
    best = log_posterior(theta, shape.features(points), y, shape.parameter)[0]
    for step in 0.05 * np.concatenate([np.eye(4), -np.eye(4)]):
        assert log_posterior(theta + step, shape.features(points), y, shape.parameter)[0] < best + 1e-3


def test_mean_and_deviation_are_those_of_the_direct_formula() -> None:
    model, points, y = posterior()
    at = uniform(SPACE, np.random.default_rng(9), 12)
    cross, noisy = reference_kernel(at, points), reference_kernel(points, points)
    noisy += math.exp(-3.0) * np.eye(len(y))
    mean, deviation = model.predict(MAP.features(at))
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(noisy, y), rtol=1e-6, atol=1e-9)
    variance = math.exp(0.2) - (cross * np.linalg.solve(noisy, cross.T).T).sum(axis=1)
    np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=1e-6)


@pytest.mark.parametrize("lie", [None, 2.5])
def test_a_pending_trial_is_one_that_was_observed_with_what_it_is_taken_for(lie: float | None) -> None:
    model, points, y = posterior()
    pending = MAP.features(uniform(SPACE, np.random.default_rng(5), 7))
    at = MAP.features(uniform(SPACE, np.random.default_rng(6), 12))
    features = np.concatenate([MAP.features(points), pending])
    values = model.predict(pending)[0] if lie is None else np.full(7, lie)
    direct = Posterior.of(Hyperparameters.of(THETA), features, np.concatenate([y, values]), MAP.parameter)
    ours = model.believing(pending, values)
    for a, b in zip(ours.predict(at), direct.predict(at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    if lie is None:
        np.testing.assert_allclose(ours.predict(at)[0], model.predict(at)[0], rtol=1e-9)
    one_by_one = model
    for row, value in zip(pending, values, strict=True):
        one_by_one = one_by_one.believing(row[None], np.array([value]))
    for a, b in zip(one_by_one.predict(at), ours.predict(at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_points_observed_twice_do_not_break_the_posterior() -> None:
    features = np.tile(MAP.features(uniform(SPACE, np.random.default_rng(0), 1)), (30, 1))
    exact = Hyperparameters(np.full(4, 1e-6), 50.0, 0.0)
    mean, deviation = Posterior.of(exact, features, np.ones(30), MAP.parameter).predict(features[:1])
    assert mean[0] == pytest.approx(1.0, abs=1e-4)
    assert 0 < deviation[0] < 0.01


@pytest.mark.parametrize("z", [5.0, 0.3, -0.999999, -1.000001, -3.0, -30.0, -190.0])
def test_log_h_is_the_integral_of_the_improvement(z: float) -> None:
    """h(z) / phi(z) is the integral of t exp(z t - t^2 / 2) over t > 0, which does not underflow."""
    scale = max(1.0, -z)
    ratio, _ = integrate.quad(
        lambda u: u / scale**2 * math.exp(z * u / scale - (u / scale) ** 2 / 2),
        0,
        400,
        limit=400,
        points=[1, 10],
    )
    expected = math.log(ratio) - z * z / 2 - 0.5 * math.log(2 * math.pi)
    assert log_h(np.array([z]))[0][0] == pytest.approx(expected, rel=1e-9)


def test_log_h_stays_exact_in_the_far_tail() -> None:
    for z in (-199.99, -200.01, -1e3, -1e6, -1e10):
        value, slope = log_h(np.array(z))
        assert float(value) + z * z / 2 + 0.5 * math.log(2 * math.pi) == pytest.approx(
            -2 * math.log(-z), rel=1e-4, abs=1e-15 * z * z
        )
        assert float(slope) == pytest.approx(-z, rel=1e-4)


def test_log_h_has_no_step_where_its_formulas_meet_and_its_slope_is_its_derivative() -> None:
    for z in (3.0, 0.0, -0.9, -1.0, -1.1, -20.0, -199.9999, -200.0, -200.0001, -500.0):
        left, right = (float(log_h(np.array(z + step))[0]) for step in (-1e-5, 1e-5))
        assert float(log_h(np.array(z))[1]) == pytest.approx((right - left) / 2e-5, rel=2e-5, abs=1e-6)
        assert left < float(log_h(np.array(z))[0]) < right or z > 2


def test_expected_improvement_is_that_of_numerical_integration() -> None:
    model, points, y = posterior()
    best, at = float(y.min()), uniform(SPACE, np.random.default_rng(2), 5)
    scores = Score(MAP, (LogEI(model, best),), points)(at)
    for mean, deviation, score in zip(*model.predict(MAP.features(at)), scores, strict=True):
        normal = stats.norm(mean, deviation)
        expected, _ = integrate.quad(
            lambda v, n=normal: (best - v) * n.pdf(v), best - 20, best, epsabs=0, limit=200
        )
        assert score == pytest.approx(math.log(expected), rel=1e-6)


def test_the_gradient_of_log_expected_improvement_is_that_of_finite_differences() -> None:
    model, points, _ = posterior()
    for best in (-1.0, -30.0):
        pending = MAP.features(points[:, :2])
        score = LogEI(model.believing(pending, model.predict(pending)[0]), best)
        features = MAP.features(uniform(SPACE, np.random.default_rng(3), 1))[0]
        value, gradient = score.slope(features, 3)
        assert value == pytest.approx(_score(score, features), rel=1e-9)
        for k in range(3):
            step = np.zeros(len(features))
            step[k] = 1e-6
            difference = (_score(score, features + step) - _score(score, features - step)) / 2e-6
            assert gradient[k] == pytest.approx(difference, rel=1e-4, abs=1e-6)


def _score(score: LogEI, features: np.ndarray) -> float:
    mean, deviation = score.posterior.predict(features[None])
    return float(np.log(deviation[0]) + log_h((score.best - mean) / deviation)[0][0])


def test_moves_change_one_discrete_parameter_and_stay_in_the_space() -> None:
    space: dict[str, Distribution] = {
        **SPACE,
        "wide": IntDistribution(1, 1000, log=True),
        "step": FloatDistribution(0.0, 0.9, step=0.3),
    }
    shape, rows = FeatureMap.of(space), list(space.values())
    point = uniform(space, np.random.default_rng(0), 1)[:, 0]
    moves = shape.moves(point)
    assert ((moves != point[:, None]).sum(axis=0) == 1).all()
    changed = (moves != point[:, None]).sum(axis=1)
    assert changed[:4].tolist() == [0, 2, 8, 0]
    assert changed[4] >= 6
    assert changed[5] == 3
    assert all(rows[k].contains(value) for k in range(6) for value in moves[k].tolist())


def test_a_finite_space_is_listed_whole_and_once() -> None:
    space: dict[str, Distribution] = {
        "k": IntDistribution(2, 8, step=2),
        "c": CategoricalDistribution((None, "a")),
    }
    shape = FeatureMap.of(space)
    everything = shape.everything()
    assert shape.size == 8
    assert sorted(map(tuple, everything.T.tolist())) == [
        (k, c) for k in (2.0, 4.0, 6.0, 8.0) for c in (0.0, 1.0)
    ]
