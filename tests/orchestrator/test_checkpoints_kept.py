"""Checkpoints after their trials have ended: what is kept, what is removed, and what is never touched."""

import sqlite3
import time
import uuid
from collections import Counter

import pytest
import torch

import raystudy
from raystudy.exceptions import StudyError
from raystudy.frozen import TrialState
from raystudy.orchestrator.files import open_folder
from raystudy.orchestrator.homes import study_home
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.storages import get_storage

VALUES = [3.0, 1.0, 2.0, 0.5, 0.7]


def objective(trial):
    """Return the value of the trial's number; the last two are pruned and failed."""
    trial.suggest_float("x", 0, 1)
    trial.save_checkpoint({"number": trial.number}, step=0)
    trial.report(VALUES[trial.number % 5], 0)
    if trial.number == 5:
        raise raystudy.TrialPruned
    if trial.number == 6:
        raise LookupError
    return VALUES[trial.number % 5]


def optimize(study, function=objective, n_trials=7, **options):
    study.optimize(function, n_trials, catch=LookupError, show_progress_bar=False, **options)


def kept(root):
    """Numbers of the trials whose checkpoints are there, below a storage path with one study."""
    folder = open_folder(str(root))
    homes = folder.names()
    assert len(homes) <= 1
    return sorted(int(name) for home in homes for name in folder.names(f"{home}/trials"))


def checkpoints(root):
    """All checkpoints below a storage path, while others may be removed."""
    folder = open_folder(str(root))
    trials = [f"{home}/trials/{trial}" for home in folder.names() for trial in folder.names(f"{home}/trials")]
    return [name for trial in trials for name in folder.names(trial)]


@pytest.mark.parametrize(
    ("keep", "numbers"),
    [("best", [3]), ("complete", [0, 1, 2, 3, 4]), ("all", [0, 1, 2, 3, 4, 5, 6]), ("none", [])],
)
def test_user_says_whose_last_checkpoint_is_kept(tmp_path, keep, numbers):
    optimize(raystudy.create_study(), storage_path=str(tmp_path), keep_checkpoints=keep)
    assert kept(tmp_path) == numbers


@pytest.mark.parametrize("scheme", ["path", "memory", "pyarrow"])
def test_best_trials_checkpoint_is_kept_and_can_be_loaded(tmp_path, scheme):
    root = {
        "path": str(tmp_path),
        "memory": f"memory://{uuid.uuid4().hex}",
        "pyarrow": f"pyarrow+file://{tmp_path}",
    }[scheme]
    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/s.db", study_name="s", direction="maximize")
    root += "/root"
    optimize(study, storage_path=root)
    assert kept(root) == [0]
    again = raystudy.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/s.db")
    assert again.load_checkpoint() == {"number": 0}
    assert again.load_checkpoint(0, storage_path=root) == {"number": 0}
    assert again.load_checkpoint(again.trials[1]) is None


def test_weights_of_the_best_trial_are_those_that_it_had(tmp_path):
    def trains(trial):
        weight = torch.full((2,), trial.suggest_float("x", 0, 1))
        trial.save_checkpoint({"weight": weight})
        return float(weight[0])

    study = raystudy.create_study(sampler=RandomSampler(seed=1))
    optimize(study, trains)
    assert study.load_checkpoint()["weight"][0] == pytest.approx(study.best_value)


def test_a_directory_of_the_best_trial_stays_when_it_was_loaded_from_a_url(tmp_path):
    def trains(trial):
        made = tmp_path / f"made-{trial.number}"
        made.mkdir()
        (made / "weights.bin").write_text(str(trial.number))
        trial.save_checkpoint(made)
        return float(trial.number)

    study = raystudy.create_study()
    optimize(study, trains, n_trials=3, storage_path=f"memory://{uuid.uuid4().hex}")
    assert (study.load_checkpoint() / "weights.bin").read_text() == "0"


def test_checkpoints_that_an_earlier_call_has_kept_stay(tmp_path):
    study = raystudy.create_study()
    optimize(study, n_trials=2, storage_path=str(tmp_path), keep_checkpoints="all")
    optimize(study, n_trials=2, storage_path=str(tmp_path))
    assert kept(tmp_path) == [0, 1, 3]


def test_several_objectives_keep_all_complete_trials(tmp_path):
    def two(trial):
        trial.save_checkpoint({"number": trial.number})
        return trial.suggest_float("x", 0, 1), 0.0

    study = raystudy.create_study(directions=["minimize", "minimize"], sampler=RandomSampler(seed=1))
    optimize(study, two, n_trials=3, storage_path=str(tmp_path))
    assert kept(tmp_path) == [0, 1, 2]


def test_another_word_for_what_is_kept_is_refused_before_a_trial_begins():
    study = raystudy.create_study()
    with pytest.raises(ValueError, match=r"expected one of \('best'.*got 'last'"):
        optimize(study, keep_checkpoints="last")
    assert study.trials == []


def test_a_storage_path_that_nobody_can_open_is_refused_before_a_trial_begins():
    study = raystudy.create_study()
    with pytest.raises(StudyError, match="nonsense://"):
        optimize(study, storage_path="nonsense://bucket/x")
    assert study.trials == []


def test_what_a_killed_call_left_is_removed_by_the_one_that_takes_it_over(tmp_path):
    def interrupted(trial):
        if trial.number == 3:
            raise KeyboardInterrupt
        return objective(trial)

    study = raystudy.create_study()
    with pytest.raises(KeyboardInterrupt):
        # As after a kill: trials have finished, and their checkpoints are there.
        optimize(study, interrupted, storage_path=str(tmp_path), keep_checkpoints="all")
    assert kept(tmp_path) == [0, 1, 2]
    optimize(study, storage_path=str(tmp_path))
    assert kept(tmp_path) == [3]
    assert len(study.trials) == 7


@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_disk_stays_bounded_during_a_long_hyperband_study(tmp_path, mode):
    """Two checkpoints of a running trial, one of a waiting one, one in all of those that have ended."""
    n_jobs, most, n_seen = 2, Counter(), 0

    def trains(trial):
        x = trial.suggest_float("x", 0, 1)
        for epoch in range(0 if (state := trial.load_checkpoint()) is None else state + 1, 27):
            trial.save_checkpoint(epoch, step=epoch)
            trial.report(x + 1 / (epoch + 1), epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return x

    def count(study, _trial):
        nonlocal n_seen
        n_seen += 1
        if n_seen % 25:
            return
        deadline = time.monotonic() + 20
        while True:  # they are removed by another thread
            unfinished = len(study.trials) - n_seen  # or finished just now, and not yet told
            found = checkpoints(tmp_path)
            if len(found) <= unfinished + n_jobs + 2:
                break
            assert time.monotonic() < deadline, f"{len(found)} checkpoints for {unfinished} unfinished trials"
            time.sleep(0.05)
        most["checkpoints"] = max(most["checkpoints"], len(found))

    study = raystudy.create_study(sampler=RandomSampler(seed=1), pruner=HyperbandPruner(1, 27, 3, mode=mode))
    optimize(study, trains, n_trials=100, n_jobs=n_jobs, storage_path=str(tmp_path), callbacks=[count])
    assert Counter(t.state.name for t in study.trials).keys() == {"COMPLETE", "PRUNED"}
    assert kept(tmp_path) == [study.best_trial.number]
    assert len(checkpoints(tmp_path)) == 1
    if mode == "sync":  # as many as wait for the largest rung, however long the study
        assert most["checkpoints"] <= 27 + n_jobs + 2


def test_a_damaged_checkpoint_costs_its_epochs_but_no_trial_and_is_said(tmp_path, capfd):
    trained = Counter()

    def trains(trial):
        trial.suggest_float("x", 0, 1)
        for epoch in range(0 if (state := trial.load_checkpoint()) is None else state + 1, 4):
            trained[epoch] += 1
            trial.save_checkpoint(epoch, step=epoch)
            trial.report(float(epoch), epoch)
            if epoch == 2 and trained[2] == 1:
                raise KeyboardInterrupt
        return 0.0

    study = raystudy.create_study()
    with pytest.raises(KeyboardInterrupt):
        optimize(study, trains, n_trials=1, storage_path=str(tmp_path))
    [state] = tmp_path.glob("*/trials/*/*/state.*")
    state.write_bytes(state.read_bytes()[:-1])
    optimize(study, trains, n_trials=1, storage_path=str(tmp_path))
    assert trained == {0: 2, 1: 2, 2: 2, 3: 1}
    assert study.trials[0].intermediate_values == {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0}
    said = [line for line in capfd.readouterr().err.splitlines() if "damaged" in line]
    assert len(said) == 1
    assert "trial 0: " in said[0]
    assert "starts from the beginning" in said[0]


# ---- ask and tell ----------------------------------------------------------------------------------


def test_told_trials_keep_the_best_ones_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYSTUDY_HOME", str(tmp_path))
    study = raystudy.create_study()
    for value in (3.0, 1.0, 2.0):
        trial = study.ask()
        trial.save_checkpoint({"number": trial.number})
        study.tell(trial, value)
    trial = study.ask()
    trial.save_checkpoint({"number": trial.number})
    study.tell(trial, state=TrialState.FAIL)
    assert kept(tmp_path) == [1]
    assert study.load_checkpoint() == {"number": 1}


# ---- deleted studies -------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path}/s.db"


def test_deleting_a_study_removes_its_folders_and_no_other(tmp_path, database, capfd):
    for name in ("gone", "stays"):
        study = raystudy.create_study(storage=database, study_name=name)
        optimize(study, storage_path=str(tmp_path / "one"), keep_checkpoints="all")
        optimize(study, n_trials=1, storage_path=f"file://{tmp_path}/two", keep_checkpoints="all")
    (tmp_path / "one" / "users.txt").write_text("mine")
    raystudy.delete_study(study_name="gone", storage=database)
    assert raystudy.get_all_study_names(database) == ["stays"]
    for root in ("one", "two"):
        assert [path.name.split("-")[0] for path in (tmp_path / root).iterdir() if path.is_dir()] == ["stays"]
    assert study.load_checkpoint(4) == {"number": 4}
    assert (tmp_path / "one" / "users.txt").exists()
    assert "stays:" not in capfd.readouterr().err


def test_a_study_in_memory_can_be_deleted_with_its_folder(tmp_path):
    storage = get_storage(None)
    study = raystudy.create_study(storage=storage, study_name="s")
    optimize(study, storage_path=str(tmp_path / "home"))
    raystudy.delete_study(study_name="s", storage=storage)
    assert list((tmp_path / "home").iterdir()) == []


def test_users_files_in_the_folder_of_a_deleted_study_stay_and_are_named(tmp_path, database, capfd):
    study = raystudy.create_study(storage=database, study_name="s")
    optimize(study, storage_path=str(tmp_path / "home"))
    [home] = (tmp_path / "home").iterdir()
    (home / "paper.pdf").write_text("mine")
    raystudy.delete_study(study_name="s", storage=database)
    assert [path.name for path in home.iterdir()] == ["paper.pdf"]
    assert "paper.pdf" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["other name", "link", "root"])
def test_a_folder_that_is_not_the_studys_is_never_deleted(tmp_path, database, capfd, kind):
    study = raystudy.create_study(storage=database, study_name="s")
    optimize(study, storage_path=str(tmp_path / "home"))
    [home] = (tmp_path / "home").iterdir()
    foreign = tmp_path / "foreign"
    (foreign / "trials").mkdir(parents=True)
    (foreign / "trials" / "precious").write_text("mine")
    recorded = {"other name": str(foreign), "root": "/", "link": str(tmp_path / "links" / home.name)}[kind]
    if kind == "link":
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / home.name).symlink_to(foreign)
    storage = get_storage(database)
    storage.set_study_attrs(storage.find_study("s"), {}, {"raystudy:folder:x": recorded})
    raystudy.delete_study(study_name="s", storage=storage)
    assert (foreign / "trials" / "precious").read_text() == "mine"
    assert f"{recorded} stays" in capfd.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize(
    "url", ["s3://key:pass@bucket/x", "pyarrow+s3://bucket/x?secret_key=pass", "abfs://c@a/x?sig=pass"]
)
def test_no_database_holds_the_password_of_a_url(database, url):
    raystudy.create_study(storage=database, study_name="s", sampler=RandomSampler(seed=1))
    storage = get_storage(database)
    study_id = storage.find_study("s")
    assert "pass" in study_home(storage, study_id, url)
    assert "pass" not in str(storage.read_study(study_id))
    home = study_home(storage, study_id, "abfs://container@account/x")
    assert home in str(storage.read_study(study_id))


def test_a_study_that_was_renamed_goes_on_in_its_folder(tmp_path, database):
    study = raystudy.create_study(storage=database, study_name="old")
    optimize(study, n_trials=1, storage_path=str(tmp_path / "home"), keep_checkpoints="all")
    connection = sqlite3.connect(tmp_path / "s.db")
    with connection:
        connection.execute("UPDATE studies SET study_name = 'new'")
    connection.close()
    renamed = raystudy.load_study(study_name="new", storage=database)
    optimize(renamed, n_trials=1, storage_path=str(tmp_path / "home"), keep_checkpoints="all")
    assert kept(tmp_path / "home") == [0, 1]
