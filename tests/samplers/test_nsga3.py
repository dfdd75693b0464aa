"""NSGA-III: its directions, normalisation and niches against Optuna's and by hand, and what its users see."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers._nsgaiii import _elite_population_selection_strategy as theirs

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import NSGAIIISampler, sampler_from_spec
from raystudy.samplers.history import History
from raystudy.samplers.niching import (
    even_directions,
    nearest_directions,
    niched_survivors,
    normalised,
)
from raystudy.samplers.nsgaii import SBXCrossover
from raystudy.samplers.seeding import generator

MIN, MAX = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
CUBE = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(5)}


def on_sphere(n: int, k: int, seed: int = 0) -> np.ndarray:
    points = np.abs(np.random.default_rng(seed).normal(size=(n, k)))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_arguments_and_defaults_are_optunas() -> None:
    kinds = (NSGAIIISampler, optuna.samplers.NSGAIIISampler)
    ours, others = (inspect.signature(kind).parameters.values() for kind in kinds)
    assert {p.name: (p.default, p.kind) for p in ours} == {p.name: (p.default, p.kind) for p in others}


@pytest.mark.parametrize(("k", "n_parts"), [(1, 3), (2, 3), (2, 12), (3, 4), (4, 3), (6, 2)])
def test_default_directions_are_all_even_ones_as_optunas(k: int, n_parts: int) -> None:
    directions = even_directions(k, n_parts)
    assert directions.shape == (math.comb(k + n_parts - 1, n_parts), k)
    assert directions.sum(axis=1) == pytest.approx(np.ones(len(directions)))
    expected = theirs._generate_default_reference_point(k, n_parts) / n_parts
    assert np.array(sorted(directions.tolist())) == pytest.approx(np.array(sorted(expected.tolist())))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_normalisation_is_optunas(k: int, seed: int) -> None:
    scales, shift = 10.0 ** np.arange(k), np.arange(k) - 3.0
    losses = on_sphere(60, k, seed) * scales + shift
    assert normalised(losses) == pytest.approx(theirs._normalize_objective_values(losses.copy()))


def test_a_plane_is_normalised_to_the_unit_simplex_whatever_its_scales() -> None:
    plane = even_directions(3, 5) * [2.0, 300.0, 0.01] + [5.0, -7.0, 1.0]
    assert normalised(plane) == pytest.approx(even_directions(3, 5), abs=1e-9)


@pytest.mark.parametrize(
    "losses",
    [
        [[1.0, 1.0]] * 3,
        [[0.0, 1.0], [0.0, 2.0]],
        [[math.inf, 0.0], [0.0, math.inf], [1.0, 1.0]],
        [[-math.inf, math.inf], [math.inf, -math.inf]],
        [[1e308, -1e308], [-1e308, 1e308]],
    ],
)
def test_losses_without_a_plane_are_normalised_to_numbers(losses: list[list[float]]) -> None:
    found = normalised(np.array(losses))
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_nearest_directions_are_those_with_the_smallest_angle_and_optunas(k: int) -> None:
    points, directions = on_sphere(50, k) * 2.0, even_directions(k, 4)
    nearest, distances = nearest_directions(points, directions)
    angles = points @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    assert nearest.tolist() == angles.argmax(axis=1).tolist()
    assert distances**2 == pytest.approx(4.0 - angles.max(axis=1) ** 2, abs=1e-9)
    expected = theirs._associate_individuals_with_reference_points(points, directions)
    assert nearest.tolist() == expected[0].tolist()
    assert distances == pytest.approx(expected[1], abs=1e-9)


def test_each_direction_keeps_the_trial_nearest_to_it_before_any_keeps_two() -> None:
    losses, directions = on_sphere(300, 3), even_directions(3, 3)
    nearest, distances = nearest_directions(normalised(losses), directions)
    survivors = niched_survivors(losses, np.zeros(300), 10, directions, generator(0, 0))
    best = [min(np.flatnonzero(nearest == j), key=lambda at: distances[at]) for j in range(10)]
    assert survivors.tolist() == sorted(best)
    twice = niched_survivors(losses, np.zeros(300), 20, directions, generator(0, 0))
    assert set(survivors) < set(twice)
    assert np.bincount(nearest[twice]).tolist() == [2] * 10


def test_directions_that_the_better_fronts_cover_wait_for_the_others() -> None:
    directions = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    front = np.array([[0.0, 0.5], [0.5, 0.0]])  # at both ends
    behind = np.array([[0.0, 1.0], [0.01, 0.99], [0.52, 0.48], [1.0, 0.0]])
    losses = np.concatenate([behind, front])
    survivors = niched_survivors(losses, np.zeros(6), 3, directions, generator(0, 0))
    assert survivors.tolist() == [2, 4, 5]


def test_infeasible_trials_live_on_behind_all_feasible_ones_by_their_violation() -> None:
    losses = np.concatenate([on_sphere(4, 3) * 9.0, on_sphere(4, 3)])
    violations = np.array([0.0] * 4 + [3.0, 1.0, 2.0, 4.0])
    found = niched_survivors(losses, violations, 6, even_directions(3, 3), generator(0, 0))
    assert found.tolist() == [0, 1, 2, 3, 5, 6]


def ask(sampler: NSGAIIISampler, history: History) -> dict[str, Any]:
    joint, number = dict(sampler.joint_space(history)), len(history)
    params = sampler.propose(joint, history, generator(0, number)) if joint else dict.fromkeys(CUBE, 0.5)
    history.update(number, TrialState.RUNNING, params, CUBE)
    return params


def searched(
    sampler: NSGAIIISampler,
    values: Callable[[dict[str, Any]], list[float]],
    n: int,
    directions: tuple[StudyDirection, ...] = (MIN, MIN, MIN),
) -> History:
    history = History(directions)
    for number in range(n):
        params = ask(sampler, history)
        history.update(number, TrialState.COMPLETE, params, CUBE, values(params))
    return history


def sphere(params: dict[str, Any]) -> list[float]:
    """DTLZ2 (Deb et al., 2005): the front is an eighth of the unit sphere."""
    x = [params[name] for name in CUBE]
    radius, a, b = 1.0 + sum((each - 0.5) ** 2 for each in x[2:]), x[0] * math.pi / 2, x[1] * math.pi / 2
    return [
        radius * math.cos(a) * math.cos(b),
        radius * math.cos(a) * math.sin(b),
        radius * math.sin(a),
    ]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_search_comes_near_to_the_front_in_all_directions(sign: float) -> None:
    direction = MIN if sign > 0 else MAX
    sampler = NSGAIIISampler(population_size=12, mutation_prob=0.1)
    history = searched(sampler, lambda p: [sign * each for each in sphere(p)], 300, (direction,) * 3)
    late = sign * history.values[-60:]
    radii = np.linalg.norm(late, axis=1)
    assert np.median(radii) < 1.06  # uniform draws: 1.25
    elites = np.abs(sampler._memory.generations.newest.losses)
    nearest, _ = nearest_directions(elites, even_directions(3, 3))
    assert len(set(nearest)) >= 8


def test_points_of_the_user_say_where_trials_are_dense() -> None:
    def share(points: Any) -> float:
        sampler = NSGAIIISampler(population_size=12, mutation_prob=0.1, reference_points=points)
        late = searched(sampler, sphere, 240).values[-80:]
        return float(np.mean(late[:, 2] > 0.8 * np.linalg.norm(late, axis=1)))

    assert share(np.array([[0.0, 0.1, 1.0], [0.1, 0.0, 1.0], [0.0, 0.0, 1.0]])) > share(None) + 0.2


def test_what_is_remembered_changes_no_proposal_and_the_niches_depend_on_the_studys_seed() -> None:
    rng, worn, history, pending = (
        np.random.default_rng(1),
        NSGAIIISampler(population_size=6),
        History([MIN] * 3),
        {},
    )
    for number in range(80):
        pending[number] = ask(worn, history)
        while len(pending) > 7:
            chosen = int(rng.choice(list(pending)))
            params = pending.pop(chosen)
            history.update(chosen, TrialState.COMPLETE, params, CUBE, sphere(params))
        if number % 8 == 0:
            fresh = NSGAIIISampler(population_size=6)
            expected = fresh.propose(CUBE, history, generator(1, number))
            assert worn.propose(CUBE, history, generator(1, number)) == expected
    before = worn._memory.generations.newest.numbers.tolist()
    history.seed = 9
    worn.propose(CUBE, history, generator(1, 0))
    assert worn._memory.generations.newest.numbers.tolist() != before


def test_one_objective_and_two_are_searched_as_well() -> None:
    one = searched(NSGAIIISampler(population_size=8), lambda p: [sum(p.values())], 200, (MIN,))
    assert one.values[-40:].mean() < 1.2
    two = searched(NSGAIIISampler(population_size=8), lambda p: [p["x0"], p["x1"]], 200, (MIN, MAX))
    assert two.column("x0")[-40:].mean() < 0.3
    assert two.column("x1")[-40:].mean() > 0.7


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dividing_parameter": 0}, "need dividing_parameter >= 1, got 0"),
        ({"reference_points": [1.0, 2.0]}, "expected reference_points as a table"),
        ({"reference_points": [[1.0, -2.0]]}, "expected reference_points as a table"),
        ({"reference_points": [[0.0, 0.0]]}, "none of them all zero"),
        ({"population_size": 1}, "NSGAIIISampler: need population_size >= 2, got 1"),
    ],
)
def test_a_bad_argument_is_refused_with_what_was_found(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        NSGAIIISampler(**options)


def test_points_for_another_number_of_objectives_are_refused() -> None:
    sampler = NSGAIIISampler(population_size=4, reference_points=[[1.0, 1.0]])
    with pytest.raises(ValueError, match="one number for each of 3 objectives, got 2"):
        searched(sampler, sphere, 6)


def test_a_study_remembers_its_points_and_operators(tmp_path, capfd: pytest.CaptureFixture[str]) -> None:
    sampler = NSGAIIISampler(
        reference_points=np.eye(3), crossover=SBXCrossover(), dividing_parameter=5, seed=2
    )
    assert sampler_from_spec(sampler.spec()) == sampler
    url = f"sqlite:///{tmp_path}/a.db"
    raystudy.create_study(study_name="s", storage=url, sampler=sampler, directions=["minimize"] * 3)
    assert raystudy.load_study(study_name="s", storage=url).sampler == sampler
    assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_the_warning_of_constraints_func_names_the_users_line() -> None:
    with pytest.warns(FutureWarning, match="NSGAIIISampler: constraints_func is deprecated") as caught:
        NSGAIIISampler(constraints_func=lambda _: [0.0])
    assert caught[0].filename == __file__
