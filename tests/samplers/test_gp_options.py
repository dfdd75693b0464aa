"""GPSampler with constraints, with several objectives, with failed trials and with pending ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import raystudy
from raystudy.distributions import Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers import GPSampler, RandomSampler
from raystudy.samplers.history import History
from raystudy.samplers.lies import Liar
from raystudy.samplers.pareto import hypervolume
from raystudy.samplers.seeding import generator
from raystudy.trial import Trial

X = FloatDistribution(0.0, 1.0)
LINE: dict[str, Distribution] = {"x": X}
SQUARE: dict[str, Distribution] = {"x": X, "y": X}
MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def propose(history: History, sampler: GPSampler | None = None, seed: int = 0) -> dict[str, float]:
    chosen = sampler or GPSampler()
    space = chosen.joint_space(history)
    return chosen.propose(space, history, generator(seed, len(history)))


def on_a_line(xs: np.ndarray, values: Callable[[float], list[float]], c: Callable[[float], dict]) -> History:
    history = History([MINIMIZE] * len(values(0.5)))
    for number, x in enumerate(xs.tolist()):
        history.update(number, TrialState.COMPLETE, {"x": x}, LINE, values(x), constraints=c(x))
    return history


def test_the_best_point_that_meets_all_constraints_is_proposed() -> None:
    """The value falls towards 0; one constraint allows x >= 0.5, the other one, on another scale, x <= 0.8."""
    history = on_a_line(
        np.linspace(0.02, 0.98, 25), lambda x: [x], lambda x: {"low": 0.5 - x, "high": 1e4 * (x - 0.8)}
    )
    assert 0.49 < propose(history)["x"] < 0.56


def test_while_nothing_is_feasible_the_likeliest_point_to_be_is_proposed() -> None:
    history = on_a_line(np.linspace(0.02, 0.4, 12), lambda x: [x], lambda x: {"c": 0.5 - x})
    assert propose(history)["x"] > 0.45


def test_two_constraints_that_exclude_each_other_at_the_trials_so_far_are_weighed_one_by_one() -> None:
    """Each trial violates one of them; their sum, which is the same everywhere, would lead nowhere."""
    xs = np.concatenate([np.linspace(0.0, 0.3, 8), np.linspace(0.7, 1.0, 8)])
    history = on_a_line(xs, lambda _: [0.0], lambda x: {"a": 0.45 - x, "b": x - 0.55})
    assert 0.4 < propose(history)["x"] < 0.6


def test_a_constraint_that_some_trials_lack_or_whose_values_are_infinite_or_alike_breaks_nothing() -> None:
    for of in (
        lambda x: {"c": 0.5 - x} if x > 0.3 else {},
        lambda x: {"c": math.inf if x < 0.5 else -math.inf},
        lambda x: {"c": 1.0},
        lambda x: {"c": -1.0},
        lambda x: {"c": 0.0},
        lambda x: {"c": float(x < 0.5)},
    ):
        assert 0.0 <= propose(on_a_line(np.linspace(0.02, 0.98, 12), lambda x: [x], of))["x"] <= 1.0
    both = on_a_line(np.linspace(0.02, 0.98, 20), lambda x: [x], lambda x: {"c": float(x < 0.5)})
    assert 0.4 < propose(both)["x"] < 0.7


def test_an_infeasible_trial_is_no_incumbent_but_its_value_counts() -> None:
    """Infeasible trials alone show that the value is least near 0.5, where both regions meet."""
    history = on_a_line(
        np.concatenate([np.linspace(0.0, 0.45, 10), np.linspace(0.9, 1.0, 3)]),
        lambda x: [abs(x - 0.5)],
        lambda x: {"c": 0.5 - x},
    )
    assert 0.5 < propose(history)["x"] < 0.65


def test_constraints_are_minded_in_a_study_and_after_it_was_opened_again(tmp_path) -> None:
    def objective(trial: Trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        trial.set_constraint("circle", 0.5 - x * x - y * y)
        trial.set_constraint("half", x - 0.6)
        return x + y

    url = f"sqlite:///{tmp_path / 'study.db'}"
    whole = raystudy.create_study(sampler=GPSampler(seed=1))
    whole.optimize(objective, n_trials=25, show_progress_bar=False)
    begun = raystudy.create_study(study_name="s", storage=url, sampler=GPSampler(seed=1))
    begun.optimize(objective, n_trials=15, show_progress_bar=False)
    raystudy.load_study(study_name="s", storage=url).optimize(objective, n_trials=10, show_progress_bar=False)
    again = raystudy.load_study(study_name="s", storage=url)
    assert [t.params for t in again.trials] == [t.params for t in whole.trials]
    assert whole.best_trial.value < math.sqrt(0.5) + 0.03


def test_constraints_func_is_called_and_deprecated_as_in_optuna() -> None:
    def constraints(trial: FrozenTrial) -> tuple[float]:
        return (0.5 - trial.params["x"],)

    with pytest.warns(FutureWarning, match="constraints_func is deprecated"):
        sampler = GPSampler(seed=0, n_startup_trials=6, constraints_func=constraints)
    study = raystudy.create_study(sampler=sampler)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=14, show_progress_bar=False)
    assert 0.5 <= study.best_value < 0.52
    assert "constraints_func" not in sampler.spec()


def two_spheres(params: dict) -> list[float]:
    x, y = params["x"], params["y"]
    return [(x - 0.2) ** 2 + (y - 0.3) ** 2, (x - 0.8) ** 2 + (y - 0.6) ** 2]


def search(
    directions: list[StudyDirection],
    of: Callable[[dict], list[float]],
    n: int,
    sampler: GPSampler | None,
    seed: int,
) -> History:
    history = History(directions)
    for number in range(n):
        drawn = RandomSampler() if sampler is None or number < 10 else sampler
        params = drawn.propose(SQUARE, history, generator(seed, number))
        history.update(number, TrialState.COMPLETE, params, SQUARE, of(params))
    return history


def test_a_front_of_two_objectives_is_covered_far_better_than_at_random() -> None:
    reference, gaps = np.ones(2), []
    # On the line between both centres, f1 = t^2 D and f2 = (1 - t)^2 D; the area beyond the front by fine steps.
    t = np.linspace(0, 1, 2001)
    ideal = hypervolume(np.stack([t**2, (1 - t) ** 2], axis=1) * 0.45, reference)
    for sampler in (GPSampler(), None):
        found = search([MINIMIZE, MINIMIZE], two_spheres, 30, sampler, seed=1)
        gaps.append(ideal - hypervolume(np.array(found.values), reference))
    assert 0 < gaps[0] < 0.25 * gaps[1]


def test_directions_may_differ_and_mirrored_objectives_give_the_same_proposals() -> None:
    plain = search([MINIMIZE, MINIMIZE], two_spheres, 14, None, seed=2)
    mirrored = search(
        [MINIMIZE, MAXIMIZE], lambda p: [two_spheres(p)[0], -two_spheres(p)[1]], 14, None, seed=2
    )
    assert propose(plain) == propose(mirrored)


@pytest.mark.parametrize("k", [3, 4])
def test_more_objectives_pending_trials_and_constraints_go_together(k: int) -> None:
    history = History([MINIMIZE] * k)
    for number in range(25):
        params = RandomSampler().propose(SQUARE, history, generator(0, number))
        values = [(params["x"] - at / k) ** 2 + params["y"] for at in range(k)]
        history.update(
            number, TrialState.COMPLETE, params, SQUARE, values, constraints={"c": 0.3 - params["y"]}
        )
    for _ in range(3):
        params = propose(history)
        assert 0.25 < params["y"] < 0.6
        history.update(len(history), TrialState.RUNNING, params, SQUARE)
    assert len(set(history.column("x")[-3:].tolist())) == 3


def test_objectives_that_are_infinite_equal_or_one_like_the_other_give_proposals() -> None:
    for of in (
        lambda p: [math.inf, p["x"]],
        lambda p: [1.0, 1.0],
        lambda p: [p["x"], p["x"]],
        lambda p: [p["x"], -math.inf if p["x"] < 0.3 else 1e300],
    ):
        assert SQUARE.keys() == propose(search([MINIMIZE, MINIMIZE], of, 12, None, seed=0)).keys()


@pytest.mark.parametrize("n_objectives", [1, 2])
def test_a_region_of_40_percent_that_always_fails_is_hardly_visited_after_60_trials(
    n_objectives: int,
) -> None:
    """The best values would be in it, and those outside of it lie at its border."""
    history, sampler, visits = History([MINIMIZE] * n_objectives), GPSampler(), 0
    for number in range(100):
        drawn = sampler if sampler.joint_space(history) else RandomSampler()
        params = drawn.propose(SQUARE, history, generator(0, number))
        if fails := params["x"] < 0.4:
            history.update(number, TrialState.FAIL, params, SQUARE)
        else:
            values = [
                (params["x"] - 0.2) ** 2 + (params["y"] - 0.5 - at / 4) ** 2 for at in range(n_objectives)
            ]
            history.update(number, TrialState.COMPLETE, params, SQUARE, values)
        visits += fails and number >= 60
    assert visits < 0.1 * 40


def test_failures_are_learned_from_unless_it_is_wished_otherwise() -> None:
    xs = np.concatenate([np.linspace(0.0, 0.28, 9), np.linspace(0.7, 1.0, 9)])
    history = on_a_line(xs, lambda x: [(x - 0.5) ** 2], lambda x: {})
    for number in range(18, 38):
        history.update(number, TrialState.FAIL, {"x": 0.3 + 0.02 * (number - 18)}, LINE)
    assert propose(history, GPSampler(learn_from_failures=False))["x"] == pytest.approx(0.5, abs=0.1)
    assert not 0.3 < propose(history)["x"] < 0.68


def test_accidents_that_can_happen_anywhere_keep_no_search_from_the_optimum() -> None:
    history, luck = History([MINIMIZE]), np.random.default_rng(0)
    for number in range(60):
        drawn = GPSampler() if number >= 15 else RandomSampler()
        params = drawn.propose(SQUARE, history, generator(0, number))
        if luck.random() < 0.2:
            history.update(number, TrialState.FAIL, params, SQUARE)
        else:
            value = (params["x"] - 0.3) ** 2 + (params["y"] - 0.6) ** 2
            history.update(number, TrialState.COMPLETE, params, SQUARE, [value])
    assert np.nanmin(history.values) < 1e-4


@pytest.mark.parametrize("liar", ["worst", "mean", "best", "believer"])
def test_each_liar_keeps_64_pending_trials_apart_in_a_finite_space(liar: Liar) -> None:
    space: dict[str, Distribution] = {"a": IntDistribution(0, 9), "b": IntDistribution(0, 99)}
    history = History([MINIMIZE])
    for number in range(12):
        params = RandomSampler().propose(space, history, generator(0, number))
        history.update(number, TrialState.COMPLETE, params, space, [params["a"] + abs(params["b"] - 40) / 10])
    sampler = GPSampler(liar=liar)
    for number in range(12, 76):
        params = sampler.propose(space, history, generator(0, number))
        history.update(number, TrialState.RUNNING, params, space)
    points = {*zip(history.column("a").tolist(), history.column("b").tolist(), strict=True)}
    assert len(points) == 76


def test_the_worst_liar_keeps_away_from_a_pending_trial_and_the_best_one_stays_near() -> None:
    gaps = {}
    for liar in ("worst", "best"):
        history = on_a_line(np.linspace(0.0, 1.0, 12), lambda x: [math.cos(9 * x)], lambda x: {})
        history.update(12, TrialState.RUNNING, propose(history), LINE)
        gaps[liar] = abs(propose(history, GPSampler(liar=liar))["x"] - history.column("x")[12])
    assert gaps["worst"] > 2 * gaps["best"]


def test_what_is_remembered_of_a_proposal_changes_no_other() -> None:
    worn, history = GPSampler(), search([MINIMIZE], lambda p: [p["x"]], 15, None, seed=0)
    for number in range(15, 19):
        params = worn.propose(SQUARE, history, generator(0, number))
        assert params == GPSampler().propose(SQUARE, history, generator(0, number))
        state = TrialState.RUNNING if number < 17 else TrialState.COMPLETE
        history.update(number, state, params, SQUARE, None if number < 17 else [0.1])


def test_a_point_is_found_that_is_left_of_a_finite_space_larger_than_the_pool() -> None:
    space: dict[str, Distribution] = {"a": IntDistribution(0, 29), "b": IntDistribution(0, 29)}
    history = History([MINIMIZE])
    for number in range(899):
        params = {"a": number % 30, "b": number // 30}
        history.update(number, TrialState.COMPLETE, params, space, [float(number)])
    assert propose(history) == {"a": 29, "b": 29}


@pytest.mark.parametrize("seed", [0, 1])
def test_an_optimum_between_two_ends_that_alone_were_tried_is_found(seed: int) -> None:
    """The likeliest model is certain that nothing lies between them, and expects no gain anywhere."""
    space: dict[str, Distribution] = {"x": X, "y": X, "z": X}
    history, rng = History([MINIMIZE]), np.random.default_rng(seed)
    for number in range(45):
        if number < 25:
            params = {"x": rng.random(), "y": float(rng.integers(2)), "z": float(rng.integers(2))}
        else:
            params = GPSampler().propose(space, history, generator(seed, number))
        value = (params["x"] - 0.3) ** 2 + 0.5 * (params["y"] - 0.8) ** 2 + 0.2 * (params["z"] - 0.3) ** 2
        history.update(number, TrialState.COMPLETE, params, space, [value])
    assert history.values[:25].min() > 0.03
    assert history.values.min() < 1e-3
