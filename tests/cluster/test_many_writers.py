"""Several programs on one study: real processes in a small round, and other programs' deeds on Ray."""

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import raystudy
from raystudy.exceptions import StudyDeleted
from raystudy.frozen import TrialState
from raystudy.samplers import RandomSampler
from raystudy.storages.base import FinishTrial
from raystudy.storages.rdb import RDBStorage

SCRIPT = Path(__file__).parents[1] / "many_writers.py"

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400), pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(
    ("database", "executors"),
    [
        ("sqlite", ["inline", "inline"]),
        ("postgresql", ["inline", "inline"]),
        ("postgresql", ["inline", "ray"]),
    ],
)
def test_two_drivers_and_an_optuna_process_share_a_study(database: str, executors: list[str]) -> None:
    command = [sys.executable, str(SCRIPT), "--database", database, "--executors", *executors]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def endless(trial):
    """The first trial reports until it is told to stop, for at most a minute, and leaves a file when it ends."""
    if trial.number > 0:
        return 1.0
    for step in range(1200):
        trial.report(1.0, step)
        if trial.should_prune():
            raise raystudy.TrialPruned
        time.sleep(0.05)
    return 0.0


def in_another_thread(url, act):
    """Do something to the study as another program, once its first trial has been seen to run."""

    def wait_and_act():
        storage = RDBStorage(url)
        while not (trials := storage.read_trials(1)) or trials[0].last_step is None:
            time.sleep(0.1)
        act(storage, trials[0])
        storage.close()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def optimize(study, tmp_path, **options):
    study.optimize(endless, 4, executor="ray", n_jobs=2, storage_path=str(tmp_path), **options)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


@pytest.mark.usefixtures("cluster")
def test_trial_finished_by_another_program_is_stopped_on_ray(url: str, tmp_path: Path, capfd) -> None:
    finished_at, seen = [], []

    def finish(storage, trial):
        write = FinishTrial(trial.trial_id, TrialState.COMPLETE, [-5.0], dt.datetime.now())
        assert not storage.commit(1, [write]).refused
        finished_at.append(time.monotonic())

    study = raystudy.create_study(study_name="a", storage=url, sampler=RandomSampler(1))
    thread = in_another_thread(url, finish)
    optimize(study, tmp_path, callbacks=[lambda _, trial: seen.append((trial.number, trial.value))])
    thread.join()
    assert time.monotonic() - finished_at[0] < 10.0
    assert sorted(seen) == [(0, -5.0), (1, 1.0), (2, 1.0), (3, 1.0)]
    assert [trial.value for trial in study.trials] == [-5.0, 1.0, 1.0, 1.0]
    assert capfd.readouterr().err.count("trial 0 was finished by another program") == 1


@pytest.mark.usefixtures("cluster")
def test_deleted_study_ends_its_call_on_ray_and_leaves_no_task(url: str, tmp_path: Path) -> None:
    import ray

    study = raystudy.create_study(study_name="a", storage=url, sampler=RandomSampler(1))
    deleted_at = []

    def delete(storage, trial):
        storage.delete_study(1)
        deleted_at.append(time.monotonic())

    thread = in_another_thread(url, delete)
    with pytest.raises(StudyDeleted, match="'a' was deleted"):
        optimize(study, tmp_path)
    thread.join()
    assert time.monotonic() - deleted_at[0] < 10.0
    deadline = time.monotonic() + 20
    while ray.available_resources().get("CPU") != ray.cluster_resources()["CPU"]:
        assert time.monotonic() < deadline, "a task still holds a CPU"
        time.sleep(0.2)
