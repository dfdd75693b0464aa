from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import CmaEsSampler
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

optuna.logging.set_verbosity(optuna.logging.WARNING)

Objective = Callable[[dict[str, ParamValue]], float]
X = FloatDistribution(0.0, 1.0)
CUBE: dict[str, Distribution] = {f"x{i}": FloatDistribution(-5.0, 5.0) for i in range(5)}
MIXED: dict[str, Distribution] = {
    "depth": IntDistribution(1, 9),
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "rate": FloatDistribution(0.0, 0.9, step=0.3),
    "units": IntDistribution(8, 1024, log=True),
    "x": FloatDistribution(-1.0, 1.0),
}
KINDS = [{}, {"use_separable_cma": True}, {"with_margin": True}, {"lr_adapt": True}, {"popsize": 2}]


def sphere(params: dict[str, ParamValue]) -> float:
    return sum((params[name] - 1.0) ** 2 for name in params)


def ellipsoid(params: dict[str, ParamValue]) -> float:
    return sum(10 ** (3 * i / 4) * (params[name] - 1.0) ** 2 for i, name in enumerate(sorted(params)))


def corner(params: dict[str, ParamValue]) -> float:
    return params["x"] + math.log(params["lr"]) + params["depth"] + math.log(params["units"]) + params["rate"]


def ask(
    sampler: CmaEsSampler, history: History, space: dict[str, Distribution], seed: int = 0
) -> dict[str, ParamValue]:
    """Propose as a driver does, and record the trial as pending."""
    number = len(history)
    joint = sampler.joint_space(history)
    params = sampler.propose(joint, history, generator(seed, number)) if joint else {}
    history.update(number, TrialState.RUNNING, params, dict(joint))
    params = {name: params[name] for name in space if name in params}
    for name in space.keys() - params.keys():
        params[name] = sampler.sample(name, space[name], history, generator(seed, number, name))
    history.update(number, TrialState.RUNNING, params, space)
    return params


def searched(
    sampler: CmaEsSampler,
    space: dict[str, Distribution],
    loss: Objective,
    n: int,
    direction: StudyDirection = StudyDirection.MINIMIZE,
    seed: int = 0,
) -> History:
    history = History([direction])
    for number in range(n):
        params = ask(sampler, history, space, seed)
        history.update(number, TrialState.COMPLETE, params, space, [loss(params)])
    return history


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("sign", [1, -1])
def test_proposals_lie_in_the_space_and_reach_its_corners(options: dict, sign: int) -> None:
    history = searched(CmaEsSampler(**options), MIXED, lambda params: sign * corner(params), 150)
    for name, distribution in MIXED.items():
        assert all(distribution.contains(value) for value in history.column(name)), name
    best = 1.0 if sign > 0 else 9.0
    assert best in history.column("depth") or "popsize" in options
    assert history.values[-20:].mean() < history.values[:20].mean() - 1


@pytest.mark.parametrize("options", KINDS)
def test_what_is_remembered_changes_no_proposal(options: dict) -> None:
    """Trials end in any order, fail, and change after they were told; a sampler without memory proposes the same."""
    rng, worn = np.random.default_rng(3), CmaEsSampler(consider_pruned_trials=True, **options)
    history, pending = History([StudyDirection.MINIMIZE]), {}
    for number in range(90):
        pending[number] = ask(worn, history, MIXED)
        while len(pending) > 6:
            chosen = int(rng.choice(list(pending)))
            params = pending[chosen]
            event, loss = rng.choice(["fail", "wait", "end", "end"]), corner(params)
            if event == "wait":
                history.update(chosen, TrialState.RUNNING, params, MIXED, observed=(number, loss + number))
                continue
            del pending[chosen]
            if event == "fail":
                history.update(chosen, TrialState.FAIL, params, MIXED)
            else:
                history.update(chosen, TrialState.COMPLETE, params, MIXED, [loss])
        if number % 5 == 0 and set(worn.joint_space(history)) == set(MIXED):
            fresh = CmaEsSampler(consider_pruned_trials=True, **options)
            expected = fresh.propose(MIXED, history, generator(1, number))
            assert worn.propose(MIXED, history, generator(1, number)) == expected


def test_a_study_interrupted_at_any_trial_goes_on_from_sqlite_as_if_nothing_had_been(tmp_path) -> None:
    def objective(trial: raystudy.Trial) -> float:
        params = {name: trial.suggest_float(name, -5, 5) for name in ("x", "y", "z")}
        if trial.number == stop_at[0]:
            stop_at[0] = -1
            raise KeyboardInterrupt
        return ellipsoid({**params, "n": trial.suggest_int("n", 1, 9)})

    def params_of(url: str, stop: int) -> list[dict[str, ParamValue]]:
        stop_at[0] = stop
        study = raystudy.create_study(
            study_name="s", storage=url, sampler=CmaEsSampler(seed=5, with_margin=True)
        )
        options = {"n_trials": 24, "show_progress_bar": False, "executor": "inline"}
        if stop >= 0:
            with pytest.raises(KeyboardInterrupt):
                study.optimize(objective, **options)
            study = raystudy.load_study(study_name="s", storage=url)
            options["n_trials"] = 24 - stop
        study.optimize(objective, **options)
        return [trial.params for trial in study.trials]

    stop_at = [-1]
    undisturbed = params_of(f"sqlite:///{tmp_path}/whole.db", -1)
    assert len(undisturbed) == 24
    for stop in range(1, 24, 3):
        assert params_of(f"sqlite:///{tmp_path}/{stop}.db", stop) == undisturbed


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("losses", [[math.nan], [math.inf], [-math.inf, math.inf, 1e308, math.nan], [0.0]])
def test_losses_that_say_nothing_leave_proposals_in_the_space(options: dict, losses: list[float]) -> None:
    given = iter(losses * 200)
    history = searched(CmaEsSampler(**options), MIXED, lambda _: next(given), 100)
    for name, distribution in MIXED.items():
        assert all(distribution.contains(value) for value in history.column(name))


def test_a_nan_counts_as_the_worst() -> None:
    def lost(params: dict[str, ParamValue]) -> float:
        return math.nan if params["x0"] < 0 else sphere(params)

    history = searched(CmaEsSampler(), CUBE, lost, 200)
    assert (history.column("x0")[-40:] > 0).all()


@pytest.mark.parametrize("options", KINDS)
def test_a_search_goes_on_long_after_it_has_converged(options: dict) -> None:
    if options.get("use_separable_cma"):
        options = {**options, "popsize": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the single parameter
        history = searched(CmaEsSampler(**options), {"x": X}, lambda p: abs(p["x"] - 0.3), 700)
    assert history.column("x")[-5:] == pytest.approx([0.3] * 5, abs=0.05)


def test_single_valued_parameters_are_kept_and_nobody_is_warned(caplog) -> None:
    space = {**MIXED, "one": IntDistribution(4, 4), "only": CategoricalDistribution(("a",))}
    history = searched(CmaEsSampler(), space, corner, 30)
    assert set(history.column("one")) == {4.0}
    assert not caplog.records
    only = {name: space[name] for name in ("one", "only")}
    assert CmaEsSampler().propose(only, history, generator(0, 0)) == {"one": 4, "only": "a"}
    assert CmaEsSampler().joint_space(searched(CmaEsSampler(), only, lambda _: 0.0, 5)) == {}


def test_categorical_and_conditional_parameters_are_drawn_independently_and_said_once(caplog) -> None:
    caplog.set_level(logging.WARNING)
    space = {**CUBE, "kind": CategoricalDistribution(("a", "b"))}
    sampler = CmaEsSampler()
    history = searched(sampler, CUBE, sphere, 1)
    assert not caplog.records  # the first trial is drawn independently, as everybody expects
    assert len({ask(sampler, history, space)["kind"] for _ in range(20)}) == 2
    [record] = caplog.records
    assert "'kind'" in record.getMessage()
    assert "RandomSampler" in record.getMessage()
    ask(CmaEsSampler(warn_independent_sampling=False), history, space)
    assert len(caplog.records) == 1


def test_a_space_that_grows_or_shrinks_is_searched_on() -> None:
    sampler, few = CmaEsSampler(warn_independent_sampling=False), {n: CUBE[n] for n in ("x0", "x1")}
    history = searched(sampler, CUBE, sphere, 40)
    for number in range(40, 160):
        params = ask(sampler, history, few)
        history.update(number, TrialState.COMPLETE, params, few, [sphere(params)])
    assert set(sampler.joint_space(history)) == {"x0", "x1"}
    assert abs(history.column("x0")[-10:] - 1).max() < 0.2
    wide = {**few, "x1": FloatDistribution(-50.0, 50.0)}
    for number in range(160, 170):
        params = ask(sampler, history, wide)
        history.update(number, TrialState.COMPLETE, params, wide, [sphere(params)])
    assert set(sampler.joint_space(history)) == {"x0"}


@pytest.mark.parametrize("options", [{}, {"with_margin": True}])
def test_a_pending_grid_point_is_not_proposed_again_while_others_are_likely(options: dict) -> None:
    space: dict[str, Distribution] = {"a": IntDistribution(0, 9), "b": IntDistribution(0, 9)}
    history = searched(CmaEsSampler(**options), space, lambda p: 0.0, 1)
    drawn = [tuple(ask(CmaEsSampler(**options), history, space).values()) for _ in range(16)]
    assert len(set(drawn)) == 16


def test_pending_trials_count_towards_the_start_up() -> None:
    history = History([StudyDirection.MINIMIZE])
    sampler = CmaEsSampler(n_startup_trials=3)
    for number in range(3):
        assert sampler.joint_space(history) == {}
        history.update(number, TrialState.RUNNING, {"x": 0.5}, {"x": X})
    assert set(sampler.joint_space(history)) == {"x"}


def test_pruned_trials_count_if_they_are_to() -> None:
    def learned(consider: bool) -> float:
        history = History([StudyDirection.MAXIMIZE])
        sampler = CmaEsSampler(consider_pruned_trials=consider)
        for number in range(80):
            x = sampler.propose({"x": X}, history, generator(0, number))["x"]
            state = TrialState.PRUNED if number % 2 else TrialState.RUNNING  # pruned, or waiting at a rung
            history.update(number, state, {"x": x}, {"x": X}, observed=(2, -abs(x - 0.9)))
        return float(np.abs(history.column("x")[-10:] - 0.9).max())

    assert learned(True) < 0.05
    assert learned(False) > 0.2
