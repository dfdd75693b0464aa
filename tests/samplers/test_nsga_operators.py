"""Crossovers and mutations against the densities of their papers, closed forms, and Optuna's own operators."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from scipy import stats

from raystudy.frozen import StudyDirection
from raystudy.samplers import nsgaii
from raystudy.samplers.nsgaii import (
    BaseCrossover,
    BLXAlphaCrossover,
    PolynomialMutation,
    SBXCrossover,
    SPXCrossover,
    UNDXCrossover,
    UniformCrossover,
    VSBXCrossover,
)
from raystudy.samplers.nsgaii.operators import GeneticStudy

ONE = GeneticStudy((StudyDirection.MINIMIZE,))
TWO = GeneticStudy((StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE))
CROSSOVERS = [
    *(UniformCrossover(), BLXAlphaCrossover(), SPXCrossover(), UNDXCrossover(), SBXCrossover()),
    VSBXCrossover(),
]
N = 4000


def unit(d: int) -> np.ndarray:
    return np.tile([0.0, 1.0], (d, 1))


def children(
    crossover: BaseCrossover, parents: np.ndarray, study: GeneticStudy = ONE, bounds: np.ndarray | None = None
) -> np.ndarray:
    state = np.random.RandomState(1)
    bounds = unit(parents.shape[1]) if bounds is None else bounds
    return np.array([crossover.crossover(parents, state, study, bounds) for _ in range(N)])


def is_from(drawn: np.ndarray, cdf: object) -> bool:
    """Whether a Kolmogorov-Smirnov test at the level 0.001 lets a distribution pass."""
    return bool(stats.kstest(drawn, cdf).pvalue > 1e-3)


def theirs_of(name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return getattr(optuna.samplers.nsgaii, name)(**options)


def test_names_arguments_and_defaults_are_optunas() -> None:
    assert set(nsgaii.__all__) == set(optuna.samplers.nsgaii.__all__)
    for name in set(nsgaii.__all__) - {"BaseCrossover", "BaseMutation"}:
        ours, theirs = (getattr(module, name) for module in (nsgaii, optuna.samplers.nsgaii))
        assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == [
            (p.name, p.default) for p in inspect.signature(theirs).parameters.values()
        ]
        assert getattr(ours, "n_parents", None) == getattr(theirs, "n_parents", None)
        assert str(ours()) == name


@pytest.mark.parametrize("crossover", CROSSOVERS, ids=str)
@pytest.mark.parametrize("d", [1, 7])
def test_equal_random_numbers_make_equal_children_and_others_do_not(crossover: BaseCrossover, d: int) -> None:
    parents = np.random.default_rng(0).random((crossover.n_parents, d))
    one, again, other = (
        [crossover.crossover(parents, state, TWO, unit(d)).tolist() for _ in range(5)]
        for state in map(np.random.RandomState, (1, 1, 2))
    )
    assert one == again
    assert one != other
    assert np.shape(one) == (5, d)


@pytest.mark.parametrize("crossover", CROSSOVERS[:-1], ids=str)
def test_parents_that_are_the_same_have_children_that_are_the_same(crossover: BaseCrossover) -> None:
    parent = np.array([0.2, 0.5, 1.0])
    found = children(crossover, np.tile(parent, (crossover.n_parents, 1)))
    assert found == pytest.approx(np.tile(parent, (N, 1)), abs=1e-9)


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_uniform_crossover_takes_each_parameter_from_the_first_parent_with_its_probability(
    prob: float,
) -> None:
    found = children(UniformCrossover(prob), np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert found.mean(axis=0) == pytest.approx([1.0 - prob] * 3, abs=0.03)
    assert np.cov(found.T)[0, 1] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_blend_crossover_is_uniform_in_the_widened_box(alpha: float) -> None:
    found = children(BLXAlphaCrossover(alpha), np.array([[0.6, 0.5], [0.4, 0.8]]))
    for column, low, width in zip(found.T, (0.4, 0.5), (0.2, 0.3), strict=True):
        assert is_from(column, stats.uniform(low - alpha * width, (1 + 2 * alpha) * width).cdf)
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("epsilon", [None, 1.0])
def test_simplex_crossover_is_uniform_in_the_expanded_triangle(epsilon: float | None) -> None:
    parents = np.array([[0.1, 0.2], [0.5, 0.3], [0.2, 0.9]])
    found = children(SPXCrossover(epsilon), parents)
    factor = 2.0 if epsilon is None else epsilon  # sqrt(2 + 2)
    centre = parents.mean(axis=0)
    corners = centre + factor * (parents - centre)
    # Barycentric coordinates of a uniform point in a triangle are each distributed as the smaller of two.
    weights = np.linalg.solve(np.vstack([corners.T, np.ones(3)]), np.vstack([found.T, np.ones(N)]))
    assert (weights > -1e-9).all()
    for weight in weights:
        assert is_from(weight, stats.beta(1, 2).cdf)
    assert found.mean(axis=0) == pytest.approx(centre, abs=0.02)
    assert np.cov(found.T) == pytest.approx(factor**2 * np.cov(parents.T, bias=True) / 4, abs=5e-3)


@pytest.mark.parametrize("d", [2, 5])
def test_unimodal_normal_crossover_is_normal_along_the_line_and_beside_it(d: int) -> None:
    parents = np.random.default_rng(d).random((3, d))
    found = children(UNDXCrossover(), parents) - (parents[0] + parents[1]) / 2
    along = parents[1] - parents[0]
    length = np.linalg.norm(along)
    line = along / length
    assert is_from(found @ line, stats.norm(0, 0.5 * length).cdf)
    off = parents[2] - parents[0]
    distance = np.linalg.norm(off - (off @ line) * line)
    beside = np.linalg.svd(along[None])[2][1:]  # an orthonormal basis
    for direction in beside:
        assert is_from(found @ direction, stats.norm(0, 0.35 / np.sqrt(d) * distance).cdf)


def test_unimodal_normal_crossover_of_one_parameter_needs_no_third_parent() -> None:
    found = children(UNDXCrossover(sigma_xi=0.1), np.array([[0.2], [0.6], [0.9]]))
    assert is_from(found[:, 0], stats.norm(0.4, 0.04).cdf)


def spread_cdf(beta: np.ndarray, eta: float) -> np.ndarray:
    """Deb and Agrawal (1995), equations 7 and 8, integrated."""
    beta = np.maximum(beta, 1e-12)
    return np.where(beta <= 1, 0.5 * beta ** (eta + 1), 1 - 0.5 / beta ** (eta + 1))


@pytest.mark.parametrize(
    ("eta", "study", "index"), [(None, ONE, 2.0), (None, TWO, 20.0), (0.0, ONE, 0.0), (5.0, TWO, 5.0)]
)
def test_simulated_binary_crossover_spreads_children_by_the_papers_density(
    eta: float | None, study: GeneticStudy, index: float
) -> None:
    wide = np.array([[-1e9, 1e9]])
    found = children(SBXCrossover(eta, use_child_gene_prob=1.0), np.array([[2.0], [1.0]]), study, wide)[:, 0]
    assert is_from(np.abs(found - 1.5) / 0.5, lambda beta: spread_cdf(beta, index))
    assert np.mean(found > 1.5) == pytest.approx(0.5, abs=0.03)


def test_at_an_end_of_the_domain_its_density_is_cut_off() -> None:
    found = children(SBXCrossover(1.0, use_child_gene_prob=1.0), np.array([[0.2], [0.4]]))[:, 0]
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    for side, most in ((found[found < 0.3], 3.0), (found[found > 0.3], 7.0)):
        assert is_from(
            np.abs(side - 0.3) / 0.1, lambda b, most=most: spread_cdf(b, 1.0) / spread_cdf(most, 1.0)
        )


@pytest.mark.parametrize(
    "name", ["SBXCrossover", "VSBXCrossover", "BLXAlphaCrossover", "SPXCrossover", "UniformCrossover"]
)
def test_children_are_distributed_as_those_of_optuna(name: str) -> None:
    ours, theirs = getattr(nsgaii, name)(), theirs_of(name)
    parents = np.array([[0.2, 0.7], [0.4, 0.1], [0.9, 0.3]])[: ours.n_parents]
    found, expected = children(ours, parents), children(theirs, parents)
    for direction in ([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]):
        assert stats.ks_2samp(found @ direction, expected @ direction).pvalue > 1e-3


@pytest.mark.parametrize("crossover", [SBXCrossover, VSBXCrossover])
def test_parameters_that_are_not_crossed_are_those_of_a_parent(crossover: type) -> None:
    found = children(crossover(use_child_gene_prob=0.2), np.array([[0.2, 0.7], [0.4, 0.1]]))
    is_parents = np.isin(found, [0.2, 0.7, 0.4, 0.1])
    assert is_parents.mean() == pytest.approx(0.8, abs=0.03)
    one_sided = children(
        crossover(uniform_crossover_prob=0.0, use_child_gene_prob=1e-9), np.array([[0.0, 0.0], [1.0, 1.0]])
    )
    assert (one_sided[:, 0] == one_sided[:, 1]).all()


def mutated_cdf(x: np.ndarray, parent: float, eta: float) -> np.ndarray:
    """Half of the mass on either side, its density falling as (1 - step)^eta up to the end of the unit interval."""
    down = lambda step: (1 - (1 - step) ** (eta + 1)) / (1 - (1 - parent) ** (eta + 1))  # noqa: E731
    up = lambda step: (1 - (1 - step) ** (eta + 1)) / (1 - parent ** (eta + 1))  # noqa: E731
    low, high = np.clip(parent - x, 0, parent), np.clip(x - parent, 0, 1 - parent)
    return np.where(x < parent, 0.5 - 0.5 * down(low), 0.5 + 0.5 * up(high))


@pytest.mark.parametrize("eta", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("parent", [0.05, 0.5, 0.9])
def test_polynomial_mutation_has_the_papers_density_inside_of_the_domain(eta: float, parent: float) -> None:
    state, mutation, bounds = np.random.RandomState(0), PolynomialMutation(eta), np.array([2.0, 4.0])
    found = np.array([mutation.mutation(2.0 + 2.0 * parent, state, ONE, bounds) for _ in range(N)])
    assert is_from((found - 2.0) / 2.0, lambda x: mutated_cdf(x, parent, eta))
    assert ((found >= 2.0) & (found <= 4.0)).all()


def test_polynomial_mutation_is_optunas() -> None:
    ours, theirs = PolynomialMutation(7.0), theirs_of("PolynomialMutation", eta=7.0)
    for seed in range(50):
        given = [
            np.random.RandomState(seed).random_sample(),
            np.random.RandomState(seed),
            TWO,
            np.array([0.0, 1.0]),
        ]
        expected = theirs.mutation(*given)
        given[1] = np.random.RandomState(seed)
        assert ours.mutation(*given) == pytest.approx(expected, abs=1e-12)
    assert ours.mutation(0.0, np.random.RandomState(0), ONE, np.array([0.0, 0.0])) == 0.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: UniformCrossover(1.5),
        lambda: SBXCrossover(eta=-1.0),
        lambda: SBXCrossover(uniform_crossover_prob=2.0),
        lambda: SBXCrossover(use_child_gene_prob=0.0),
        lambda: VSBXCrossover(eta=float("nan")),
        lambda: PolynomialMutation(-0.1),
    ],
)
def test_an_argument_out_of_range_is_refused_with_the_value(make) -> None:
    with pytest.raises(ValueError, match=r": need .* got "):
        make()
