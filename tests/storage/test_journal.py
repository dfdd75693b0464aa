"""The journal: one file that Optuna's JournalStorage and ours write at the same time."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
import optuna.storages.journal as optuna_journal
import pytest

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import JournalStorage
from raystudy.storages.base import CreateTrial, SetAttrs
from raystudy.storages.journal import (
    BaseJournalBackend,
    JournalFileBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
    JournalRedisBackend,
)

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "study.log")


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a journal is: a path, or a URL with a prefix of its own."""
    if request.param == "file":
        return str(tmp_path / "study.log")
    return f"{request.getfixturevalue('redis_url')}#{tmp_path.name}"


def ours(place: str) -> JournalStorage:
    url, _, prefix = place.partition("#")
    return JournalStorage(JournalRedisBackend(url, prefix=prefix) if prefix else JournalFileBackend(place))


def theirs(place: str) -> optuna.storages.JournalStorage:
    url, _, prefix = place.partition("#")
    if not prefix:
        return optuna.storages.JournalStorage(optuna_journal.JournalFileBackend(place))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental there
        return optuna.storages.JournalStorage(optuna_journal.JournalRedisBackend(url, prefix=prefix))


def search(study: Any, n_trials: int) -> None:
    """Add trials of every state with either library."""

    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", -1, 1)
        kind = trial.suggest_categorical("kind", ["a", None, 3])
        trial.set_user_attr("note", {"deep": [x, None]})
        trial.set_constraint("c", x)
        trial.report(x, 1)
        trial.report(math.nan if trial.number == 1 else math.inf, 2)
        if trial.number % 4 == 1:
            raise (optuna.TrialPruned if isinstance(study, optuna.Study) else raystudy.TrialPruned)
        if trial.number % 4 == 2:
            raise ValueError
        return x + (kind == "a")

    options = {} if isinstance(study, optuna.Study) else {"executor": "inline", "show_progress_bar": False}
    study.optimize(objective, n_trials=n_trials, catch=ValueError, **options)


def rows(study: Any) -> list[Any]:
    """Return what both libraries must read, as text, in which NaN equals itself."""
    return [
        (
            trial.number,
            trial._trial_id,
            trial.state.name,
            repr(trial.values),
            trial.params,
            trial.user_attrs,
            repr(trial.intermediate_values),
            trial.constraints.get("c"),
            trial.datetime_start,
            trial.datetime_complete,
            {name: str(d.single()) + type(d).__name__ for name, d in trial.distributions.items()},
        )
        for trial in study.trials
    ]


@pytest.mark.parametrize("first", ["optuna", "raystudy"])
def test_either_library_goes_on_where_the_other_one_ended(first: str, place: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        makers: dict[str, Any] = {"optuna": optuna, "raystudy": raystudy}
        storages = {"optuna": theirs(place), "raystudy": ours(place)}
        study = makers[first].create_study(storage=storages[first], study_name="s", direction="maximize")
        study.set_user_attr("team", "harbor")
        study.enqueue_trial({"x": 0.25})
        for turn in (first, "raystudy", "optuna", "raystudy"):
            search(makers[turn].load_study(study_name="s", storage=storages[turn]), 4)
            read = [rows(makers[name].load_study(study_name="s", storage=storages[name])) for name in makers]
            assert read[0] == read[1]
        assert len(read[0]) == 16
        assert read[0][0][4]["x"] == 0.25
        again = raystudy.load_study(study_name="s", storage=ours(place))
        assert (again.best_value, again.user_attrs) == (study.best_value, {"team": "harbor"})


def test_ids_go_on_after_a_study_was_deleted_as_optuna_counts_them(place: str) -> None:
    mine, their = ours(place), theirs(place)
    for name in ("one", "two"):
        study_id = mine.create_study(name, [StudyDirection.MINIMIZE])
        mine.commit(study_id, [CreateTrial(None, TrialState.RUNNING, None)])
    mine.delete_study(0)
    third = mine.create_study("three", [StudyDirection.MINIMIZE])
    created = mine.commit(third, [CreateTrial(None, TrialState.RUNNING, None)]).created
    assert created == [(2, 0)]
    assert their.get_study_id_from_name("three") == third == 2
    assert [trial._trial_id for trial in their.get_all_trials(third)] == [2]
    assert [study.study_name for study in their.get_all_studies()] == ["two", "three"]


#: Adds trials in a process of its own: library, place, number of trials.
ADD_TRIALS = """
import importlib, sys, warnings
name, place, count = sys.argv[1:]
library = importlib.import_module(name)
backends = importlib.import_module(f"{name}.storages.journal")
warnings.simplefilter("ignore")
url, _, prefix = place.partition("#")
backend = backends.JournalRedisBackend(url, prefix=prefix) if prefix else backends.JournalFileBackend(place)
storage = library.storages.JournalStorage(backend)
study = library.load_study(study_name="s", storage=storage, sampler=library.samplers.RandomSampler())
options = {} if name == "optuna" else {"executor": "inline", "show_progress_bar": False}
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=int(count), **options)
"""


def test_several_processes_of_both_libraries_write_one_journal(place: str) -> None:
    raystudy.create_study(storage=ours(place), study_name="s")
    workers = [
        subprocess.Popen([sys.executable, "-c", ADD_TRIALS, library, place, "12"])
        for library in ("optuna", "raystudy", "raystudy")
    ]
    assert [worker.wait(200) for worker in workers] == [0, 0, 0]
    trials = raystudy.load_study(study_name="s", storage=ours(place)).trials
    assert [trial.number for trial in trials] == list(range(36))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert rows(optuna.load_study(study_name="s", storage=theirs(place)))[-1][0] == 35


def test_a_line_that_a_dead_process_has_not_finished_is_removed_by_the_next_one(path: str) -> None:
    storage = ours(path)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    with open(path, "ab") as file:
        file.write(b'{"op_code":4,"study_')
    assert storage.read_trials(study_id) == []
    assert ours(path).study_names() == ["s"]
    storage.commit(study_id, [CreateTrial(None, TrialState.RUNNING, None)])
    for reader in (storage, ours(path)):
        assert len(reader.read_trials(study_id)) == 1
    assert len(theirs(path).get_all_trials(study_id)) == 1


def test_a_damaged_line_is_an_error_that_names_it(path: str) -> None:
    storage = ours(path)
    storage.create_study("s", [StudyDirection.MINIMIZE])
    with open(path, "ab") as file:
        file.write(b"no json\n")
    with pytest.raises(StorageInternalError, match="line 2"):
        ours(path).study_names()


def test_a_path_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="no-such-folder"):
        ours(str(tmp_path / "no-such-folder" / "study.log"))


def test_a_value_that_json_cannot_hold_changes_nothing(path: str) -> None:
    storage = ours(path)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    before = Path(path).read_bytes()
    with pytest.raises(TypeError):
        storage.set_study_attrs(study_id, {"bad": object()}, {})
    with pytest.raises(TypeError):
        storage.commit(study_id, [CreateTrial(None, TrialState.RUNNING, None, user_attrs={"bad": object()})])
    assert Path(path).read_bytes() == before
    assert storage.read_study(study_id).user_attrs == {}
    assert storage.read_trials(study_id) == []


@pytest.mark.parametrize("make", [JournalFileSymlinkLock, JournalFileOpenLock])
def test_a_lock_keeps_others_out_and_is_broken_when_its_owner_is_dead(make: Any, path: str) -> None:
    Path(path).touch()
    first, second = make(path), make(path, grace_period=1)
    assert first.acquire()
    begin = time.monotonic()
    assert second.acquire()  # the first one never gives it back
    assert time.monotonic() - begin >= 1
    second.release()
    with pytest.raises(RuntimeError):
        first.release()
    with pytest.raises(ValueError, match="grace_period"):
        make(path, grace_period=0)


@pytest.mark.parametrize("name", ["Symlink", "Open"])
def test_locks_are_optunas(name: str, path: str) -> None:
    Path(path).touch()
    mine = getattr(raystudy.storages.journal, f"JournalFile{name}Lock")(path, grace_period=None)
    optunas = getattr(optuna_journal, f"JournalFile{name}Lock")(path, grace_period=None)
    mine.acquire()
    assert Path(path + ".lock").is_symlink() == (name == "Symlink")
    mine.release()
    optunas.acquire()
    assert mine._mark() is not None
    optunas.release()
    assert mine._mark() is None


class ListBackend(BaseJournalBackend):
    """A backend as a user writes it for Optuna."""

    def __init__(self) -> None:
        self.logs: list[str] = []

    def read_logs(self, log_number_from: int) -> Any:
        return (json.loads(text) for text in self.logs[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs += [json.dumps(each) for each in logs]


def test_a_backend_of_the_users_own_works(tmp_path: Path) -> None:
    backend = ListBackend()
    study = raystudy.create_study(storage=JournalStorage(backend), study_name="s")
    study.optimize(
        lambda trial: trial.suggest_float("x", 0, 1), n_trials=3, executor="inline", show_progress_bar=False,
        storage_path=str(tmp_path),
    )  # fmt: skip
    other = raystudy.load_study(study_name="s", storage=JournalStorage(backend))
    assert [trial.params for trial in other.trials] == [trial.params for trial in study.trials]


def test_a_storage_can_be_pickled(place: str) -> None:
    storage = ours(place)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    copied = pickle.loads(pickle.dumps(storage))
    copied.commit(study_id, [CreateTrial(0, TrialState.RUNNING, None, {"x": (0.5, FloatDistribution(0, 1))})])
    copied.commit(study_id, [SetAttrs(0, {"a": 1})])
    (trial,) = storage.read_trials(study_id)
    assert (trial.params, trial.user_attrs) == ({"x": 0.5}, {"a": 1})


def test_a_redis_server_that_does_not_answer_is_an_error_without_its_password() -> None:
    backend = JournalRedisBackend("redis://me:hunter2@127.0.0.1:1/0")
    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1:1") as raised:
        JournalStorage(backend).study_names()
    assert "hunter2" not in str(raised.value) + repr(backend) + repr(JournalStorage(backend))


def test_what_another_program_appends_at_the_same_moment_is_not_overrun(
    redis_url: str, tmp_path: Path
) -> None:
    """Between a look and the append of ours, Optuna adds a trial: numbers and ids stay right."""
    place = f"{redis_url}#{tmp_path.name}"
    storage, other = ours(place), theirs(place)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    read = storage._backend.read_logs
    added: list[int] = []

    def read_and_be_overtaken(log_number_from: int) -> Any:
        found = read(log_number_from)
        if not added:
            added.append(other.create_new_trial(study_id))
        return found

    storage._backend.read_logs = read_and_be_overtaken  # type: ignore[method-assign]
    created = storage.commit(study_id, [CreateTrial(None, TrialState.RUNNING, None)]).created
    assert created == [(1, 1)]
    assert added == [0]
    assert [trial.number for trial in storage.read_trials(study_id)] == [0, 1]


def test_old_names_are_deprecated_and_work(path: str) -> None:
    with pytest.warns(FutureWarning, match="JournalFileBackend"):
        backend = raystudy.storages.JournalFileStorage
    assert backend is JournalFileBackend
