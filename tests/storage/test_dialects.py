"""What differs between SQLite, PostgreSQL and MySQL, and what must not."""

import contextlib
import datetime as dt
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from raystudy.distributions import FloatDistribution
from raystudy.exceptions import DuplicatedStudyError, StorageInternalError, StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages.base import CreateTrial, Fence, FinishTrial, Report, SetAttrs, SetParams
from raystudy.storages.database import Database
from raystudy.storages.rdb import RDBStorage
from raystudy.storages.tables import trials

NOW = dt.datetime(2026, 7, 1, 23, 59, 59, 999999)
UNIT = FloatDistribution(0, 1)
MAX = sys.float_info.max
EXTREMES = [MAX, -MAX, 5e-324, 0.1, 1 / 3, 2.0**53 + 2, math.inf, -math.inf]
MINIMIZE = [StudyDirection.MINIMIZE]


def trial_of(storage, study_id):
    return storage.commit(study_id, [CreateTrial(None, TrialState.RUNNING, NOW)]).created[0][0]


def opened(stack, url, **engine_kwargs):
    storage = RDBStorage(url, engine_kwargs)
    stack.callback(storage.close)
    return storage


@pytest.fixture(params=["make_postgres", "make_mysql"])
def server_url(request):
    """The URL of an empty database on a server."""
    return request.getfixturevalue(request.param)()


def test_every_float_comes_back_bit_by_bit(rdb):
    study_id = rdb.create_study("s", MINIMIZE * len(EXTREMES))
    reports = dict(enumerate([*EXTREMES, math.nan]))
    write = CreateTrial(0, TrialState.COMPLETE, NOW, values=EXTREMES, intermediate_values=reports)
    trial = rdb.read_trial(rdb.commit(study_id, [write]).created[0][0])
    assert list(map(repr, trial.values)) == list(map(repr, EXTREMES))
    assert repr(trial.intermediate_values) == repr(reports)


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324, 1e-300, 0.1])
def test_a_parameter_is_exact_at_the_limits(rdb, value):
    study_id = rdb.create_study("s", MINIMIZE)
    params = {"x": (value, FloatDistribution(-1e308, 1e308))}
    rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW, params)])
    assert rdb.read_trials(study_id)[0].params == {"x": value}


def test_names_fill_their_columns(rdb):
    name = "\U0001f9ed" * 512  # four bytes each
    study_id = rdb.create_study(name, MINIMIZE)
    params = {name: (0.5, UNIT)}
    rdb.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW, params, {name: name}, {name: 1})])
    trial = rdb.read_trials(study_id)[0]
    assert (trial.params, trial.user_attrs, trial.system_attrs) == ({name: 0.5}, {name: name}, {name: 1})
    assert rdb.find_study(name) == study_id


def test_times_keep_their_microseconds_except_on_mysql(rdb, url):
    study_id = rdb.create_study("s", MINIMIZE)
    trial = rdb.read_trial(trial_of(rdb, study_id))
    assert abs(trial.datetime_start - NOW) < dt.timedelta(
        microseconds=10**6 if url.startswith("mysql") else 1
    )


def test_a_long_attribute_is_kept_or_refused_whole(rdb, url):
    study_id = rdb.create_study("s", MINIMIZE)
    trial_id = trial_of(rdb, study_id)
    writes = [Report(trial_id, 0, 1.0), SetAttrs(trial_id, {"text": "x" * 65535})]
    if not url.startswith("mysql"):
        rdb.commit(study_id, writes)
        assert len(rdb.read_trial(trial_id).user_attrs["text"]) == 65535
        return
    with pytest.raises(StorageInternalError, match="at most 65535 bytes in one attribute: store a path"):
        rdb.commit(study_id, writes)
    assert rdb.read_trial(trial_id).intermediate_values == {}


def test_mysql_is_strict_where_its_server_is_not(make_mysql):
    with contextlib.ExitStack() as stack:
        storage = opened(stack, make_mysql(), connect_args={"init_command": "SET sql_mode = ''"})
        study_id = storage.create_study("s", MINIMIZE)
        with pytest.raises(StorageInternalError, match="Data too long"):
            storage.set_study_attrs(study_id, {"text": "x" * 70000}, {})


NAMES = {
    "params": lambda i, name, value: SetParams(i, {name: (value, UNIT)}),
    "user_attrs": lambda i, name, value: SetAttrs(i, {name: value}),
    "system_attrs": lambda i, name, value: SetAttrs(i, {}, {name: value}),
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("together", [True, False])
def test_names_that_differ_in_case_alone_are_kept_or_refused(rdb, url, kind, together):
    study_id = rdb.create_study("s", MINIMIZE)
    trial_id = trial_of(rdb, study_id)
    writes = [NAMES[kind](trial_id, "lr", 0.25), NAMES[kind](trial_id, "LR", 0.75)]
    commits = [writes] if together else [[write] for write in writes]
    refused = pytest.raises(StorageInternalError, match=r"takes them for equal .*COLLATE utf8mb4_bin")
    with refused if url.startswith("mysql") else contextlib.nullcontext():
        for commit in commits:
            rdb.commit(study_id, commit)
    found = getattr(rdb.read_trial(trial_id), kind)
    both, first = {"lr": 0.25, "LR": 0.75}, {"lr": 0.25}
    assert found == (both if not url.startswith("mysql") else {} if together else first)


def test_a_binary_collation_tells_names_apart(make_mysql):
    url = make_mysql()
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {sa.make_url(url).database} COLLATE utf8mb4_bin"))
    engine.dispose()
    with contextlib.ExitStack() as stack:
        storage = opened(stack, url)
        study_id = storage.create_study("s", MINIMIZE)
        assert storage.create_study("S", MINIMIZE) != study_id
        trial_id = trial_of(storage, study_id)
        storage.commit(study_id, [SetAttrs(trial_id, {"lr": 1, "LR": 2, "lŕ": 3})])
        assert storage.read_trial(trial_id).user_attrs == {"lr": 1, "LR": 2, "lŕ": 3}


def test_a_study_is_never_opened_under_another_name(make_mysql):
    with contextlib.ExitStack() as stack:
        storage = opened(stack, make_mysql())
        study_id = storage.create_study("harbor", MINIMIZE)
        assert (storage.find_study("Harbor"), storage.find_study("harbor")) == (None, study_id)
        with pytest.raises(DuplicatedStudyError, match="Harbor"):
            storage.create_study("Harbor", MINIMIZE)


def test_a_deadlock_is_begun_again_until_both_have_got_through(server_url):
    with contextlib.ExitStack() as stack:
        storage = opened(stack, server_url)
        study_id = storage.create_study("s", MINIMIZE)
        first, second = trial_of(storage, study_id), trial_of(storage, study_id)
        both_hold_one, runs = threading.Barrier(2), []

        def lock(connection, order):
            runs.append(order)
            for trial_id in order:
                row = sa.select(trials.c.trial_id).where(trials.c.trial_id == trial_id)
                connection.execute(row.with_for_update())
                with contextlib.suppress(threading.BrokenBarrierError):
                    both_hold_one.wait(2)
            both_hold_one.abort()  # the one that is left may pass
            return order

        with ThreadPoolExecutor(2) as pool:
            orders = [(first, second), (second, first)]
            work = [lambda c, order=order: lock(c, order) for order in orders]
            assert list(pool.map(storage._database.write, work)) == orders
        assert len(runs) == 3


def test_writers_of_all_kinds_at_once_meet_no_deadlock(server_url):
    with contextlib.ExitStack() as stack:
        storages = [opened(stack, server_url) for _ in range(4)]
        study_id = storages[0].create_study("s", MINIMIZE)

        def work(number):
            storage, fence = storages[number], Fence(f"call-{number}", "me")
            storage.open_call(study_id, fence, 9, 60.0)
            for step in range(8):
                write = CreateTrial(None, TrialState.RUNNING, NOW, {"x": (0.5, UNIT)}, {}, {"a": step})
                trial_id = storage.commit(study_id, [write], fence).created[0][0]
                storage.commit(study_id, [Report(trial_id, step, 1.0), SetAttrs(trial_id, {"a": 1})], fence)
                storage.renew_call(study_id, fence, 60.0)
                storage.set_study_attrs(study_id, {"last": number}, {})
                storage.commit(study_id, [FinishTrial(trial_id, TrialState.COMPLETE, [1.0], NOW)], fence)
            storage.end_call(study_id, fence)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert [trial.number for trial in storages[0].read_trials(study_id)] == list(range(32))


def test_a_lock_that_is_held_is_unavailable_and_nothing_is_written(make_mysql):
    with contextlib.ExitStack() as stack:
        settings = {"connect_args": {"init_command": "SET SESSION innodb_lock_wait_timeout = 1"}}
        holder, storage = (opened(stack, url, **settings) for url in [make_mysql()] * 2)
        study_id = holder.create_study("s", MINIMIZE)
        trial_id, other_id = trial_of(holder, study_id), trial_of(holder, study_id)
        with holder._database.writing() as connection:
            connection.execute(sa.select(trials).where(trials.c.trial_id == trial_id).with_for_update())
            storage.commit(study_id, [Report(other_id, 0, 1.0)])  # only the trials named are locked
            with pytest.raises(StorageUnavailable, match="Lock wait timeout"):
                storage.commit(study_id, [Report(other_id, 1, 1.0), Report(trial_id, 0, 1.0)])
        assert storage.read_trial(other_id).intermediate_values == {0: 1.0}


KILL = {
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
}


def cut_all_connections(url):
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        backend = engine.url.get_backend_name()
        found = list(connection.scalars(sa.text(KILL[backend])))
        for number in found if backend == "mysql" else ():
            connection.execute(sa.text(f"KILL {number}"))
    engine.dispose()


def test_a_connection_cut_between_two_verbs_is_not_noticed(server_url):
    with contextlib.ExitStack() as stack:
        storage = opened(stack, server_url)
        study_id = storage.create_study("s", MINIMIZE)
        cut_all_connections(server_url)
        assert storage.read_trial(trial_of(storage, study_id)).number == 0


def test_a_connection_cut_in_a_transaction_is_unavailable_and_undoes_it(server_url):
    with contextlib.ExitStack() as stack:
        storage = opened(stack, server_url)
        study_id = storage.create_study("s", MINIMIZE)
        trial_of(storage, study_id)

        def work(connection):
            connection.execute(sa.update(trials).values(state=TrialState.FAIL))
            cut_all_connections(server_url)
            connection.execute(sa.select(trials))

        with pytest.raises(StorageUnavailable):
            storage._database.write(work)
        assert storage.read_trials(study_id)[0].state is TrialState.RUNNING


def test_leases_run_by_one_clock_whatever_the_zones_of_the_sessions(make_mysql):
    url, fence = make_mysql(), Fence("c", "me")
    with contextlib.ExitStack() as stack:
        zones = [{"init_command": f"SET time_zone = '{zone}'"} for zone in ("+05:45", "-08:00")]
        here, there = (opened(stack, url, connect_args=zone) for zone in zones)
        study_id = here.create_study("s", MINIMIZE)
        here.open_call(study_id, fence, 1, 30.0)
        assert 20 < there.read_calls(study_id)[0].lease_s <= 30
        assert not there.take_over_call(study_id, Fence("c", "you"), 1, 30.0)


def test_servers_read_what_is_committed_now(server_url):
    with contextlib.ExitStack() as stack:
        storage, other = opened(stack, server_url), opened(stack, server_url)
        study_id = storage.create_study("s", MINIMIZE)
        count = sa.select(sa.func.count()).select_from(trials)
        with storage._database.writing() as connection:
            before = connection.scalar(count)
            trial_of(other, study_id)
            assert (before, connection.scalar(count)) == (0, 1)


def test_schemes_of_mysql_without_a_driver_get_one(monkeypatch):
    def without_mysqlclient(name):
        return None if name == "MySQLdb" else ""

    monkeypatch.setattr("raystudy.storages.database.importlib.util.find_spec", without_mysqlclient)
    for scheme in ("mysql", "mariadb"):
        database = Database(f"{scheme}://ann:hush@host/name", {})
        assert (database.shown_url, database.dialect) == (f"{scheme}+pymysql://ann:***@host/name", "mysql")


@pytest.mark.parametrize("driver", ["mysql+pymysql", "mariadb+pymysql"])
def test_a_missing_pymysql_says_what_to_install(monkeypatch, driver):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(StorageUnavailable, match=r'pip install "raystudy\[mysql\]"'):
        RDBStorage(f"{driver}://ann@host/db")


def test_the_mariadb_scheme_opens_the_same_database(make_mysql):
    url = make_mysql()
    with contextlib.ExitStack() as stack:
        study_id = opened(stack, url).create_study("s", MINIMIZE)
        storage = opened(stack, url.replace("mysql+", "mariadb+"))
        assert storage.find_study("s") == study_id
        storage.set_study_attrs(study_id, {"a": 1}, {})
        assert storage.read_study(study_id).user_attrs == {"a": 1}
