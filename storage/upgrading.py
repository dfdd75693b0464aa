"""Bringing a database that an older Optuna has made to the present schema.

The old tables are set aside, the present ones created, and the rows copied over: one way for all ten revisions
and all databases, told by the columns that are there, and the result has the DDL of a new database.  SQLite and
PostgreSQL do all this in one transaction.  MySQL commits every change of a table: there the old tables keep their
rows under other names until the copy is committed, and an upgrade that was cut off begins again with them.

Times are left as they are, as by ``optuna storage upgrade``: before 5.0 Optuna wrote local ones.
"""

from __future__ import annotations

from contextlib import ExitStack

import sqlalchemy as sa

from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.frozen import TrialState
from raystudy.storages import tables
from raystudy.storages.copying import COPIED, ENUMS, Old, copy_rows
from raystudy.storages.database import Database
from raystudy.storages.schema import VERSIONS, creation_lock, stored_version, write_versions

__all__ = ["SchemaVerbs", "upgrade_schema"]

_OLD = "raystudy_old_"
_COMMITTING = ("mysql", "mariadb")  # whatever changes a table there is committed at once


class SchemaVerbs:
    """The part of a database storage that knows the revisions of Optuna's schema."""

    _database: Database

    def get_current_version(self) -> str:
        """Return the revision of the database's schema."""
        with self._database.reading() as connection:
            return stored_version(connection) or VERSIONS[0]

    def get_head_version(self) -> str:
        """Return the revision that is read and written here."""
        return VERSIONS[0]

    def get_all_versions(self) -> list[str]:
        """Return all revisions from which ``upgrade`` starts, newest first."""
        return list(VERSIONS)

    def upgrade(self) -> None:
        """Bring the database to the present schema; nobody else may use it meanwhile.

        Open it with ``RDBStorage(url, skip_compatibility_check=True)``, after a backup.

        Raises:
            StorageUnavailable: If the schema is newer than this version of raystudy.
            StorageInternalError: If there are COMPLETE trials without a value; nothing is changed.
        """
        upgrade_schema(self._database)


def upgrade_schema(database: Database) -> None:
    """Bring a database to the present schema; see ``SchemaVerbs.upgrade``."""
    with database.reading() as holder, creation_lock(holder, database):
        with database.writing() as connection:
            found = stored_version(connection)
            if found not in (*VERSIONS, None):
                raise StorageUnavailable(
                    f"expected a schema older than {VERSIONS[0]} in {database.shown_url}, found {found}; "
                    "update raystudy"
                )
            if found not in (VERSIONS[0], None):
                _upgrade(connection, found)
        with database.writing() as connection:
            _drop(connection, [_OLD + table.name for table in COPIED])


def _upgrade(connection: sa.Connection, found: str | None) -> None:
    if found != VERSIONS[1]:
        _rebuild(connection)
    tables.metadata.create_all(connection)
    for index in tables.trials.indexes:  # all that VERSIONS[1] lacks
        index.create(connection, checkfirst=True)
    write_versions(connection)


def _rebuild(connection: sa.Connection) -> None:
    present = set(sa.inspect(connection).get_table_names())
    with ExitStack() as unless_copied:
        if not any(_OLD + table.name in present for table in COPIED):
            names = [table.name for table in COPIED if table.name in present]
            _check_values(connection)
            _set_aside(connection, names)
            if connection.dialect.name in _COMMITTING:
                unless_copied.callback(_put_back, connection, names)
        else:  # an upgrade was cut off here: the tables that it has created are not complete
            _drop(connection, [table.name for table in COPIED])
        tables.metadata.create_all(connection)
        copy_rows(connection, _tables(connection, prefix=_OLD))
        unless_copied.pop_all()


def _check_values(connection: sa.Connection) -> None:
    """Refuse what has no form in the present schema, before anything is changed."""
    old = _tables(connection, prefix="")
    trials, values = old["trials"], old["trial_values"]
    source: sa.FromClause = trials
    if "value" not in trials.c:
        source = trials.join(values, values.c.trial_id == trials.c.trial_id)
    value = trials.c.value if "value" in trials.c else values.c.value
    complete = sa.cast(trials.c.state, sa.String(8)) == TrialState.COMPLETE.name
    query = sa.select(trials.c.trial_id).select_from(source).where(complete, value.is_(None))
    found = list(connection.scalars(query.limit(10)))
    if found:
        raise StorageInternalError(
            f"expected a value in every COMPLETE trial, found none in those with the ids {found}; set the state of "
            "such trials to FAIL, then upgrade again"
        )


def _set_aside(connection: sa.Connection, names: list[str]) -> None:
    if connection.dialect.name in _COMMITTING:
        # One statement for all, so that there is no state in between.
        renamed = ", ".join(f"{name} TO {_OLD}{name}" for name in names)
        connection.execute(sa.text(f"RENAME TABLE {renamed}"))
        return
    for name, table in _tables(connection, prefix="").items():
        # States and kinds as texts, because their types go with the tables.
        columns = (sa.cast(c, sa.Text).label(c.name) if c.name in ENUMS else c for c in table.c)
        rows = sa.select(*columns).compile(dialect=connection.dialect)
        connection.execute(sa.text(f"CREATE TABLE {_OLD}{name} AS {rows}"))
    _drop(connection, names)
    if connection.dialect.name == "postgresql":
        for kind in ENUMS.values():
            connection.execute(sa.text(f"DROP TYPE IF EXISTS {kind}"))


def _put_back(connection: sa.Connection, names: list[str]) -> None:
    _drop(connection, [table.name for table in COPIED])
    renamed = ", ".join(f"{_OLD}{name} TO {name}" for name in names)
    connection.execute(sa.text(f"RENAME TABLE {renamed}"))


def _drop(connection: sa.Connection, names: list[str]) -> None:
    for name in reversed(names):
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))


def _tables(connection: sa.Connection, prefix: str) -> Old:
    """Return the old tables that exist under a prefix, with the columns that they have."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    return {
        table.name: sa.table(
            prefix + table.name, *(sa.column(c["name"]) for c in inspector.get_columns(prefix + table.name))
        )
        for table in COPIED
        if prefix + table.name in present
    }
