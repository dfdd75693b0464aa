"""Creating the tables in an empty database, and refusing a database of another schema."""

from __future__ import annotations

import sqlalchemy as sa

from raystudy.exceptions import StorageUnavailable
from raystudy.storages import tables
from raystudy.storages.database import Database

__all__ = ["ensure_schema"]

# Any fixed number will do: it keeps two programs that start at once from creating the same tables.
_CREATION_LOCK = 0x7261_7973


def ensure_schema(database: Database) -> None:
    """Create whichever of Optuna's tables are missing; several programs may do so at once.

    Raises:
        StorageUnavailable: If the database holds another version of the schema, or cannot be reached.
    """
    with database.reading() as connection:
        if sa.inspect(connection).has_table(tables.alembic_version.name):
            found = connection.scalar(sa.select(tables.alembic_version.c.version_num))
            if found is not None:
                return _check_version(found, database)
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
        tables.metadata.create_all(connection)
        found = _stamp(connection)
    return _check_version(found, database)


def _stamp(connection: sa.Connection) -> str:
    """Record the versions where there are none; return the version that the database has."""
    found = connection.scalar(sa.select(tables.alembic_version.c.version_num))
    if found is not None:
        return str(found)
    schema = connection.scalar(sa.select(tables.version_info.c.schema_version))
    if schema is None:
        row = {"schema_version": tables.SCHEMA_VERSION, "library_version": tables.LIBRARY_VERSION}
        connection.execute(sa.insert(tables.version_info).values(version_info_id=1, **row))
    elif schema != tables.SCHEMA_VERSION:
        return f"schema {schema}"
    connection.execute(sa.insert(tables.alembic_version).values(version_num=tables.ALEMBIC_VERSION))
    return tables.ALEMBIC_VERSION


def _check_version(found: str, database: Database) -> None:
    if found != tables.ALEMBIC_VERSION:
        raise StorageUnavailable(
            f"expected Optuna's schema {tables.ALEMBIC_VERSION} in {database.shown_url}, found {found}; "
            "run `optuna storage upgrade` if it is an older one, or update raystudy if it is a newer one"
        )
