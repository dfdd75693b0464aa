"""TPE minds constraints, whoever has stored them, and users may give them as a function, as Optuna's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.assembly import learned_proposer
from raystudy.samplers import PartialFixedSampler, TPESampler
from raystudy.storages import get_storage

Search = Callable[[raystudy.Study, Callable, int], None]


def optimised(study: raystudy.Study, objective: Callable, n_trials: int) -> None:
    study.optimize(objective, n_trials, executor="inline", show_progress_bar=False)


def asked(study: raystudy.Study, objective: Callable, n_trials: int) -> None:
    for _ in range(n_trials):
        trial = study.ask()
        study.tell(trial, objective(trial))


def violating_where_it_is_best(trial: raystudy.Trial) -> float:
    """Better with x; but beyond 0.3 the constraint is violated."""
    x = trial.suggest_float("x", 0.0, 1.0)
    trial.set_constraint("limit", x - 0.3)
    return -x


def only_x(trial: raystudy.Trial) -> float:
    return -trial.suggest_float("x", 0.0, 1.0)


@pytest.mark.parametrize("search", [optimised, asked])
def test_proposals_leave_the_region_that_violates(search: Search) -> None:
    study = raystudy.create_study(sampler=TPESampler(seed=1))
    search(study, violating_where_it_is_best, 60)
    late = [t.params["x"] for t in study.trials[30:]]
    assert np.mean([x > 0.3 for x in late]) < 0.5  # uniform draws: 0.7
    assert 0.27 < study.best_params["x"] <= 0.3


@pytest.mark.parametrize("writer", ["optuna", "raystudy"])
def test_constraints_that_are_stored_count_after_reopening(tmp_path: Path, writer: str) -> None:
    url, library = f"sqlite:///{tmp_path}/a.db", optuna if writer == "optuna" else raystudy
    theirs = library.create_study(study_name="s", storage=url)
    for at in range(4):
        constraints = {"a": at - 1.0, "b": -1.0} if at else {}
        theirs.add_trial(library.trial.create_trial(value=0.0, constraints=constraints))
    storage = get_storage(url)
    study_id = storage.find_study("s") or 0
    columns = storage.read_columns(study_id, system_attrs=["constraints", "constraints:"])
    proposer = learned_proposer(TPESampler(), storage, storage.read_study(study_id), 0, columns)
    assert proposer.history.violations.tolist() == [0.0, 0.0, 1.0, 2.0]
    again = raystudy.create_study()
    for trial in storage.read_trials(study_id):
        again.add_trial(trial)
        proposer.observe(trial)
    assert proposer.history.violations.tolist() == [0.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize("search", [optimised, asked])
def test_the_users_function_is_called_once_with_each_result_and_optuna_reads_what_it_says(
    tmp_path: Path, search: Search
) -> None:
    seen: list[tuple[int, TrialState, list[float] | None]] = []

    def constraints(trial: FrozenTrial) -> tuple[float, float]:
        seen.append((trial.number, trial.state, trial.values))
        return trial.params["x"] - 0.3, -1.0

    url = f"sqlite:///{tmp_path}/a.db"
    with pytest.warns(FutureWarning, match="set_constraint"):
        sampler = TPESampler(seed=1, constraints_func=constraints)
    study = raystudy.create_study(study_name="s", storage=url, sampler=sampler)
    search(study, only_x, 12)
    assert seen == [(t.number, TrialState.COMPLETE, t.values) for t in study.trials]
    assert [t.constraints for t in study.trials] == [
        {"0": t.params["x"] - 0.3, "1": -1.0} for t in study.trials
    ]
    theirs = optuna.load_study(study_name="s", storage=url)
    assert theirs.best_params == study.best_params
    assert [t.constraints for t in theirs.trials] == [t.constraints for t in study.trials]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_pruned_trials_have_constraints_and_failed_ones_have_none() -> None:
    def objective(trial: raystudy.Trial) -> float:
        trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 1:
            raise raystudy.TrialPruned
        if trial.number == 2:
            raise ZeroDivisionError
        return 0.0

    study = raystudy.create_study(sampler=TPESampler(constraints_func=lambda _trial: [1.0]))
    study.optimize(objective, 3, catch=ZeroDivisionError, executor="inline", show_progress_bar=False)
    assert [t.constraints for t in study.trials] == [{"0": 1.0}, {"0": 1.0}, {}]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("search", [optimised, asked])
def test_what_the_users_function_raises_is_raised_and_the_result_is_kept(search: Search) -> None:
    def constraints(trial: FrozenTrial) -> list[float]:
        return [float("nan") if trial.number == 2 else 0.0]

    study = raystudy.create_study(sampler=TPESampler(seed=1, constraints_func=constraints))
    with pytest.raises(ValueError, match="constraint '0': expected a number, got nan"):
        search(study, only_x, 9)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 3
    assert [t.constraints for t in study.trials] == [{"0": 0.0}, {"0": 0.0}, {}]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_function_is_not_stored_and_a_line_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url, sampler = f"sqlite:///{tmp_path}/a.db", TPESampler(seed=1, constraints_func=lambda _trial: [1.0])
    optimised(raystudy.create_study(study_name="s", storage=url, sampler=sampler), only_x, 1)
    assert "as constraints_func cannot be stored" in capfd.readouterr().err
    assert raystudy.load_study(study_name="s", storage=url).sampler == TPESampler(seed=1)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_sampler_around_another_passes_its_function_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inner = TPESampler(seed=1, constraints_func=lambda trial: [trial.params["x"]])
    study = raystudy.create_study(
        storage=f"sqlite:///{tmp_path}/a.db", sampler=PartialFixedSampler({"x": 0.5}, inner)
    )
    optimised(study, only_x, 2)
    assert [t.constraints for t in study.trials] == [{"0": 0.5}] * 2
    assert "as constraints_func cannot be stored" in capfd.readouterr().err
