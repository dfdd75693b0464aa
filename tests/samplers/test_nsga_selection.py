"""Who lives on in a genetic search: fronts, crowding and generations, against Optuna's and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from optuna.samplers.nsgaii._elite_population_selection_strategy import _calc_crowding_distance
from optuna.study._multi_objective import _fast_non_domination_rank
from optuna.trial import create_trial

from raystudy.samplers.generations import Generations, Individuals
from raystudy.samplers.survival import (
    constrained_ranks,
    crowded_survivors,
    crowding_distances,
    fronts_that_fit,
)

shapes = st.tuples(st.integers(1, 14), st.integers(1, 4))
losses_on_grid = shapes.flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(0, 4).map(float))
)


def violations_of(losses: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, len(losses)).astype(float)


def constrained_dominates(losses: np.ndarray, violations: np.ndarray, a: int, b: int) -> bool:
    """Deb et al. (2002), definition 1."""
    if violations[a] == 0.0 == violations[b]:
        return bool((losses[a] <= losses[b]).all() and (losses[a] < losses[b]).any())
    return bool(violations[a] < violations[b])


@given(losses_on_grid, st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_fronts_are_those_of_peeling_off_whom_nobody_dominates(losses: np.ndarray, seed: int) -> None:
    violations = violations_of(losses, seed)
    expected, left, rank = np.zeros(len(losses), int), set(range(len(losses))), 0
    while left:
        front = {i for i in left if not any(constrained_dominates(losses, violations, j, i) for j in left)}
        expected[list(front)] = rank
        left, rank = left - front, rank + 1
    assert constrained_ranks(losses, violations).tolist() == expected.tolist()
    assert _fast_non_domination_rank(losses, penalty=violations).tolist() == expected.tolist()


@given(losses_on_grid, st.integers(0, 99), st.integers(1, 14))
@settings(max_examples=200, deadline=None)
def test_nobody_who_dies_is_on_a_better_front_than_one_who_lives_on(
    losses: np.ndarray, seed: int, count: int
) -> None:
    violations = violations_of(losses, seed)
    survivors = crowded_survivors(losses, violations, count)
    ranks = constrained_ranks(losses, violations)
    dead = np.setdiff1d(np.arange(len(losses)), survivors)
    assert len(survivors) == min(count, len(losses))
    assert (np.diff(survivors) > 0).all()
    assert ranks[survivors].max() <= ranks[dead].min(initial=len(losses))
    whole, last = fronts_that_fit(ranks, count)
    assert set(whole) <= set(survivors) <= set(whole) | set(last)
    assert len(whole) + len(last) >= min(count, len(losses))


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_crowding_distances_are_optunas(m: int, k: int, seed: int) -> None:
    losses = np.random.default_rng(seed).normal(size=(m, k))  # no ties: their order is another one in Optuna
    losses[np.random.default_rng(seed).random((m, k)) < 0.05] = np.inf
    trials = [create_trial(values=row.tolist()) for row in losses]
    for number, trial in enumerate(trials):
        trial.number = number
    theirs = _calc_crowding_distance(list(trials))
    if not any(len(set(column)) < m for column in losses.T):
        assert crowding_distances(losses).tolist() == pytest.approx([theirs[i] for i in range(m)])
    assert not np.isnan(crowding_distances(losses)).any()


def test_the_crowding_distance_of_a_front_by_hand() -> None:
    front = np.array([[0.0, 10.0], [1.0, 6.0], [3.0, 5.0], [10.0, 0.0]])
    distances = crowding_distances(front)
    assert np.isinf(distances[[0, 3]]).all()
    assert distances[1:3].tolist() == pytest.approx([0.3 + 0.5, 0.9 + 0.6])
    assert crowding_distances(np.array([[2.0, 2.0]] * 3)).tolist() == [0.0] * 3
    assert crowding_distances(np.empty((0, 2))).tolist() == []


def test_of_a_front_that_does_not_fit_those_live_on_who_have_room() -> None:
    front = np.array([[0.0, 10.0], [0.1, 9.9], [0.2, 9.8], [5.0, 5.0], [10.0, 0.0]])
    behind = front + 20.0
    survivors = crowded_survivors(np.concatenate([behind, front]), np.zeros(10), 3)
    assert survivors.tolist() == [5, 8, 9]


def test_infeasible_trials_live_on_behind_all_feasible_ones_by_their_violation() -> None:
    losses = np.array([[0.0, 0.0], [5.0, 5.0], [1.0, 1.0], [9.0, 9.0]])
    violations = np.array([2.0, 0.0, 1.0, 0.0])
    assert constrained_ranks(losses, violations).tolist() == [3, 0, 2, 1]
    assert crowded_survivors(losses, violations, 3).tolist() == [1, 2, 3]
    assert constrained_ranks(losses, violations + 1.0).tolist() == [2, 0, 1, 0]


def keep_smallest(at: int, pool: Individuals) -> np.ndarray:
    return np.sort(np.argsort(pool.losses[:, 0], kind="stable")[:3])


def plain_elites(rows: np.ndarray, size: int) -> np.ndarray:
    """The elites from the beginning, by a loop that remembers nothing."""
    elites = rows[:0]
    for begin in range(0, len(rows) // size * size, size):
        pool = np.concatenate([elites, rows[begin : begin + size]])
        elites = pool[keep_smallest(0, Individuals(pool))]
    return elites


def test_generations_that_go_on_from_what_is_remembered_are_those_from_the_beginning() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([np.arange(60), rng.normal(size=60), np.zeros(60)])
    has_ended, generations = np.zeros(60, bool), Generations.of(4, 1)
    for number in rng.permutation(60):
        has_ended[number] = True
        generations = generations.after(rows[has_ended], keep_smallest)
        assert generations.newest.rows.tolist() == plain_elites(rows[has_ended], 4).tolist()
    rows[5, 1] = -9.0  # somebody has changed the database
    assert 5 in generations.after(rows, keep_smallest).newest.numbers


def test_a_new_trial_has_no_old_generation_chosen_again() -> None:
    asked = []

    def select(at: int, pool: Individuals) -> np.ndarray:
        asked.append(at)
        return keep_smallest(at, pool)

    rows = np.column_stack([np.arange(400), np.arange(400), np.zeros(400)]).astype(float)
    generations = Generations.of(4, 1)
    for n in range(401):
        generations = generations.after(rows[:n], select)
    assert asked == list(range(100))
