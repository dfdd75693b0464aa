"""Optuna and raystudy see the same study in one database, whichever of them has written it."""

import datetime as dt
import math
import time

import numpy as np
import optuna
import pytest

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages.base import ClaimTrial, CreateTrial, FinishTrial, Report, SetAttrs, SetParams
from raystudy.storages.rdb import RDBStorage

optuna.logging.set_verbosity(optuna.logging.ERROR)

START = dt.datetime(2026, 3, 1, 8, 0, 0, 250000)
SPACE = {
    "lr": (2e-4, FloatDistribution(1e-5, 1e-1, log=True)),
    "drop": (0.3, FloatDistribution(0.0, 0.9, step=0.1)),
    "depth": (3, IntDistribution(1, 9, step=2)),
    "width": (64, IntDistribution(1, 512, log=True)),
    "kind": (None, CategoricalDistribution(("a", 1, True, None, 0.5, math.nan))),
}


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/New_York"])
def timezone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def write_study(storage):
    """A study with every kind of write and every state."""
    study_id = storage.create_study("shared", [StudyDirection.MAXIMIZE])
    storage.set_study_attrs(study_id, {"team": "a", "bad": math.nan}, {"raystudy:sampler": {"name": "tpe"}})
    done = START + dt.timedelta(minutes=2)
    running = [
        CreateTrial(i, TrialState.RUNNING, START, SPACE, {"u": i}, {"raystudy:call": "c"}) for i in range(6)
    ]
    waiting = [CreateTrial(None, TrialState.WAITING, None, system_attrs={"fixed_params": {"lr": 0.01}})] * 2
    ids = [i for i, _ in storage.commit(study_id, running + waiting).created]
    reports = [(0, 0.5), (1, math.nan), (2, math.inf), (3, -math.inf), (10, 0.25)]
    storage.commit(study_id, [Report(trial_id, *report) for trial_id in ids[:4] for report in reports])
    writes = [
        FinishTrial(ids[0], TrialState.COMPLETE, [np.float64(0.1) + 0.2], done),
        FinishTrial(ids[1], TrialState.COMPLETE, [math.inf], done),
        FinishTrial(ids[2], TrialState.PRUNED, [-math.inf], done),
        FinishTrial(ids[3], TrialState.PRUNED, None, done),
        FinishTrial(ids[4], TrialState.FAIL, None, done),
        ClaimTrial(ids[6], START, {"raystudy:call": "c"}),
        SetParams(ids[6], {"lr": (0.01, SPACE["lr"][1])}),
        SetAttrs(ids[6], {"u": {"deep": [1, 2.5, "ü", None]}}, {"s": [math.inf]}),
    ]
    storage.commit(study_id, writes)
    return study_id


def test_optuna_reads_what_we_have_written(theirs, rdb, assert_same_study):
    write_study(rdb)
    assert_same_study(theirs, rdb)
    states = [trial.state.name for trial in rdb.read_trials(rdb.find_study("shared"))]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED", "FAIL", "RUNNING", "RUNNING", "WAITING"]


def test_local_times_agree_in_every_time_zone(timezone, tmp_path, assert_same_study):
    storage = RDBStorage(f"sqlite:///{tmp_path}/zone.db")
    study_id = write_study(storage)
    theirs = optuna.storages.RDBStorage(storage.url)
    assert_same_study(theirs, storage)
    theirs.engine.dispose()
    assert storage.read_trials(study_id)[0].datetime_start == START
    assert storage.read_trials(study_id)[0].duration == dt.timedelta(minutes=2)
    storage.close()


def test_the_database_holds_utc(monkeypatch, tmp_path):
    import sqlite3

    monkeypatch.setenv("TZ", "Asia/Kathmandu")  # UTC+05:45
    time.tzset()
    storage = RDBStorage(f"sqlite:///{tmp_path}/utc.db")
    write_study(storage)
    storage.close()
    monkeypatch.undo()
    time.tzset()
    (stored,) = (
        sqlite3.connect(tmp_path / "utc.db").execute("SELECT min(datetime_start) FROM trials").fetchone()
    )
    assert stored == "2026-03-01 02:15:00.250000"


def optuna_objective(trial):
    x = trial.suggest_float("x", -1, 1)
    n = trial.suggest_int("n", 1, 64, log=True)
    kind = trial.suggest_categorical("kind", ["a", None, 2, True])
    trial.set_user_attr("note", {"kind": kind})
    for step in range(3):
        trial.report([x, math.nan, math.inf][step], step)
    if trial.number == 2:
        raise optuna.TrialPruned
    if trial.number == 3:
        raise ArithmeticError
    return x * n


def test_we_read_what_optuna_has_written(theirs, rdb, assert_same_study):
    study = optuna.create_study(
        study_name="theirs", storage=theirs, sampler=optuna.samplers.TPESampler(seed=1)
    )
    study.enqueue_trial({"x": 0.5, "n": 2, "kind": None})
    study.optimize(optuna_objective, n_trials=6, catch=ArithmeticError)
    study.enqueue_trial({"x": -0.5})
    assert_same_study(theirs, rdb, "theirs")
    trials = rdb.read_trials(rdb.find_study("theirs"))
    assert trials[0].params == {"x": 0.5, "n": 2, "kind": None}
    assert trials[-1].system_attrs == {"fixed_params": {"x": -0.5}}


def test_optuna_continues_our_study_and_we_continue_after_it(theirs, rdb, assert_same_study):
    study_id = write_study(rdb)
    assert len(rdb.read_trials(study_id)) == 8
    study = optuna.load_study(study_name="shared", storage=theirs)
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-5, 1e-1, log=True), n_trials=3)
    created = rdb.commit(study_id, [CreateTrial(None, TrialState.RUNNING, START, SPACE)]).created
    numbers = [trial.number for trial in rdb.read_trials(study_id)]
    # Optuna takes the enqueued trial 7 first, then makes two of its own.
    assert (created[0][1], numbers) == (10, list(range(11)))
    assert rdb.read_trials(study_id)[7].state is TrialState.COMPLETE
    assert_same_study(theirs, rdb)


def test_a_trial_that_optuna_has_finished_is_left_as_it_is(theirs, rdb):
    study_id = rdb.create_study("shared", [StudyDirection.MINIMIZE])
    ((trial_id, _),) = rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, START)]).created
    optuna.load_study(study_name="shared", storage=theirs).tell(0, 5.0)
    result = rdb.commit(study_id, [FinishTrial(trial_id, TrialState.COMPLETE, [1.0], START)])
    assert result.refused == {trial_id}
    assert rdb.read_trial(trial_id).values == [5.0]


def test_both_create_trials_at_the_same_time_without_gaps_or_doubles(theirs, rdb, assert_same_study):
    import threading

    study_id = rdb.create_study("shared", [StudyDirection.MINIMIZE])
    study = optuna.load_study(study_name="shared", storage=theirs)
    foreign = threading.Thread(target=lambda: [study.ask() for _ in range(20)])
    foreign.start()
    for _ in range(10):
        rdb.commit(study_id, [CreateTrial(None, TrialState.RUNNING, START)] * 2)
    foreign.join()
    assert [trial.number for trial in rdb.read_trials(study_id)] == list(range(40))
    assert_same_study(theirs, rdb)
