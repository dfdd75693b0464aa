"""The SQL that differs between dialects, and what is executed often, built once.

SQLAlchemy caches the compiled text of a statement by its structure; statement objects that are built only
once also save the walk over that structure at every commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from raystudy.storages import tables

__all__ = [
    "CLAIM",
    "FINISH",
    "LAST_TRIAL",
    "LOCK_STUDY",
    "LOCK_TRIALS",
    "NEW_TRIALS",
    "TRIAL_OF_NUMBER",
    "Statements",
]

_trials = tables.trials.c

#: Everybody who creates trials takes this lock first, Optuna's workers too.
LOCK_STUDY = (
    sa.select(tables.studies.c.study_id)
    .where(tables.studies.c.study_id == sa.bindparam("study_id"))
    .with_for_update()
)
LAST_TRIAL = (
    sa.select(_trials.trial_id, _trials.number)
    .where(_trials.study_id == sa.bindparam("study_id"))
    .order_by(_trials.trial_id.desc())
    .limit(1)
)
#: Without an index: for what is rarely asked.
TRIAL_OF_NUMBER = (
    sa.select(_trials.trial_id)
    .where(_trials.study_id == sa.bindparam("study_id"), _trials.number == sa.bindparam("number"))
    .limit(1)
)
# Not all above an id: without fresh statistics, PostgreSQL would look at every trial of the study for that.
NEW_TRIALS = (
    sa.select(_trials.number, _trials.trial_id)
    .where(_trials.study_id == sa.bindparam("study_id"))
    .order_by(_trials.trial_id.desc())
    .limit(sa.bindparam("n_new"))
)
# In the order of the ids, so that two writers never wait for each other in a circle.
LOCK_TRIALS = (
    sa.select(_trials.trial_id, _trials.state)
    .where(
        _trials.study_id == sa.bindparam("study_id"),
        _trials.trial_id.in_(sa.bindparam("trial_ids", expanding=True, literal_execute=True)),
    )
    .order_by(_trials.trial_id)
    .with_for_update()
)
FINISH = (
    sa.update(tables.trials)
    .where(_trials.trial_id == sa.bindparam("of_trial"))
    .values(state=sa.bindparam("state"), datetime_complete=sa.bindparam("datetime_complete"))
)
CLAIM = (
    sa.update(tables.trials)
    .where(_trials.trial_id == sa.bindparam("of_trial"))
    .values(state=sa.bindparam("state"), datetime_start=sa.bindparam("datetime_start"))
)

_CLOCKS = {
    # Milliseconds; unixepoch('subsec') needs SQLite 3.42.
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch from clock_timestamp())",
    # In UTC, because an hour of the session's zone may come twice a year; 1e-6 keeps all six decimals.
    "mysql": "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) * 1e-6",
}


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one dialect.

    ``keep_*`` inserts rows and leaves those alone that exist already; ``put_*`` inserts rows or replaces
    their values.  ``now`` selects the database's clock in seconds since 1970.
    """

    keep_params: sa.Insert
    keep_reports: sa.Insert
    put_values: sa.Insert
    put_user_attrs: sa.Insert
    put_system_attrs: sa.Insert
    put_study_user_attrs: sa.Insert
    put_study_system_attrs: sa.Insert
    now: sa.Select[Any]

    @classmethod
    def of(cls, dialect: str) -> Statements:
        """Return the statements of ``sqlite``, ``postgresql`` or ``mysql``; raise ValueError for another."""
        if dialect not in _CLOCKS:
            raise ValueError(
                f"expected one of the databases {sorted(_CLOCKS)}, got {dialect!r}; use one of these"
            )
        return cls(
            keep_params=_upsert(dialect, tables.trial_params, ("trial_id", "param_name")),
            keep_reports=_upsert(dialect, tables.trial_intermediate_values, ("trial_id", "step")),
            put_values=_upsert(
                dialect, tables.trial_values, ("trial_id", "objective"), replacing=("value", "value_type")
            ),
            put_user_attrs=_put_attrs(dialect, tables.trial_user_attributes, "trial_id"),
            put_system_attrs=_put_attrs(dialect, tables.trial_system_attributes, "trial_id"),
            put_study_user_attrs=_put_attrs(dialect, tables.study_user_attributes, "study_id"),
            put_study_system_attrs=_put_attrs(dialect, tables.study_system_attributes, "study_id"),
            now=sa.select(sa.literal_column(_CLOCKS[dialect], sa.Float)),
        )


def _put_attrs(dialect: str, table: sa.Table, owner: str) -> sa.Insert:
    return _upsert(dialect, table, (owner, "key"), replacing=("value_json",))


def _upsert(
    dialect: str, table: sa.Table, unique: tuple[str, ...], replacing: tuple[str, ...] = ()
) -> sa.Insert:
    """Return an insert that, where ``unique`` is taken, replaces some columns or does nothing."""
    if dialect == "mysql":
        return _mysql_upsert(table, unique[-1], replacing)
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if not replacing:
        return insert.on_conflict_do_nothing(index_elements=unique)
    new_values = {name: insert.excluded[name] for name in replacing}
    return insert.on_conflict_do_update(index_elements=unique, set_=new_values)


def _mysql_upsert(table: sa.Table, name: str, replacing: tuple[str, ...]) -> sa.Insert:
    row = mysql.insert(table)
    old, new = table.c[name], row.inserted[name]
    updates: dict[str, Any] = {column: row.inserted[column] for column in replacing}
    if isinstance(old.type, sa.String):
        # Most collations take "lr" and "LR" for equal: one of the two would be lost without a word.  MySQL has
        # no statement that raises an error; a subquery of two rows is one (1242).
        (key,) = table.primary_key.columns
        same = sa.cast(old, sa.LargeBinary) == sa.cast(new, sa.LargeBinary)
        updates[key.name] = sa.func.if_(same, key, sa.text("(SELECT 1 UNION ALL SELECT 2)"))
    elif not updates:
        updates[name] = old  # MySQL knows no "do nothing"
    return row.on_duplicate_key_update(updates)
