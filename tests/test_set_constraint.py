"""Constraints that a trial sets: stored as Optuna reads them, and minded by ``best_trial``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

import raystudy


def heavy_is_good(trial: raystudy.Trial) -> float:
    """Best where the weight is far above its limit of 1."""
    weight = trial.suggest_float("weight", 0.0, 3.0)
    trial.set_constraint("limit", weight - 1.0)
    trial.set_constraint("floor", -1.0)
    trial.report(-weight, 0)
    return -weight


def searched(url: str | None) -> raystudy.Study:
    study = raystudy.create_study(
        study_name="s", storage=url, sampler=raystudy.samplers.RandomSampler(seed=1)
    )
    study.optimize(heavy_is_good, n_trials=12, executor="inline", show_progress_bar=False)
    return study


def asked(url: str) -> raystudy.Study:
    study = raystudy.create_study(
        study_name="s", storage=url, sampler=raystudy.samplers.RandomSampler(seed=1)
    )
    for _ in range(12):
        trial = study.ask()
        study.tell(trial, heavy_is_good(trial))
    return study


@pytest.mark.parametrize("search", [searched, asked])
def test_the_best_trial_meets_its_constraints_for_us_and_for_optuna(
    tmp_path: Path, search: Callable[[str], raystudy.Study]
) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    study = search(url)
    best = max(t.params["weight"] for t in study.trials if t.params["weight"] <= 1.0)
    assert any(t.params["weight"] > 1.0 for t in study.trials)
    assert study.best_params == {"weight": best}
    assert study.best_trial.constraints == {"limit": best - 1.0, "floor": -1.0}

    theirs = optuna.load_study(study_name="s", storage=url)
    assert theirs.best_params == {"weight": best}
    assert [t.system_attrs["constraints"] for t in theirs.trials] == [
        [t.params["weight"] - 1.0, -1.0] for t in theirs.trials
    ]


def test_without_a_feasible_trial_there_is_no_best_one() -> None:
    study = raystudy.create_study()
    study.add_trial(raystudy.create_trial(value=1.0, constraints={"a": 0.5}))
    with pytest.raises(ValueError, match="meets its constraints"):
        study.best_trial  # noqa: B018
    study.add_trial(raystudy.create_trial(value=2.0, constraints={"a": 0.0}))
    assert study.best_value == 2.0


def test_the_first_value_counts_and_nan_is_refused() -> None:
    trial = raystudy.create_study().ask()
    trial.set_constraint("a", 1)
    with pytest.warns(UserWarning, match="already"):
        trial.set_constraint("a", 2)
    assert trial.constraints == {"a": 1.0}
    with pytest.raises(ValueError, match="nan"):
        trial.set_constraint("b", float("nan"))
    with pytest.raises(TypeError, match="expected a number"):
        trial.set_constraint("b", "much")


def test_an_objective_can_be_called_again_with_its_best_trial() -> None:
    best = searched(None).best_trial
    assert heavy_is_good(best) == best.value
