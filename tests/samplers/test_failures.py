"""What is learned from trials that failed: the tree itself, and what TPE makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.samplers.failures import Split, Survival
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

Params = dict[str, ParamValue]
Space = dict[str, Distribution]
X = FloatDistribution(0.0, 1.0)
KIND = CategoricalDistribution(("a", "b", "c"))


def history_of(space: Space, points: list[Params], fails: Callable[[Params], bool]) -> History:
    history = History([StudyDirection.MINIMIZE])
    for number, params in enumerate(points):
        own = {name: space[name] for name in params}
        if fails(params):
            history.update(number, TrialState.FAIL, params, own)
        else:
            history.update(number, TrialState.COMPLETE, params, own, [0.0])
    return history


def random_points(space: Space, n: int, seed: int = 0) -> list[Params]:
    empty = History([StudyDirection.MINIMIZE])
    return [RandomSampler().propose(space, empty, generator(seed, i)) for i in range(n)]


def chances(space: Space, history: History, points: list[Params]) -> np.ndarray:
    survival = Survival.of(space, history)
    assert survival is not None
    internal = [[space[name].to_internal_repr(p[name]) for p in points] for name in space]
    return np.exp(survival.log_chance(np.array(internal, dtype=float)))


def best_split(values: np.ndarray, has_failed: np.ndarray) -> tuple[float, int, float]:
    """Try every threshold of every numeric parameter, one by one."""

    def log_evidence(group: np.ndarray) -> float:
        failed = int(group.sum())
        return float(betaln(failed + 0.5, len(group) - failed + 0.5) - betaln(0.5, 0.5))

    found = []
    for row, column in enumerate(values):
        known, fails = column[~np.isnan(column)], has_failed[~np.isnan(column)]
        levels = np.unique(known)
        for low, high in pairwise(levels):
            gain = log_evidence(fails[known <= low]) + log_evidence(fails[known > low]) - log_evidence(fails)
            found.append((gain - math.log((len(levels) - 1) * len(values)), row, (low + high) / 2))
    return max(found, key=lambda each: each[0])


@pytest.mark.parametrize("seed", range(8))
def test_the_first_split_is_the_best_one_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space: Space = {"i": IntDistribution(0, 9), "x": X, "y": X}
    points = random_points(space, 60, seed)
    for params in points[::7]:
        del params["y"]  # such a trial failed, or was stopped, before it asked for y
    history = history_of(space, points, lambda p: rng.random() < (0.8 if p["x"] < 0.3 or p["i"] > 6 else 0.1))
    columns = np.stack([history.column(name) for name in space])
    gain, row, threshold = best_split(columns, history.states == TrialState.FAIL)
    survival = Survival.of(space, history)
    assert (survival is None) == (gain <= 0.0)
    if survival is not None:
        assert isinstance(survival.root, Split)
        assert survival.root.row == row
        assert survival.root.threshold == pytest.approx(threshold)


def test_a_border_on_a_log_scale_lies_half_way_on_that_scale() -> None:
    space: Space = {"lr": FloatDistribution(1e-6, 1.0, log=True)}
    history = history_of(
        space, [{"lr": 10.0**-k} for k in range(1, 7) for _ in range(4)], lambda p: p["lr"] > 5e-4
    )
    found = chances(space, history, [{"lr": v} for v in (0.9, 3.3e-4, 3.1e-4, 1e-6)])
    assert found[0] == found[1] < 0.1
    assert found[2] == found[3] > 0.9


def test_choices_that_fail_are_split_from_the_others_together() -> None:
    space: Space = {"kind": CategoricalDistribution(tuple(range(12))), "x": X}
    history = history_of(space, random_points(space, 120), lambda p: p["kind"] in (2, 7, 11))
    found = chances(space, history, [{"kind": k, "x": 0.5} for k in range(12)])
    is_low = np.isin(np.arange(12), [2, 7, 11])
    assert (found[is_low] < 0.1).all()
    assert (found[~is_low] > 0.9).all()


def test_a_choice_and_a_range_are_found_together() -> None:
    space: Space = {"kind": KIND, "x": X}
    history = history_of(space, random_points(space, 100), lambda p: p["kind"] == "b" and p["x"] > 0.5)
    found = chances(space, history, [{"kind": k, "x": x} for k in "abc" for x in (0.2, 0.8)])
    assert found[3] < 0.1
    assert (np.delete(found, 3) > 0.9).all()


def test_trials_that_fail_before_they_have_asked_for_all_parameters_count() -> None:
    space: Space = {"x": X, "y": X}
    points = [p if p["x"] > 0.4 else {"x": p["x"]} for p in random_points(space, 40)]
    history = history_of(space, points, lambda p: p["x"] <= 0.4)
    low, high = chances(space, history, [{"x": 0.2, "y": 0.5}, {"x": 0.8, "y": 0.5}])
    assert low < 0.1
    assert high > 0.9


def test_failures_that_the_parameters_do_not_tell_teach_nothing() -> None:
    """The chance of a split where there is nothing to split is small: at most 2 of 40."""
    space: Space = {**{f"x{i}": X for i in range(8)}, "kind": KIND}
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        history = history_of(space, random_points(space, 100, seed), lambda _: rng.random() < 0.1)  # noqa: B023
        found += Survival.of(space, history) is not None
    assert found <= 2


@pytest.mark.parametrize("fails", [lambda p: False, lambda p: True, lambda p: p["x"] == 0.25])
def test_no_failure_or_a_single_one_or_nothing_else_changes_no_proposal(
    fails: Callable[[Params], bool],
) -> None:
    space: Space = {"x": X, "kind": KIND}
    history = history_of(space, [{"x": i / 40, "kind": "abc"[i % 3]} for i in range(40)], fails)
    on, off = (
        [TPESampler(learn_from_failures=learn).propose(space, history, generator(1, i)) for i in range(10)]
        for learn in (True, False)
    )
    assert on == off


def test_a_region_that_was_mended_comes_back() -> None:
    history = History([StudyDirection.MINIMIZE])
    for number in range(1100):
        x = (number % 100) / 100
        state = TrialState.FAIL if number < 100 and x < 0.4 else TrialState.COMPLETE
        history.update(number, state, {"x": x}, {"x": X}, [x] if state is TrialState.COMPLETE else None)
        if number == 99:
            assert Survival.of({"x": X}, history) is not None
    assert Survival.of({"x": X}, history) is None


def cube(d: int) -> Space:
    return {f"x{i:02d}": X for i in range(d)}


def distance(params: Params, to: float) -> float:
    return sum((value - to) ** 2 for name, value in params.items() if name.startswith("x"))


#: Space, the 40 % of it that crash, and where the loss has its minimum: always inside of that region.
REGIONS: dict[str, tuple[Space, Callable[[Params], bool], float]] = {
    "half a space": (cube(5), lambda p: p["x00"] < 0.4, 0.2),
    "an interval": (cube(3), lambda p: 0.3 < p["x01"] < 0.7, 0.5),
    "a corner": (cube(4), lambda p: p["x00"] < 0.632 and p["x01"] < 0.632, 0.4),
    "a choice and a range": (
        {**cube(3), "kind": KIND},
        lambda p: p["kind"] == "c" or (p["kind"] == "b" and p["x00"] < 0.2),
        0.1,
    ),
    "beyond a line": (cube(4), lambda p: p["x00"] + p["x01"] > 1.106, 0.7),
    "half of 20 dimensions": (cube(20), lambda p: p["x07"] < 0.4, 0.3),
}


def search(
    space: Space,
    fails: Callable[[Params], bool],
    loss: Callable[[Params], float],
    *,
    seed: int,
    n_trials: int = 200,
    n_workers: int = 1,
    **options: bool,
) -> tuple[list[bool], float]:
    """Return which proposals fail, and the best loss; each result is known ``n_workers`` proposals later."""
    history, sampler = History([StudyDirection.MINIMIZE]), TPESampler(**options)
    has_failed, best, running = [], math.inf, []
    for number in range(n_trials):
        params = sampler.propose(space, history, generator(seed, number))
        history.update(number, TrialState.RUNNING, params, space)
        running.append((number, params))
        has_failed.append(fails(params))
        if len(running) == n_workers:
            ended, params = running.pop(0)
            if has_failed[ended]:
                history.update(ended, TrialState.FAIL, params, space)
            else:
                best = min(best, loss(params))
                history.update(ended, TrialState.COMPLETE, params, space, [loss(params)])
    return has_failed, best


@pytest.mark.parametrize("n_workers", [1, 8])
@pytest.mark.parametrize("name", REGIONS)
def test_less_than_a_tenth_of_the_proposals_fall_into_a_region_that_crashes(
    name: str, n_workers: int
) -> None:
    """40 % of the space crash, and the best place is in there; after 100 trials, of 100 more."""
    space, fails, best = REGIONS[name]
    n_seeds = (
        5 if name == "beyond a line" else 2
    )  # splits follow a slanting border in steps, some better than others
    shares = [
        np.mean(search(space, fails, lambda p: distance(p, best), seed=s, n_workers=n_workers)[0][100:])
        for s in range(n_seeds)
    ]
    assert np.mean(shares) < 0.1


def test_without_learning_most_proposals_fall_into_it() -> None:
    space, fails, best = REGIONS["half a space"]
    has_failed, _ = search(space, fails, lambda p: distance(p, best), seed=0, learn_from_failures=False)
    assert np.mean(has_failed[100:]) > 0.5


def test_start_up_keeps_away_from_where_trials_have_failed() -> None:
    history = history_of({"x": X}, [{"x": i / 60} for i in range(60)], lambda p: p["x"] < 0.4)
    sampler = TPESampler(n_startup_trials=1000)
    drawn = [sampler.propose({"x": X}, history, generator(0, i))["x"] for i in range(300)]
    assert np.mean([x < 0.4 for x in drawn]) < 0.2
    kept = [(x - 0.4) / 0.6 for x in drawn if x > 0.4]
    assert stats.kstest(kept, "uniform").pvalue > 1e-3


def test_failures_by_chance_cost_nothing() -> None:
    """Every tenth trial fails, wherever it is: at least 3 of 10 paired searches are as good with learning."""
    as_good = 0
    for seed in range(10):
        by_chance = (np.random.default_rng(seed).random(100) < 0.1).tolist()
        losses = []
        for learn in (True, False):
            fate = iter(by_chance)
            _, best = search(
                cube(5),
                lambda _: next(fate),  # noqa: B023
                lambda p: distance(p, 0.6),
                seed=seed,
                n_trials=100,
                learn_from_failures=learn,
            )
            losses.append(best)
        as_good += losses[0] <= losses[1]
    assert as_good >= 3


def test_a_real_study_learns_where_its_objective_raises() -> None:
    def objective(trial: raystudy.Trial) -> float:
        batch = trial.suggest_int("batch", 1, 1024, log=True)
        if batch > 64:  # 40 % of the scale; the model was not built, so no width was asked for
            raise MemoryError
        width = trial.suggest_float("width", 0.0, 1.0)
        return (width - 0.3) ** 2 - math.log(batch)

    study = raystudy.create_study(sampler=TPESampler(seed=3))
    study.optimize(objective, 200, executor="inline", catch=(MemoryError,), show_progress_bar=False)
    has_failed = [trial.state is TrialState.FAIL for trial in study.trials]
    assert any(has_failed[:100])
    assert np.mean(has_failed[100:]) < 0.1
    assert study.best_trial.params["batch"] > 32
