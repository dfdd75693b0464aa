"""Trials whose process has died are failed and enqueued again, as Optuna does it, by either library."""

import datetime as dt
import math
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings

import optuna
import pytest
import sqlalchemy as sa

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import (
    InMemoryStorage,
    RDBStorage,
    RetryFailedTrialCallback,
    RetryHeartbeatStaleTrialCallback,
    fail_stale_trials,
)
from raystudy.storages.tables import trial_heartbeats

optuna.logging.set_verbosity(optuna.logging.ERROR)
pytestmark = [
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed:UserWarning"),
]

HEARTBEATS = {"heartbeat_interval": 60, "grace_period": 100}


@pytest.fixture
def open_both(make_url):
    """A function that opens a new database twice: by us and by Optuna, each with its own callback."""
    opened = []

    def open_(make_callback=lambda module: None):
        url = make_url()
        opened.append(RDBStorage(url, **HEARTBEATS, heartbeat_stale_trial_callback=make_callback(raystudy)))
        callback = make_callback(optuna)
        theirs = optuna.storages.RDBStorage(url, **HEARTBEATS, heartbeat_stale_trial_callback=callback)
        opened.append(theirs)
        return opened[-2:]

    yield open_
    for storage in opened:
        storage.engine.dispose()


def age(storage, seconds):
    """Make all heartbeats older."""
    with storage.engine.begin() as connection:
        for row in connection.execute(sa.select(trial_heartbeats)).all():
            older = sa.update(trial_heartbeats).where(trial_heartbeats.c.trial_id == row.trial_id)
            connection.execute(older.values(heartbeat=row.heartbeat - dt.timedelta(seconds=seconds)))


def write_trials(theirs):
    """A study of Optuna with running trials, all but the last of which have a heartbeat."""
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(study_name="s", storage=theirs, sampler=sampler)
    for number in range(4):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("n", number)
        trial.storage.set_trial_system_attr(trial._trial_id, "completed_rung_0", 0.5)
        trial.report(math.inf, 0)
        if number < 3:
            theirs.record_heartbeat(trial._trial_id)
    study.tell(2, 0.5)
    return study


def as_rows(storage):
    names = ("number", "values", "params", "user_attrs", "system_attrs", "intermediate_values")
    trials = storage.get_all_trials(storage.get_study_id_from_name("s"))
    return [[t.state.name, *(tidy(getattr(t, name)) for name in names)] for t in trials]


def tidy(value):
    return repr(sorted(value.items()) if isinstance(value, dict) else value)


def retry(**options):
    return lambda module: module.storages.RetryHeartbeatStaleTrialCallback(**options)


@pytest.mark.parametrize(("max_retry", "inherit"), [(None, False), (1, True)])
def test_we_fail_and_retry_the_trials_that_optuna_would(open_both, max_retry, inherit):
    make_callback = retry(max_retry=max_retry, inherit_intermediate_values=inherit)
    results = []
    for is_ours in (True, False):
        ours, theirs = open_both(make_callback)
        study = write_trials(theirs)
        fail = fail_stale_trials if is_ours else optuna.storages.fail_stale_trials
        judge = raystudy.load_study(study_name="s", storage=ours) if is_ours else study
        fail(judge)
        assert [row[0] for row in as_rows(ours)] == ["RUNNING", "RUNNING", "COMPLETE", "RUNNING"]
        age(ours, 101)
        fail(judge)
        fail(judge)
        results.append(as_rows(ours))
        retries = ours.get_all_trials(1)[4:]
        assert [t.params for t in retries] == [t.params for t in ours.get_all_trials(1)[:2]]
        assert as_rows(theirs) == as_rows(ours)
    assert results[0] == results[1]
    assert [row[0] for row in results[0]] == ["FAIL", "FAIL", "COMPLETE", "RUNNING", "WAITING", "WAITING"]


def test_a_series_of_retries_is_told_and_ends(open_both):
    ours, _ = open_both(retry(max_retry=2))
    study = raystudy.create_study(study_name="s", storage=ours)
    for _ in range(4):
        trial = study.ask()
        ours.record_heartbeat(trial._trial_id)
        ours.record_heartbeat(trial._trial_id)
        age(ours, 101)
        fail_stale_trials(study)
    trials = study.trials
    told = [RetryHeartbeatStaleTrialCallback.retried_trial_number(trial) for trial in trials]
    assert told == [None, 0, 0, None, 3]
    told = [RetryHeartbeatStaleTrialCallback.retry_history(trial) for trial in trials]
    assert told == [[], [0], [0, 1], [], [3]]
    assert [trial.state.name for trial in trials] == ["FAIL", "FAIL", "FAIL", "FAIL", "WAITING"]


def test_a_retried_trial_is_run_with_its_parameters_by_either_library(open_both):
    ours, theirs = open_both(retry())
    study = raystudy.create_study(
        study_name="s", storage=ours, sampler=raystudy.samplers.RandomSampler(seed=1)
    )
    for ask in (study.ask, optuna.load_study(study_name="s", storage=theirs).ask):
        first = study.ask()
        value = first.suggest_float("x", 0, 1)
        ours.record_heartbeat(first._trial_id)
        age(ours, 101)
        fail_stale_trials(study)
        second = ask()
        assert second.suggest_float("x", 0, 1) == value
        study.tell(second.number, 1.0)


def test_attributes_of_our_driver_do_not_pass_to_the_retry(open_both):
    ours, _ = open_both(retry())
    study = raystudy.create_study(study_name="s", storage=ours)
    trial = study.ask()
    ours.set_trial_system_attr(trial._trial_id, "raystudy:call", "gone")
    ours.record_heartbeat(trial._trial_id)
    age(ours, 101)
    fail_stale_trials(study)
    assert study.trials[1].system_attrs == {"failed_trial": 0, "retry_history": [0]}


def test_optuna_fails_the_trials_for_which_we_have_recorded_heartbeats(open_both):
    ours, theirs = open_both()
    study = raystudy.create_study(study_name="s", storage=ours)
    trials = [study.ask() for _ in range(2)]
    ours.record_heartbeat(trials[0]._trial_id)
    judge = optuna.load_study(study_name="s", storage=theirs)
    optuna.storages.fail_stale_trials(judge)
    assert [trial.state.name for trial in study.trials] == ["RUNNING", "RUNNING"]
    age(ours, 101)
    optuna.storages.fail_stale_trials(judge)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "RUNNING"]


def test_without_a_grace_period_twice_the_interval_counts(make_url):
    storage = RDBStorage(make_url(), heartbeat_interval=10)
    study = raystudy.create_study(storage=storage)
    storage.record_heartbeat(study.ask()._trial_id)
    for seconds, state in ((18, TrialState.RUNNING), (3, TrialState.FAIL)):
        age(storage, seconds)
        fail_stale_trials(study)
        assert study.trials[0].state is state
    storage.close()


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
def test_without_heartbeats_nothing_is_looked_for(storage, tmp_path):
    storage = InMemoryStorage() if storage == "memory" else RDBStorage(f"sqlite:///{tmp_path}/s.db")
    study = raystudy.create_study(storage=storage)
    study.ask()
    fail_stale_trials(study)
    assert study.trials[0].state is TrialState.RUNNING
    storage.close()


def test_optimize_fails_the_dead_trials_of_others_and_runs_them_again(open_both):
    ours, theirs = open_both(retry())
    dead = optuna.create_study(study_name="s", storage=theirs).ask()
    value = dead.suggest_float("x", 0, 1)
    theirs.record_heartbeat(dead._trial_id)
    age(ours, 101)
    study = raystudy.load_study(study_name="s", storage=ours)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2, show_progress_bar=False)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].values == [value]


WORKER = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
import optuna
storage = optuna.storages.RDBStorage(sys.argv[1], heartbeat_interval=1)
study = optuna.create_study(study_name="s", storage=storage)
def objective(trial):
    trial.suggest_float("x", 0, 1)
    print("running", flush=True)
    sys.stdin.read()
study.optimize(objective, n_trials=1)
"""


def test_the_trial_of_a_killed_optuna_worker_is_failed_and_retried(tmp_path):
    url = f"sqlite:///{tmp_path}/killed.db"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", WORKER, url], **pipes) as worker:
        assert worker.stdout.readline() == b"running\n"
        storage = RDBStorage(url, heartbeat_interval=1, heartbeat_stale_trial_callback=retry()(raystudy))
        study = raystudy.load_study(study_name="s", storage=storage)
        fail_stale_trials(study)
        assert study.trials[0].state is TrialState.RUNNING
        os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while study.trials[0].state is TrialState.RUNNING and time.monotonic() < deadline:
        fail_stale_trials(study)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "WAITING"]
    assert study.trials[1].params == study.trials[0].params
    storage.close()


def test_wrong_arguments_are_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    for name in ("heartbeat_interval", "grace_period"):
        with pytest.raises(ValueError, match=f"positive number of seconds as {name}, got 0"):
            RDBStorage(url, **{name: 0})
    both = {"heartbeat_stale_trial_callback": print, "failed_trial_callback": print}
    with pytest.raises(ValueError, match="got both"):
        RDBStorage(url, **both)


def test_the_old_names_work_and_warn_at_the_callers_line(tmp_path):
    with pytest.warns(FutureWarning, match="use RetryHeartbeatStaleTrialCallback") as said:
        callback = RetryFailedTrialCallback(max_retry=3)
    with pytest.warns(FutureWarning, match="use heartbeat_stale_trial_callback") as also:
        storage = RDBStorage(f"sqlite:///{tmp_path}/s.db", failed_trial_callback=callback)
    assert said[0].filename == also[0].filename == __file__
    assert storage.failed_trial_callback is storage.get_failed_trial_callback() is callback
    storage.close()


def test_a_pickled_storage_keeps_its_arguments(tmp_path):
    callback = RetryHeartbeatStaleTrialCallback(max_retry=3)
    storage = RDBStorage(
        f"sqlite:///{tmp_path}/s.db", {"echo": False}, True, **HEARTBEATS, failed_trial_callback=None,
        heartbeat_stale_trial_callback=callback, skip_table_creation=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = pickle.loads(pickle.dumps(storage))
    assert (copy.heartbeat_interval, copy.grace_period) == (60, 100)
    assert copy.skip_compatibility_check
    assert copy.heartbeat_stale_trial_callback._max_retry == 3
    copy.close()
    storage.close()


def test_tables_are_not_created_where_that_is_not_wanted(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    with pytest.raises(raystudy.exceptions.StorageUnavailable, match="found none"):
        RDBStorage(url, skip_table_creation=True)
    RDBStorage(url, None, True, skip_table_creation=True).close()
    RDBStorage(url).close()
    storage = RDBStorage(url, skip_table_creation=True)
    assert storage.create_study("s", [StudyDirection.MINIMIZE]) == 1
    assert FloatDistribution(0, 1).contains(0.5)
    storage.close()
