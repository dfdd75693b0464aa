from __future__ import annotations

import warnings

import numpy as np
import pytest
from optuna.distributions import json_to_distribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights
from scipy import stats

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from raystudy.samplers.orders import stable_argsort
from raystudy.samplers.parzen import Axes, ParzenEstimator, age_weights
from raystudy.samplers.scales import uniform

KINDS: dict[str, Distribution] = {
    "cat": CategoricalDistribution(("a", "b", "c", "d")),
    "float": FloatDistribution(-3.0, 5.0),
    "int": IntDistribution(-5, 4000),
    "int_step": IntDistribution(0, 30000, step=3),
    "log": FloatDistribution(1e-6, 10.0, log=True),
    "log_int": IntDistribution(1, 10**6, log=True),
    "step": FloatDistribution(0.0, 1000.0, step=0.25),
}
COARSE: dict[str, Distribution] = {
    "int": IntDistribution(1, 5),
    "log_int": IntDistribution(1, 9, log=True),
    "step": FloatDistribution(0.0, 1.0, step=0.25),
}


def optunas(space: dict[str, Distribution], observations: np.ndarray) -> _ParzenEstimator:
    theirs = {name: json_to_distribution(distribution_to_json(d)) for name, d in space.items()}
    options = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    return _ParzenEstimator(dict(zip(space, observations, strict=True)), theirs, options)


def log_pdfs(space: dict[str, Distribution], observations: np.ndarray, points: np.ndarray) -> tuple:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own
        theirs = optunas(space, observations).log_pdf(dict(zip(space, points, strict=True)))
    return ParzenEstimator.fit(Axes.of(space), observations).log_pdf(points), theirs


def distinct_rows(space: dict[str, Distribution], rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw observations without ties in numeric parameters: the oracle breaks ties by chance."""
    rows = []
    for name, distribution in space.items():
        values = uniform({name: distribution}, rng, 40 * n)[0]
        if not isinstance(distribution, CategoricalDistribution):
            values = rng.permutation(np.unique(values))
        rows.append(values[:n])
    return np.array(rows)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2, 24, 25, 26, 150])
def test_log_pdf_of_one_parameter_equals_optunas(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    space = {name: KINDS[name]}
    ours, theirs = log_pdfs(space, distinct_rows(space, rng, n), uniform(space, rng, 50))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n", [0, 1, 5, 40, 180])
def test_log_pdf_of_a_mixed_space_equals_optunas(n: int) -> None:
    rng = np.random.default_rng(n)
    observations = distinct_rows(KINDS, rng, n)
    points = np.concatenate([uniform(KINDS, rng, 30), observations[:, :5]], axis=1)
    ours, theirs = log_pdfs(KINDS, observations, points)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", COARSE)
@pytest.mark.parametrize("n", [3, 24])
def test_log_pdf_with_ties_equals_optunas(name: str, n: int) -> None:
    rng = np.random.default_rng(n)  # below 25 observations all weigh the same, so that ties cannot matter
    space = {name: COARSE[name]}
    ours, theirs = log_pdfs(space, uniform(space, rng, n), uniform(space, rng, 20))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_kernels_of_more_than_one_block_are_all_summed() -> None:
    rng = np.random.default_rng(3)
    space = {"cat": KINDS["cat"], "float": KINDS["float"], "log": KINDS["log"]}
    ours, theirs = log_pdfs(space, distinct_rows(space, rng, 2500), uniform(space, rng, 10))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_two_observations_give_the_closed_form_of_truncated_normals() -> None:
    space = {"x": FloatDistribution(0.0, 10.0)}
    x = np.array([0.5, 3.0, 9.0])
    kernels = [(2.0, 4.0), (6.0, 4.0), (5.0, 10.0)]  # gaps 4 to each other; the prior
    mixture = [stats.truncnorm(-m / s, (10 - m) / s, loc=m, scale=s).pdf(x) for m, s in kernels]
    ours = ParzenEstimator.fit(Axes.of(space), np.array([[2.0, 6.0]])).log_pdf(x[None])
    np.testing.assert_allclose(ours, np.log(np.mean(mixture, axis=0)), rtol=1e-10)


@pytest.mark.parametrize("name", COARSE)
def test_probabilities_of_a_grid_sum_to_one(name: str) -> None:
    space = {name: COARSE[name]}
    observations = uniform(space, np.random.default_rng(0), 60)
    grid = np.unique(uniform(space, np.random.default_rng(1), 3000))
    mass = np.exp(ParzenEstimator.fit(Axes.of(space), observations).log_pdf(grid[None]))
    assert mass.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["cat", *COARSE])
def test_draws_follow_the_density_on_finite_parameters(name: str) -> None:
    space = {name: COARSE.get(name, KINDS[name])}
    estimator = ParzenEstimator.fit(Axes.of(space), uniform(space, np.random.default_rng(0), 12))
    values, counts = np.unique(estimator.sample(np.random.default_rng(1), 5000)[0], return_counts=True)
    expected = 5000 * np.exp(estimator.log_pdf(values[None]))
    assert expected.sum() == pytest.approx(5000)
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def test_joint_draws_follow_the_same_distribution_as_optunas() -> None:
    """Two-sample KS tests of every column and of a sum of columns, each at level 1e-3, fixed seeds."""
    observations = distinct_rows(KINDS, np.random.default_rng(5), 30)
    ours = ParzenEstimator.fit(Axes.of(KINDS), observations).sample(np.random.default_rng(1), 3000)
    drawn = optunas(KINDS, observations).sample(np.random.RandomState(2), 3000)
    theirs = np.array([drawn[name] for name in KINDS])
    for a, b in zip(ours, theirs, strict=True):
        assert stats.ks_2samp(a, b).pvalue > 1e-3
    spread = theirs.std(axis=1)[:, None]
    assert stats.ks_2samp((ours / spread).sum(axis=0), (theirs / spread).sum(axis=0)).pvalue > 1e-3


def test_observations_far_outside_of_the_domain_leave_the_density_finite() -> None:
    space = {"x": FloatDistribution(0.0, 1e-3), "lr": FloatDistribution(1e-5, 1.0, log=True)}
    far = np.array([[1e9, -4.0, 5e-4, np.inf], [0.0, 1e-2, 100.0, 1e-5]])
    estimator = ParzenEstimator.fit(Axes.of(space), far)
    drawn = estimator.sample(np.random.default_rng(0), 500)
    assert np.isfinite(estimator.log_pdf(drawn)).all()
    assert ((drawn >= [[0.0], [1e-5]]) & (drawn <= [[1e-3], [1.0]])).all()


def test_huge_integer_ranges_leave_the_density_finite() -> None:
    space = {"seed": IntDistribution(0, 2**32 - 1), "big": IntDistribution(1, 2**53, log=True)}
    estimator = ParzenEstimator.fit(Axes.of(space), uniform(space, np.random.default_rng(0), 200))
    assert np.isfinite(estimator.log_pdf(uniform(space, np.random.default_rng(1), 200))).all()


@pytest.mark.parametrize("n", [0, 1, 24, 25, 26, 100])
def test_age_weights_are_optunas(n: int) -> None:
    np.testing.assert_array_equal(age_weights(n), default_weights(n))


def test_stable_argsort_equals_numpys_stable_sort() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.integers(0, 9, (3, 500)).astype(float), rng.random((2, 500))])
    order, ranked = stable_argsort(rows)
    np.testing.assert_array_equal(order, np.argsort(rows, axis=1, kind="stable"))
    np.testing.assert_array_equal(ranked, np.sort(rows, axis=1))
