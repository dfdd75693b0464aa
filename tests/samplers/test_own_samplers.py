"""Samplers that users write with Optuna's hooks: the same classes run in Optuna and here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import optuna
import pytest

import raystudy
from tests.samplers.own_samplers import (
    annealing,
    asked,
    counting,
    eavesdropping,
    independent,
    objective,
    run,
    story,
    wrapping,
)

optuna.logging.set_verbosity(optuna.logging.CRITICAL)


@pytest.mark.parametrize("make", [annealing, independent, counting])
@pytest.mark.parametrize("search", [run, asked])
def test_a_sampler_written_for_optuna_proposes_the_same_after_the_import_change(
    make: Any, search: Any
) -> None:
    theirs, ours = (search(lib.create_study(sampler=make(lib))) for lib in (optuna, raystudy))
    assert story(ours) == story(theirs)
    assert len({str(t.params) for t in ours.trials}) > 10


@pytest.mark.parametrize("lib", [optuna, raystudy])
def test_a_sampler_may_delegate_to_one_of_the_library(lib: Any) -> None:
    study = run(lib.create_study(sampler=wrapping(lib)))
    for trial in study.trials[2::3]:
        before = [t for t in study.trials[: trial.number] if t.values]
        best = min(before, key=lambda t: t.value)
        assert trial.params["x"] == best.params["x"]
    assert len({t.params["x"] for t in study.trials}) >= 13


@pytest.mark.parametrize("lib", [optuna, raystudy])
def test_a_counter_in_attributes_goes_on_when_the_study_is_opened_again(lib: Any, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    run(lib.create_study(storage=url, study_name="s", sampler=counting(lib)), n_trials=10)
    study = run(lib.load_study(storage=url, study_name="s", sampler=counting(lib)), n_trials=10)
    assert story(study) == story(run(lib.create_study(sampler=counting(lib))))
    assert [t.system_attrs["mine:generation"] for t in study.trials] == [n // 4 for n in range(20)]


@pytest.mark.parametrize("lib", [optuna, raystudy])
def test_two_programs_that_ask_share_a_counter(lib: Any, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    lib.create_study(storage=url, study_name="s")
    studies = [lib.load_study(storage=url, study_name="s", sampler=counting(lib)) for _ in range(2)]
    for number in range(12):
        trial = studies[number % 2].ask()
        studies[number % 2].tell(trial, trial.suggest_float("x", -5.0, 5.0))
    assert [t.system_attrs["mine:generation"] for t in studies[0].trials] == [n // 4 for n in range(12)]


@pytest.mark.parametrize("search", [run, asked])
def test_hooks_see_what_they_see_in_optuna(search: Any) -> None:
    heard: dict[str, list[Any]] = {"optuna": [], "raystudy": []}
    for lib in (optuna, raystudy):
        study = lib.create_study(study_name="s", sampler=eavesdropping(lib, heard[lib.__name__]))
        study.set_user_attr("owner", "me")
        study.enqueue_trial({"kind": "b"})
        search(study, 8)
    assert heard["raystudy"] == heard["optuna"]
    assert Counter(each[0] for each in heard["raystudy"])["after"] == 8


def test_hooks_run_once_per_trial_and_one_at_a_time_with_many_jobs() -> None:
    heard: list[Any] = []
    run(raystudy.create_study(sampler=eavesdropping(raystudy, heard)), n_trials=24, n_jobs=4)
    for hook in ("before", "infer", "relative", "after"):
        assert sorted(each[4] for each in heard if each[0] == hook) == list(range(24))


def test_an_interrupted_trial_goes_on_with_what_was_drawn_for_it() -> None:
    def interrupted(trial: Any) -> float:
        if trial.number == 3 and trial.attempt == 1:
            raise KeyboardInterrupt
        return objective(trial)

    def heard_of_3() -> list[Any]:
        return [each[0] for each in heard if each[4] == 3]

    heard: list[Any] = []
    study = raystudy.create_study(sampler=eavesdropping(raystudy, heard))
    with pytest.raises(KeyboardInterrupt):
        run(study, n_trials=5, func=interrupted)
    assert heard_of_3() == ["before", "infer", "relative"]
    run(study, n_trials=2, func=interrupted)
    assert heard_of_3() == ["before", "infer", "relative", "independent", "independent", "after"]
    assert study.trials[3].params == {"x": 0.3, "kind": "a", "depth": 3}
