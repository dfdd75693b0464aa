from __future__ import annotations

import logging
import math
from dataclasses import fields

import numpy as np
import optuna
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import GPSampler, RandomSampler, Sampler, TPESampler, sampler_from_spec
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator
from raystudy.trial import Trial
from tests.samplers import helpers
from tests.samplers.helpers import X, ask, is_inside

MIXED = {**helpers.MIXED, "step": FloatDistribution(0.0, 0.9, step=0.3)}


def filled(n: int, space: dict[str, Distribution] = MIXED, seed: int = 0) -> History:
    return helpers.filled(n, space, seed)


def test_the_number_of_blas_threads_does_not_change_a_proposal_nor_is_it_changed() -> None:
    history, found = filled(150), []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            before = threadpool_info()
            found.append(ask(GPSampler(), history))
            assert threadpool_info() == before
    assert found[0] == found[1]


def test_maximising_the_negative_gives_the_same_proposal() -> None:
    history = filled(20)
    mirrored = History([StudyDirection.MAXIMIZE])
    for number in range(20):
        params = {n: d.to_external_repr(float(history.column(n)[number])) for n, d in MIXED.items()}
        mirrored.update(number, TrialState.COMPLETE, params, MIXED, [-float(history.values[number, 0])])
    assert ask(GPSampler(), mirrored) == ask(GPSampler(), history)


def test_the_start_up_is_independent_and_counts_pending_trials_but_needs_observed_ones() -> None:
    space: dict[str, Distribution] = {"x": X}
    history = filled(4, space)
    for number in range(4, 20):
        history.update(number, TrialState.RUNNING, {"x": number / 20}, space)
    assert GPSampler().joint_space(history) == {}
    history.update(4, TrialState.COMPLETE, {"x": 0.2}, space, [1.0])
    assert GPSampler().joint_space(history) == space
    assert GPSampler(n_startup_trials=21).joint_space(history) == {}
    assert GPSampler(n_startup_trials=0).propose(space, History([StudyDirection.MINIMIZE]), generator(0, 0))
    drawn = [s.sample("x", X, filled(5, space), generator(0, 5)) for s in (GPSampler(), RandomSampler())]
    assert drawn[0] == drawn[1]


def objective(trial: Trial) -> float:
    x, kind = trial.suggest_float("x", -5, 5), trial.suggest_categorical("kind", ["a", "b"])
    return (x - 1) ** 2 + (kind == "a") + 0.1 * trial.suggest_int("k", 1, 30, log=True)


@pytest.mark.parametrize("independent", [None, RandomSampler(), TPESampler(n_startup_trials=3)])
def test_the_arguments_are_restored_from_their_spec(independent: Sampler | None) -> None:
    sampler = GPSampler(
        seed=7, independent_sampler=independent, n_startup_trials=4, deterministic_objective=True,
        warn_independent_sampling=False, liar="mean", learn_from_failures=False,
    )  # fmt: skip
    assert sampler_from_spec(sampler.spec()) == sampler


@pytest.mark.parametrize("special", [math.inf, -math.inf])
def test_a_trial_with_an_infinite_value_does_not_break_the_model(special: float) -> None:
    history, space = filled(12, {"x": X}), {"x": X}
    history.update(12, TrialState.COMPLETE, {"x": 0.5}, space, [special])
    assert is_inside(ask(GPSampler(), history), space)


def test_all_values_infinite_or_all_equal_still_give_proposals() -> None:
    space: dict[str, Distribution] = {"x": X, "k": IntDistribution(0, 3)}
    for value in (math.inf, -math.inf, 0.0, 1e300):
        history = History([StudyDirection.MINIMIZE])
        for number in range(12):
            params = RandomSampler().propose(space, history, generator(0, number))
            history.update(number, TrialState.COMPLETE, params, space, [value])
        assert is_inside(ask(GPSampler(), history), space)


def test_pruned_trials_count_by_their_standing_and_one_without_any_value_as_bad() -> None:
    """All good trials were stopped early near 0.8; a model of complete trials alone would not look there."""
    space: dict[str, Distribution] = {"x": X}
    history = History([StudyDirection.MINIMIZE])
    for number in range(30):
        x = (number + 0.5) / 30
        curve = {1: abs(x - 0.8), 2: abs(x - 0.8)}
        if number % 3:
            history.update(number, TrialState.PRUNED, {"x": x}, space, None, (1, curve[1]), {1: curve[1]})
        else:
            history.update(number, TrialState.COMPLETE, {"x": x}, space, [curve[2]], None, curve)
    history.update(30, TrialState.PRUNED, {"x": 0.05}, space, None, (1, math.nan), {1: math.nan})
    assert abs(ask(GPSampler(), history)["x"] - 0.8) < 0.1


def test_a_space_of_single_values_needs_no_model() -> None:
    space: dict[str, Distribution] = {"one": CategoricalDistribution(("only",)), "two": IntDistribution(2, 2)}
    history = History([StudyDirection.MINIMIZE])
    for number in range(12):
        history.update(number, TrialState.COMPLETE, {"one": "only", "two": 2}, space, [1.0])
    assert ask(GPSampler(), history) == {"one": "only", "two": 2}


def test_values_outside_of_the_domain_do_not_break_the_model() -> None:
    history, space = filled(12, {"x": X}), {"x": X}
    history.update(12, TrialState.COMPLETE, {"x": -1e300}, space, [-5.0])
    assert is_inside(ask(GPSampler(), history), space)


def test_branches_are_drawn_by_the_tpe_of_their_own_trials_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    history, branch = filled(10, {"x": X}), {"x": X, "y": X}
    for number in range(10, 40):
        y = (number - 10) / 30
        history.update(number, TrialState.COMPLETE, {"x": 0.5, "y": y}, branch, [abs(y - 0.7)])
    assert set(GPSampler().joint_space(history)) == {"x"}
    with caplog.at_level(logging.WARNING, "raystudy"):
        drawn = [GPSampler().sample("y", X, history, generator(0, i, "y")) for i in range(30)]
    assert abs(np.median(drawn) - 0.7) < 0.1
    assert "parameter=y on its own" in caplog.text
    caplog.clear()
    quiet = GPSampler(independent_sampler=RandomSampler(), warn_independent_sampling=False)
    assert quiet.sample("y", X, history, generator(0, 1, "y")) == RandomSampler().sample(
        "y", X, history, generator(0, 1, "y")
    )
    assert not caplog.text


def conditional(trial: Trial) -> float:
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return abs(trial.suggest_float("u", 0, 1) - 0.5) + 1
    grown = 1 + trial.number // 10
    return abs(trial.suggest_float("v", 0, grown) - 0.5) + 0.1 * trial.suggest_int("w", 1, 3)


def test_conditional_and_growing_spaces_are_searched_to_the_end() -> None:
    study = raystudy.create_study(
        sampler=GPSampler(seed=0, n_startup_trials=5, warn_independent_sampling=False)
    )
    study.optimize(conditional, n_trials=25, show_progress_bar=False)
    assert len(study.trials) == 25
    assert study.best_value < 0.5


@pytest.mark.parametrize("finite", [False, True])
def test_100_asks_without_a_tell_give_100_proposals(finite: bool) -> None:
    space: dict[str, Distribution] = {
        "a": IntDistribution(0, 4),
        "b": CategoricalDistribution(("u", "v", "w", "x")),
        "c": IntDistribution(1, 6) if finite else FloatDistribution(1e-3, 1.0, log=True),
    }
    history = History([StudyDirection.MINIMIZE])
    for number in range(10):
        params = {"a": number % 5, "b": "uvwx"[number % 4], "c": 1}
        history.update(number, TrialState.COMPLETE, params, space, [float(number)])
    asked = [tuple(ask(GPSampler(), history, record=True).values()) for _ in range(100)]
    assert len(set(asked)) == 100


def test_a_space_that_is_used_up_is_proposed_from_again() -> None:
    space: dict[str, Distribution] = {"a": IntDistribution(0, 2), "b": CategoricalDistribution(("u", "v"))}
    history = History([StudyDirection.MINIMIZE])
    for number in range(3):
        history.update(number, TrialState.COMPLETE, {"a": number, "b": "u"}, space, [1.0])
    sampler = GPSampler(n_startup_trials=3)
    first = {tuple(ask(sampler, history, record=True).values()) for _ in range(3)}
    assert first == {(0, "v"), (1, "v"), (2, "v")}
    assert is_inside(ask(sampler, history), space)


def test_a_pending_trial_keeps_the_next_proposal_away() -> None:
    history, space = filled(12, {"x": X, "y": X}), {"x": X, "y": X}
    alone = ask(GPSampler(), history)
    history.update(12, TrialState.RUNNING, alone, space)
    history.update(13, TrialState.FAIL, {}, {})
    beside = GPSampler().propose(space, history, generator(0, 12))
    assert math.dist(alone.values(), beside.values()) > 0.01


def test_more_trials_than_are_modelled_give_a_proposal_near_the_best() -> None:
    history = filled(700, {"x": X, "y": X})
    assert sum(ask(GPSampler(), history).values()) < 0.2


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="n_startup_trials >= 0, got -1"):
        GPSampler(n_startup_trials=-1)
    with pytest.raises(ValueError, match="liar needs one of"):
        GPSampler(liar="good")  # type: ignore[arg-type]


def test_arguments_and_defaults_are_optunas_and_three_of_our_own() -> None:
    theirs = optuna.samplers.GPSampler.__init__.__kwdefaults__
    ours = {each.name: getattr(GPSampler(), each.name) for each in fields(GPSampler) if each.init}
    own = {"liar": "believer", "learn_from_failures": True, "prepares_ahead": True}
    assert ours == theirs | own


def branin(params: dict[str, ParamValue]) -> float:
    """Its three optima are 0.397887."""
    x, y = params["x"], params["y"]
    root = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return root**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def test_the_optimum_of_branin_is_found_in_40_trials() -> None:
    space: dict[str, Distribution] = {"x": FloatDistribution(-5, 10), "y": FloatDistribution(0, 15)}
    for seed in range(3):
        history = filled(0, space)
        for number in range(40):
            chosen = GPSampler() if number >= 10 else RandomSampler()
            params = chosen.propose(space, history, generator(seed, number))
            history.update(number, TrialState.COMPLETE, params, space, [branin(params)])
        assert history.values.min() < 0.397887 + 0.005
