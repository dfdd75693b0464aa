"""Fronts, hypervolume and subset selection against Optuna's functions and against brute force."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from optuna._hypervolume import compute_hypervolume
from optuna._hypervolume.hssp import _solve_hssp
from optuna.study._multi_objective import _fast_non_domination_rank

from raystudy.samplers.pareto import (
    best_subset,
    dominance_ranks,
    hypervolume,
    largest_subset,
    reference_point,
)

shapes = st.tuples(st.integers(1, 12), st.integers(1, 4))
on_grid = shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(0, 4).map(float)))


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def brute_ranks(losses: np.ndarray) -> list[int]:
    ranks, left, rank = [-1] * len(losses), set(range(len(losses))), 0
    while left:
        front = {i for i in left if not any(dominates(losses[j], losses[i]) for j in left)}
        for i in front:
            ranks[i] = rank
        left, rank = left - front, rank + 1
    return ranks


def brute_volume(losses: np.ndarray) -> int:
    """Count the unit cubes of the grid up to 5 that a point dominates."""
    corners = np.array(list(product(range(5), repeat=losses.shape[1])))
    return int((losses[:, None] <= corners[None]).all(axis=2).any(axis=0).sum())


@given(on_grid)
@settings(max_examples=300, deadline=None)
def test_ranks_are_those_of_peeling_off_undominated_points(losses: np.ndarray) -> None:
    assert dominance_ranks(losses).tolist() == brute_ranks(losses)


@given(on_grid, st.integers(1, 12))
@settings(max_examples=200, deadline=None)
def test_ranking_stops_once_enough_points_are_ranked(losses: np.ndarray, enough: int) -> None:
    ranks, whole = dominance_ranks(losses, enough), np.array(brute_ranks(losses))
    last = np.sort(whole)[min(enough, len(whole)) - 1]
    assert ranks.tolist() == np.minimum(whole, last + 1).tolist()


@given(on_grid)
@settings(max_examples=200, deadline=None)
def test_hypervolume_is_the_number_of_unit_cubes_on_a_grid(losses: np.ndarray) -> None:
    assert hypervolume(losses, np.full(losses.shape[1], 5.0)) == pytest.approx(brute_volume(losses))


def test_points_outside_of_the_reference_add_nothing_and_infinity_is_infinite() -> None:
    reference = np.array([1.0, 1.0])
    assert hypervolume(np.array([[0.5, 0.5], [0.0, 1.0], [2.0, -9.0]]), reference) == 0.25
    assert hypervolume(np.array([[0.5, -np.inf]]), reference) == np.inf
    assert hypervolume(np.zeros((1, 2)), np.array([1.0, np.inf])) == np.inf
    assert hypervolume(np.empty((0, 2)), reference) == 0.0


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_fronts_and_volumes_of_random_points_are_optunas(k: int) -> None:
    rng = np.random.default_rng(k)
    for n in (1, 7, 40):
        losses, reference = rng.normal(size=(n, k)), np.full(k, 4.0)
        assert dominance_ranks(losses).tolist() == _fast_non_domination_rank(losses).tolist()
        theirs = compute_hypervolume(losses, reference) if k > 1 else 4.0 - losses.min()
        assert hypervolume(losses, reference) == pytest.approx(theirs, rel=1e-12)


def front_of(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    losses = np.abs(rng.normal(size=(n, k)))
    return losses / np.linalg.norm(losses, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_chosen_subset_is_optunas(k: int) -> None:
    rng = np.random.default_rng(k)
    for n, count in ((5, 1), (12, 5), (60, 20)):
        losses = -front_of(rng, n, k)
        losses[n // 2] = losses[0]
        reference = reference_point(losses)
        theirs = _solve_hssp(losses, np.arange(n), count, reference)
        assert sorted(largest_subset(losses, count, reference).tolist()) == sorted(theirs.tolist())


@pytest.mark.parametrize("k", [2, 3])
def test_the_greedy_subset_covers_most_of_what_the_best_one_does(k: int) -> None:
    losses = -front_of(np.random.default_rng(0), 10, k)
    reference = np.zeros(k)
    best = max(hypervolume(losses[list(each)], reference) for each in combinations(range(10), 4))
    greedy = hypervolume(losses[largest_subset(losses, 4, reference)], reference)
    assert (1 - 1 / np.e) * best <= greedy <= best + 1e-12


@pytest.mark.parametrize("k", [2, 3, 4])
def test_what_reaches_infinity_is_chosen_first(k: int) -> None:
    losses = -front_of(np.random.default_rng(0), 9, k)
    losses[4, 0] = losses[6, 1] = -np.inf
    assert {4, 6} <= set(largest_subset(losses, 3, np.zeros(k)).tolist())
    losses[2] = np.inf
    assert len(best_subset(losses, 5)) == 5


@given(on_grid, st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_no_point_that_is_left_out_dominates_a_chosen_one(losses: np.ndarray, count: int) -> None:
    chosen = best_subset(losses, count).tolist()
    assert len(set(chosen)) == len(chosen) == min(count, len(losses))
    ranks = brute_ranks(losses)
    assert [ranks[i] for i in sorted(chosen, key=lambda i: ranks[i])] == sorted(ranks)[: len(chosen)]
