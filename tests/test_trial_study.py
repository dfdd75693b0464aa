"""What an objective can reach through its trial: the study and its storage."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import optuna
import pytest

import raystudy
from raystudy.frozen import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)


def looking(trial: Any) -> float:
    """An objective that looks at its study, as callbacks of integrations do; it runs with Optuna as well."""
    x = trial.suggest_float("x", 0, 1)
    study, storage = trial.study, trial.storage
    finished = [each.number for each in study.get_trials(deepcopy=False) if each.state.is_finished()]
    storage.set_trial_system_attr(trial._trial_id, "mine:seen", len(finished))
    attrs = storage.get_trial_system_attrs(trial._trial_id)
    trial.set_user_attr("seen", attrs["mine:seen"])
    trial.set_user_attr("name", study.study_name)
    trial.set_user_attr("directions", [int(direction) for direction in study.directions])
    trial.set_user_attr("number", storage.get_trial(trial._trial_id).number)
    trial.set_user_attr("drawn", sorted(trial.relative_params))
    if trial.number == 1:
        study.set_user_attr("team", "harbor")
        trial.set_user_attr("best", study.best_value)
    if trial.number == 2:
        study.stop()
    return float(x)


@pytest.mark.parametrize("library", [optuna, raystudy], ids=["optuna", "raystudy"])
def test_an_objective_looks_at_its_study(library: Any, tmp_path: Path) -> None:
    study = library.create_study(
        storage=f"sqlite:///{tmp_path / 'a.db'}", study_name="s", sampler=library.samplers.TPESampler(seed=1)
    )
    options = {"executor": "inline", "show_progress_bar": False} if library is raystudy else {}
    study.optimize(looking, n_trials=9, **options)
    check(study, n_trials=3)


def check(study: Any, n_trials: int) -> None:
    """Check what ``looking`` has noted."""
    trials = study.trials
    assert len(trials) == n_trials
    assert [trial.user_attrs["seen"] for trial in trials] == [0, 1, 2]
    assert [trial.user_attrs["number"] for trial in trials] == [0, 1, 2]
    assert {trial.user_attrs["name"] for trial in trials} == {"s"}
    assert trials[0].user_attrs["directions"] == [1]
    assert [trial.system_attrs["mine:seen"] for trial in trials] == [0, 1, 2]
    assert study.user_attrs == {"team": "harbor"}
    assert trials[1].user_attrs["best"] == trials[0].value


def test_the_study_of_an_objective_in_process_is_the_users_own(tmp_path: Path) -> None:
    study = raystudy.create_study()
    seen: list[Any] = []

    def objective(trial: Any) -> float:
        seen.append(trial.study)
        with pytest.raises(RuntimeError):
            trial.study.optimize(objective, n_trials=1)
        return 0.0

    study.optimize(
        objective, n_trials=1, executor="inline", show_progress_bar=False, storage_path=str(tmp_path)
    )
    asked = study.ask()
    assert seen[0] is asked.study is study
    assert asked.storage is study._storage


def test_a_study_can_be_pickled_also_while_it_is_used(tmp_path: Path) -> None:
    study = raystudy.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}", study_name="s")
    study.tell(study.ask(), 1.0)
    copies: list[Any] = []

    def objective(trial: Any) -> float:
        copies.append(pickle.loads(pickle.dumps(trial.study)))
        return 2.0

    study.optimize(
        objective, n_trials=1, executor="inline", show_progress_bar=False, storage_path=str(tmp_path)
    )
    (copied,) = copies
    assert copied.best_value == 1.0
    copied.tell(copied.ask(), state=TrialState.FAIL)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "FAIL"]
