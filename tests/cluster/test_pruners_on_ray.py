"""Pruners that stop trials, on a real local Ray."""

from pathlib import Path
from typing import Any

import pytest

import raystudy
from raystudy.exceptions import PrunerFailed
from raystudy.pruners import BasePruner, MedianPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import create_trial

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]

N_EPOCHS = 6


def curve(trial: Any) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    for step in range(N_EPOCHS):
        trial.report(x - step, step)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return float(x)


class WorseThanBest(BasePruner):
    """Stops at the second step a trial whose parameter is larger than that of the best complete trial."""

    def __init__(self, allowance: float) -> None:
        self.allowance = allowance

    def prune(self, study: Any, trial: Any) -> bool:
        complete = study.get_trials(states=(raystudy.trial.TrialState.COMPLETE,))
        best = min((t.params["x"] for t in complete), default=1.0)
        return trial.last_step == 1 and bool(trial.params["x"] > best + self.allowance)


class Broken(BasePruner):
    def prune(self, study: Any, trial: Any) -> bool:
        raise KeyError("my column")


def run(tmp_path: Path, executor: str, pruner: Any, n_jobs: int, n_trials: int = 16) -> Any:
    url = f"sqlite:///{tmp_path}/{executor}.db"
    study = raystudy.create_study(
        storage=url, study_name="s", sampler=RandomSampler(seed=3), pruner=pruner, load_if_exists=True
    )
    folder = str(tmp_path / executor)
    study.optimize(curve, n_trials=n_trials, executor=executor, n_jobs=n_jobs, storage_path=folder)
    return study


def contents(study: Any) -> list[Any]:
    return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in study.trials]


@pytest.mark.parametrize("pruner", [MedianPruner(n_startup_trials=3), WorseThanBest(0.05)])
def test_one_worker_stops_the_same_trials_on_ray_as_in_process(tmp_path: Path, pruner: Any) -> None:
    inline, on_ray = (run(tmp_path, executor, pruner, n_jobs=1) for executor in ("inline", "ray"))
    assert contents(on_ray) == contents(inline)
    assert {"COMPLETE", "PRUNED"} == {t.state.name for t in on_ray.trials}


@pytest.mark.parametrize("pruner", [MedianPruner(n_startup_trials=3), WorseThanBest(0.05)])
def test_two_workers_stop_trials_by_what_others_and_earlier_calls_have_done(
    tmp_path: Path, pruner: Any
) -> None:
    study = run(tmp_path, "ray", pruner, n_jobs=2, n_trials=4)
    for _ in range(9):
        study.add_trial(
            create_trial(
                value=-1.0,
                params={"x": 0.0},
                distributions={"x": raystudy.distributions.FloatDistribution(0.0, 1.0)},
                intermediate_values=dict.fromkeys(range(N_EPOCHS), -9.0),
            )
        )
    again = run(tmp_path, "ray", pruner, n_jobs=2, n_trials=4)
    states = [t.state.name for t in again.trials if t.number > 12]
    assert states == ["PRUNED"] * 4


def test_a_pruner_that_raises_ends_the_call_on_ray(tmp_path: Path) -> None:
    with pytest.raises(PrunerFailed, match=r"Broken.prune raised KeyError: 'my column' \(trial \d, step 0\)"):
        run(tmp_path, "ray", Broken(), n_jobs=2)
    study = raystudy.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/ray.db")
    assert {t.state.name for t in study.trials} == {"FAIL"}
