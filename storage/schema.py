"""Creating the tables in an empty database, and refusing a database of another schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.storages import tables
from raystudy.storages.database import Database

__all__ = ["VERSIONS", "creation_lock", "ensure_schema", "stored_version", "write_versions"]

#: The revisions that Optuna's schema has had, newest first.
VERSIONS = (
    tables.ALEMBIC_VERSION,
    "v3.0.0.d",
    "v3.0.0.c",
    "v3.0.0.b",
    "v3.0.0.a",
    "v2.6.0.a",
    "v2.4.0.a",
    "v1.3.0.a",
    "v1.2.0.a",
    "v0.9.0.a",
)

# Any fixed number will do: it keeps two programs that start at once from creating the same tables.
_CREATION_LOCK = 0x7261_7973
_CREATION_WAIT_S = 60
_ATTEMPTS = 5


def ensure_schema(database: Database, *, create: bool = True, check: bool = True) -> None:
    """Create whichever of Optuna's tables are missing; several programs may do so at once.

    Args:
        database: The database.
        create: Whether tables may be created.
        check: Whether another version of the schema is refused.

    Raises:
        StorageUnavailable: If the database holds another version of the schema, or cannot be reached.
    """
    with database.reading() as connection:
        found = stored_version(connection)
    if found is None and create:
        found = _create(database)
    if check:
        _check_version(found, database)


def stored_version(connection: sa.Connection) -> str | None:
    """Return the revision of the database's schema, or None if it holds no schema yet."""
    inspector = sa.inspect(connection)
    if inspector.has_table(tables.alembic_version.name):
        found = connection.scalar(sa.select(tables.alembic_version.c.version_num))
        if found is not None:
            return str(found)
    if inspector.has_table(tables.version_info.name):
        schema = connection.scalar(sa.select(tables.version_info.c.schema_version))
        if schema not in (None, tables.SCHEMA_VERSION):
            return VERSIONS[-1]  # older than the table of revisions, as Optuna takes it, too
    return None


@contextmanager
def creation_lock(connection: sa.Connection, database: Database) -> Iterator[None]:
    """Keep other programs of ours from creating or upgrading the tables meanwhile.

    PostgreSQL holds the lock until the transaction ends, SQLite's transaction is a lock by itself.

    Raises:
        StorageUnavailable: If another program has kept the lock for a minute.
    """
    if database.dialect == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    if database.dialect != "mysql":
        yield
        return
    name = sa.func.concat("raystudy.", sa.func.md5(sa.func.database()))  # the lock is the whole server's
    if connection.scalar(sa.select(sa.func.get_lock(name, _CREATION_WAIT_S))) != 1:
        raise StorageUnavailable(
            f"expected to create the tables in {database.shown_url}, found another program at it for "
            f"{_CREATION_WAIT_S} s; try again"
        )
    try:
        yield
    finally:
        connection.execute(sa.select(sa.func.release_lock(name)))


def write_versions(connection: sa.Connection) -> None:
    """Record that the database has the present schema."""
    connection.execute(sa.delete(tables.version_info))
    connection.execute(sa.delete(tables.alembic_version))
    row = {"schema_version": tables.SCHEMA_VERSION, "library_version": tables.LIBRARY_VERSION}
    connection.execute(sa.insert(tables.version_info).values(version_info_id=1, **row))
    connection.execute(sa.insert(tables.alembic_version).values(version_num=tables.ALEMBIC_VERSION))


def _create(database: Database) -> str:
    """Create the tables and return the version; where Optuna creates them at this moment, look again."""
    for _ in range(_ATTEMPTS):
        try:
            return _create_once(database)
        except sa.exc.IntegrityError as error:
            last: Exception = error
        except StorageInternalError as error:
            if "already exists" not in str(error):
                raise
            last = error
    raise StorageUnavailable(
        f"expected to create the tables in {database.shown_url}, found another program at it; try again"
    ) from last


def _create_once(database: Database) -> str:
    # MySQL gives the lock back just before the commit: who comes then waits for the row of the version.
    with database.writing() as connection, creation_lock(connection, database):
        tables.metadata.create_all(connection)
        found = stored_version(connection)
        if found is None:
            write_versions(connection)
        return found or tables.ALEMBIC_VERSION


def _check_version(found: str | None, database: Database) -> None:
    if found == tables.ALEMBIC_VERSION:
        return
    if found is None:
        advice = "open it once with a user who may create tables, without skip_table_creation"
    elif found in VERSIONS:
        advice = (
            "make a backup, then upgrade it by RDBStorage(url, skip_compatibility_check=True).upgrade() "
            "or `optuna storage upgrade`"
        )
    else:
        advice = "update raystudy, or take another database"
    raise StorageUnavailable(
        f"expected Optuna's schema {tables.ALEMBIC_VERSION} in {database.shown_url}, found {found or 'none'}; "
        f"{advice}"
    )
