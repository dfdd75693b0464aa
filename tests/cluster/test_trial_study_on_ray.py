from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import raystudy

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]


@pytest.mark.parametrize("in_memory", [False, True])
def test_an_objective_on_ray_looks_at_its_study(in_memory: bool, tmp_path: Path) -> None:
    def looking(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        study, storage = trial.study, trial.storage
        finished = [each.number for each in study.get_trials(deepcopy=False) if each.state.is_finished()]
        storage.set_trial_system_attr(trial._trial_id, "mine:seen", len(finished))
        trial.set_user_attr("seen", storage.get_trial_system_attrs(trial._trial_id)["mine:seen"])
        trial.set_user_attr("name", study.study_name)
        trial.set_user_attr("drawn", sorted(trial.relative_params))
        if trial.number == 1:
            study.set_user_attr("team", "harbor")
            trial.set_user_attr("best", study.best_value)
        if trial.number == 2:
            study.stop()
        return float(x)

    url = None if in_memory else f"sqlite:///{tmp_path / 'a.db'}"
    study = raystudy.create_study(storage=url, study_name="s")
    study.optimize(
        looking, n_trials=9, n_jobs=1, executor="ray", show_progress_bar=False, storage_path=str(tmp_path)
    )
    trials = study.trials
    assert [trial.user_attrs["seen"] for trial in trials] == [0, 1, 2]
    assert {trial.user_attrs["name"] for trial in trials} == {"s"}
    assert trials[1].user_attrs["best"] == trials[0].value
    assert [trial.user_attrs["drawn"] for trial in trials] == [[], ["x"], ["x"]]
    if not in_memory:
        assert study.user_attrs == {"team": "harbor"}
        assert [trial.system_attrs["mine:seen"] for trial in trials] == [0, 1, 2]


def test_what_cannot_be_done_from_another_process_says_so(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        with pytest.raises(RuntimeError, match="another process"):
            trial.study.optimize(lambda trial: 0.0, n_trials=1)
        with pytest.raises(AttributeError):
            trial.study.no_such_name()
        with pytest.raises(RuntimeError, match="objective"):
            _ = trial.study.best_trial
        return 0.0, 1.0  # type: ignore[return-value]

    study = raystudy.create_study(directions=["minimize", "minimize"])
    study.optimize(objective, n_trials=1, executor="ray", show_progress_bar=False, storage_path=str(tmp_path))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"]
