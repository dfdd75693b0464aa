"""A database behind its URL: how it is opened, its two kinds of transaction, its errors in plain words.

Passwords never leave this module: every text for people shows the URL with the password masked.
"""

from __future__ import annotations

import importlib.util
import pathlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.storages.error_codes import advice_for, is_collision, is_deadlock, is_outage
from raystudy.storages.tables import SCHEMA_VERSION

__all__ = ["Database"]

_LOCK_WAIT_S = 30
_CONNECT_WAIT_S = 10
_WAL_ATTEMPTS, _WAL_PAUSE_S = 20, 0.02
_WRITES = "raystudy_writes"
_DEADLOCK_ATTEMPTS, _DEADLOCK_PAUSE_S = 10, 0.02
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_PACKAGES = {
    "postgresql+psycopg": '"raystudy[postgres]"',
    "mysql+pymysql": '"raystudy[mysql]"',
    "mariadb+pymysql": '"raystudy[mysql]"',
    "mysql+mysqldb": "mysqlclient",
    "mariadb+mysqldb": "mysqlclient",
}

_SERVER_ADVICE = "check the URL, that the server runs, and the rights of this user"
_ADVICE = {
    "sqlite": "check the path, and that this user may write the file and its folder and has disk space"
}

T = TypeVar("T")


class Database:
    """An SQLAlchemy engine with transactions for reading and for writing.  Safe for use by several threads.

    Args:
        url: An SQLAlchemy URL; ``postgresql://`` means psycopg 3, ``mysql://`` and ``mariadb://`` mean mysqlclient
            where it is installed and PyMySQL elsewhere.
        engine_kwargs: Arguments for ``sqlalchemy.create_engine`` beside the ones set here.

    Raises:
        StorageUnavailable: If there is no driver for this URL, or its folder is missing.
    """

    def __init__(self, url: str, engine_kwargs: Mapping[str, Any]) -> None:
        self._given_url, self._url = url, _parse(url)
        self.shown_url = _without_secrets(self._url)
        self.dialect = "mysql" if self._url.get_backend_name() == "mariadb" else self._url.get_backend_name()
        in_memory = self.dialect == "sqlite" and self._url.database in (None, "", ":memory:")
        if self.dialect == "sqlite" and not in_memory:
            self._check_folder()
        self.engine = self._create_engine(dict(engine_kwargs), in_memory)
        # Threads of one process queue here rather than in SQLite's busy loop, which sleeps and is not fair;
        # an in-memory database has one connection, so that its readers queue as well.
        self._write_lock = threading.RLock()
        self._lock_reads, self._lock_writes = in_memory, self.dialect == "sqlite"

    def __repr__(self) -> str:
        return f"Database({self.shown_url!r})"

    def absolute_url(self) -> str:
        """Return the URL, with its password, in a form that means the same in another working directory."""
        name = self._url.database or ""
        if self.dialect != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
            return self._given_url
        absolute = str(pathlib.Path(name).resolve())
        return self._url.set(database=absolute).render_as_string(hide_password=False)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads; on SQLite it sees one snapshot."""
        with self._transaction(writes=False, locked=self._lock_reads) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes: committed at the end of the block, rolled back on any exception."""
        with self._transaction(writes=True, locked=self._lock_writes) as connection:
            yield connection

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Return what ``work`` returns in a transaction that writes; begin again after a deadlock.

        The database has then undone all that the transaction did, so that ``work`` may run several times.
        """
        for attempt in range(1, _DEADLOCK_ATTEMPTS):
            try:
                with self.writing() as connection:
                    return work(connection)
            except StorageUnavailable as error:
                if not is_deadlock(error.__cause__):
                    raise
                time.sleep(random.uniform(0, _DEADLOCK_PAUSE_S * attempt))
        with self.writing() as connection:
            return work(connection)

    def close(self) -> None:
        """Close all connections; the next transaction opens new ones."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool, locked: bool) -> Iterator[sa.Connection]:
        if locked:
            self._write_lock.acquire()
        try:
            with self.engine.connect() as connection:
                connection.execution_options(**{_WRITES: writes})
                with connection.begin():
                    yield connection
        except sa.exc.IntegrityError:
            raise
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            if is_collision(error):
                raise StorageInternalError(
                    f"two names of parameters or attributes differ, but {self.shown_url} takes them for equal "
                    "(upper and lower case, accents, trailing blanks); use names that differ more, or a database "
                    "with COLLATE utf8mb4_bin"
                ) from error
            raise self._failure(error) from error
        except sa.exc.DBAPIError as error:
            raise self._failure(error) from error
        finally:
            if locked:
                self._write_lock.release()

    def _failure(self, error: sa.exc.SQLAlchemyError) -> StorageInternalError:
        """Return what an error of the database means for a caller: try again later, or never."""
        if is_outage(error):
            return StorageUnavailable(self._plain(error))
        return StorageInternalError(
            f"the database {self.shown_url} refused a statement: {self._reason(error)}{advice_for(error)}"
        )

    def _plain(self, error: sa.exc.SQLAlchemyError) -> str:
        return (
            f"expected a database that answers at {self.shown_url}, found: {self._reason(error)}; "
            f"{_ADVICE.get(self.dialect, _SERVER_ADVICE)}"
        )

    def _reason(self, error: sa.exc.SQLAlchemyError) -> str:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        if self._url.password:
            reason = reason.replace(str(self._url.password), "***")
        return reason[:300]

    def _check_folder(self) -> None:
        name = self._url.database or ""
        folder = pathlib.Path(name).parent
        if not name.startswith("file:") and not folder.is_dir():
            raise StorageUnavailable(
                f"expected an existing folder for the database {self.shown_url}, found none at {folder}; "
                "create it (mkdir -p) or correct the path (an absolute path needs four slashes: sqlite:////...)"
            )

    def _create_engine(self, options: dict[str, Any], in_memory: bool) -> sa.Engine:
        connect_args = dict(options.pop("connect_args", {}))
        if self.dialect == "sqlite":
            connect_args.setdefault("timeout", _LOCK_WAIT_S)
        else:
            options.setdefault("pool_pre_ping", True)
            options.setdefault("isolation_level", "READ COMMITTED")
        if self.dialect == "postgresql" and "connect_timeout" not in self._url.query:
            connect_args.setdefault("connect_timeout", _CONNECT_WAIT_S)
        if in_memory:
            for pool_option in ("pool_size", "max_overflow"):
                options.pop(pool_option, None)
            options["poolclass"] = StaticPool
            connect_args["check_same_thread"] = False
        try:
            engine = sa.create_engine(self._url, connect_args=connect_args, **options)
        except (ImportError, sa.exc.NoSuchModuleError) as error:
            package = _PACKAGES.get(self._url.drivername, f"a driver for {self._url.drivername!r}")
            raise StorageUnavailable(
                f"expected a Python driver for {self.shown_url}, found none ({error}); "
                f"pip install {package}, or use sqlite:///, postgresql:// or mysql+pymysql://"
            ) from error
        if self.dialect == "sqlite":
            sa.event.listen(engine, "connect", _set_up_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        elif self.dialect == "mysql":
            sa.event.listen(engine, "connect", _set_up_mysql)
        return engine


def _parse(url: str) -> sa.URL:
    if not isinstance(url, str):
        raise TypeError(f"expected a database URL as a text, got {type(url).__name__}")
    try:
        parsed = sa.make_url(url.replace("{SCHEMA_VERSION}", str(SCHEMA_VERSION)))
        if parsed.password is not None and url.count("@") > 1:
            raise ValueError("a part of the password would pass for the host, and be shown")
    except (sa.exc.ArgumentError, ValueError):
        # Neither the text nor the cause is shown: what cannot be parsed may hold a password anywhere.
        raise StorageUnavailable(
            "expected a database URL such as sqlite:///study.db or postgresql://user:password@host/name, "
            f"found {len(url)} characters that are none; correct it (special characters in a password as %XX, @ as %40)"
        ) from None
    return parsed.set(drivername=_with_driver(parsed.drivername))


def _with_driver(name: str) -> str:
    if name in ("mysql", "mariadb"):
        return f"{name}+mysqldb" if importlib.util.find_spec("MySQLdb") else f"{name}+pymysql"
    return _DRIVERS.get(name, name)


def _without_secrets(url: sa.URL) -> str:
    """Return a URL that may be shown: libpq takes passwords in the query part, too."""
    query = {key: "***" if "pass" in key.lower() else value for key, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours: the sqlite3 module would delay it to the first write
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut, not only a killed process
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Let readers and the writer not block each other; the file keeps this mode."""
    for _ in range(_WAL_ATTEMPTS):
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # This one statement does not wait for a lock: another program may be switching at this moment.
            # Without the switch all works too, so that a lock which stays is no reason to give up.
            if "locked" not in str(error):
                raise
            time.sleep(_WAL_PAUSE_S)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later could otherwise
    # fail half-way with "database is locked", however long it waits.
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_mysql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # Strict: a text that is too long is an error, and not cut off.
    cursor.execute("SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_TRANS_TABLES')")
    cursor.close()
