"""Studies in a database, readable and writable by Optuna at the same time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import sqlalchemy as sa

from raystudy.exceptions import DuplicatedStudyError
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages import leases, tables
from raystudy.storages.base import CallRecord, CommitResult, Fence, StudyRecord, Write
from raystudy.storages.best import BestTrials
from raystudy.storages.checking import check_writes
from raystudy.storages.codec import attribute_from_json, attribute_to_json
from raystudy.storages.columns import Columns
from raystudy.storages.committing import commit_writes, lock_study
from raystudy.storages.database import Database
from raystudy.storages.heartbeats import HeartbeatVerbs
from raystudy.storages.optuna_verbs import BaseStorage
from raystudy.storages.reading import TrialReader, changed_columns, changed_trials, states_of_ids, trial_of_id
from raystudy.storages.schema import ensure_schema
from raystudy.storages.stale import StaleTrialCallback, heartbeat_settings
from raystudy.storages.statements import Statements
from raystudy.storages.upgrading import SchemaVerbs
from raystudy.suggesting import check_name

__all__ = ["RDBStorage"]

_studies, _directions, _trials = tables.studies.c, tables.study_directions.c, tables.trials.c


class RDBStorage(BaseStorage, HeartbeatVerbs, SchemaVerbs):
    """Studies in SQLite, PostgreSQL or MySQL, in Optuna's schema; see ``Storage`` for the verbs.

    Several processes on several hosts may use one database (SQLite: one host).  Pickling carries the URL, so
    that a driver elsewhere can open the same database.

    The arguments are Optuna's.  Heartbeats concern trials of Optuna's workers, and of ask/tell loops that call
    ``record_heartbeat``; our own drivers hold leases instead.

    Args:
        url: An SQLAlchemy URL such as ``sqlite:///study.db`` or ``postgresql://user:password@host/name``.
        engine_kwargs: Arguments for ``sqlalchemy.create_engine``.
        skip_compatibility_check: Open a database of another schema as well, at your own risk.
        heartbeat_interval: Time between heartbeats in seconds; None: dead trials are not looked for.
        grace_period: Age of a heartbeat in seconds at which its trial counts as dead; None: twice the interval.
        heartbeat_stale_trial_callback: Called with the study and each dead trial once it has been failed.
        failed_trial_callback: The old name of ``heartbeat_stale_trial_callback``.
        skip_table_creation: Create no tables, for a user of the database who may not.

    Raises:
        StorageUnavailable: If the database cannot be opened; the text shows the URL without its password.
        ValueError: If a time is not positive, or the callback is given under both names.
    """

    def __init__(
        self,
        url: str,
        engine_kwargs: Mapping[str, Any] | None = None,
        skip_compatibility_check: bool = False,
        *,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        heartbeat_stale_trial_callback: StaleTrialCallback | None = None,
        failed_trial_callback: StaleTrialCallback | None = None,
        skip_table_creation: bool = False,
    ) -> None:
        self._heartbeats = heartbeat_settings(
            heartbeat_interval, grace_period, heartbeat_stale_trial_callback, failed_trial_callback
        )
        self.url = url
        self.engine_kwargs = dict(engine_kwargs or {})
        self.skip_compatibility_check = skip_compatibility_check
        self._skip_table_creation = skip_table_creation
        self._database = Database(url, self.engine_kwargs)
        self._statements = Statements.of(self._database.dialect)
        self._reader = TrialReader()
        self._best_trials = BestTrials()
        with ExitStack() as unless_opened:
            unless_opened.callback(self._database.close)
            ensure_schema(self._database, create=not skip_table_creation, check=not skip_compatibility_check)
            unless_opened.pop_all()

    def __repr__(self) -> str:
        return f"RDBStorage({self._database.shown_url!r})"

    def __reduce__(self) -> tuple[partial[RDBStorage], tuple[str, dict[str, Any], bool]]:
        opened = partial(
            RDBStorage,
            heartbeat_interval=self.heartbeat_interval,
            grace_period=self.grace_period,
            heartbeat_stale_trial_callback=self.heartbeat_stale_trial_callback,
            skip_table_creation=self._skip_table_creation,
        )
        return opened, (self._database.absolute_url(), self.engine_kwargs, self.skip_compatibility_check)

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine of the database, for statements of one's own."""
        return self._database.engine

    def create_study(self, name: str, directions: Sequence[StudyDirection]) -> int:
        """Create a study and return its id; raise DuplicatedStudyError if the name is taken."""
        row = {"study_name": check_name("study", name)}
        try:
            with self._database.writing() as connection:
                created = connection.execute(sa.insert(tables.studies).values(row))
                study_id = int((created.inserted_primary_key or (0,))[0])
                rows = [
                    {"study_id": study_id, "objective": objective, "direction": StudyDirection(direction)}
                    for objective, direction in enumerate(directions)
                ]
                connection.execute(sa.insert(tables.study_directions), rows)
        except sa.exc.IntegrityError as error:
            raise DuplicatedStudyError(
                f"expected a new name, got {name!r}: a study of this name exists in "
                f"{self._database.shown_url}; pass load_if_exists=True to continue it, or take another name"
            ) from error
        return study_id

    def find_study(self, name: str) -> int | None:
        """Return the id of the study of this name, or None."""
        query = sa.select(_studies.study_name, _studies.study_id).where(_studies.study_name == name)
        with self._database.reading() as connection:
            # MySQL finds names that differ in case or accents as well.
            return next(
                (found.study_id for found in connection.execute(query) if found.study_name == name), None
            )

    def study_names(self) -> list[str]:
        """Return the names of all studies, oldest first."""
        with self._database.reading() as connection:
            return list(connection.scalars(sa.select(_studies.study_name).order_by(_studies.study_id)))

    def read_study(self, study_id: int) -> StudyRecord:
        """Return a study's record; raise KeyError if there is no such study."""
        directions = sa.select(_directions.direction).where(_directions.study_id == study_id)
        with self._database.reading() as connection:
            name = connection.scalar(sa.select(_studies.study_name).where(_studies.study_id == study_id))
            if name is None:
                raise KeyError(f"expected the id of a study, got {study_id}: there is none")
            return StudyRecord(
                study_id=study_id,
                name=name,
                directions=tuple(connection.scalars(directions.order_by(_directions.objective))),
                user_attrs=_study_attrs(connection, tables.study_user_attributes, study_id),
                system_attrs=_study_attrs(connection, tables.study_system_attributes, study_id),
            )

    def delete_study(self, study_id: int) -> None:
        """Delete a study with its trials; raise KeyError if there is no such study."""
        of_study = sa.select(tables.trials.c.trial_id).where(tables.trials.c.study_id == study_id)
        with self._database.writing() as connection:
            lock_study(connection, study_id)
            # Rows go before the rows that they refer to: sorted_tables has the owners first.
            for table in reversed(tables.metadata.sorted_tables):
                if "study_id" in table.c:
                    connection.execute(sa.delete(table).where(table.c.study_id == study_id))
                elif "trial_id" in table.c:
                    connection.execute(sa.delete(table).where(table.c.trial_id.in_(of_study)))
        self._reader.forget(study_id)

    def set_study_attrs(
        self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]
    ) -> None:
        """Set attributes of a study; other keys stay."""
        statements = self._statements
        with self._database.writing() as connection:
            lock_study(connection, study_id)
            for statement, attrs in (
                (statements.put_study_user_attrs, user_attrs),
                (statements.put_study_system_attrs, system_attrs),
            ):
                rows = [
                    {
                        "study_id": study_id,
                        "key": check_name("study attribute", key),
                        "value_json": attribute_to_json(key, value),
                    }
                    for key, value in attrs.items()
                ]
                if rows:
                    connection.execute(statement, rows)

    def read_trials(self, study_id: int, states: Collection[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the study's trials by number; finished ones are shared with the cache."""
        with self._database.reading() as connection:
            return self._reader.read(connection, study_id, states)

    def read_trial(self, trial_id: int) -> FrozenTrial:
        """Return one trial; raise KeyError if there is no such trial."""
        with self._database.reading() as connection:
            return trial_of_id(connection, trial_id)

    def find_trial(self, study_id: int, number: int) -> int | None:
        """Return the id of the study's trial of this number, or None."""
        query = sa.select(_trials.trial_id).where(_trials.study_id == study_id, _trials.number == number)
        with self._database.reading() as connection:
            return connection.scalar(query)

    def study_of_trial(self, trial_id: int) -> int:
        """Return the id of the study that a trial belongs to; raise KeyError if there is no such trial."""
        with self._database.reading() as connection:
            found = connection.scalar(sa.select(_trials.study_id).where(_trials.trial_id == trial_id))
        if found is None:
            raise KeyError(f"expected the id of a trial, got {trial_id}: there is none")
        return int(found)

    def read_changes(self, study_id: int, after_id: int, unfinished: Collection[int]) -> list[FrozenTrial]:
        """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist."""
        with self._database.reading() as connection:
            return changed_trials(connection, study_id, after_id, unfinished)

    def read_columns(
        self,
        study_id: int,
        after_id: int = -1,
        unfinished: Collection[int] = (),
        system_attrs: Collection[str] = (),
    ) -> Columns:
        """Return trials as columns; see ``Storage.read_columns``."""
        with self._database.reading() as connection:
            return changed_columns(connection, study_id, after_id, unfinished, system_attrs)

    def find_best_trial(self, study_id: int) -> int | None:
        """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals."""
        with self._database.reading() as connection:
            return self._best_trials.read(connection, study_id)

    def read_states(self, trial_ids: Collection[int]) -> dict[int, TrialState]:
        """Return the states of those trials that exist, by id."""
        with self._database.reading() as connection:
            return states_of_ids(connection, trial_ids)

    def commit(self, study_id: int, writes: Sequence[Write], fence: Fence | None = None) -> CommitResult:
        """Apply writes in order, all in one transaction; see ``Storage.commit`` for the errors."""
        check_writes(writes)
        return self._database.write(
            lambda connection: commit_writes(connection, self._statements, study_id, writes, fence)
        )

    def read_calls(self, study_id: int) -> list[CallRecord]:
        """Return the calls of a study that have not ended."""
        with self._database.reading() as connection:
            return leases.read_calls(connection, self._statements, study_id)

    def open_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> None:
        """Record a new call with its lease."""
        with self._database.writing() as connection:
            lock_study(connection, study_id)
            leases.open_call(connection, self._statements, study_id, fence, target, lease_s)

    def take_over_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> bool:
        """Give an unended call whose lease has run out to a new owner; return whether that happened."""
        return self._database.write(
            lambda connection: leases.take_over_call(
                connection, self._statements, study_id, fence, target, lease_s
            )
        )

    def renew_call(self, study_id: int, fence: Fence, lease_s: float) -> None:
        """Extend the lease (0 gives it up at once); raise LeaseLost if another owner has it."""
        self._database.write(
            lambda connection: leases.renew_call(connection, self._statements, study_id, fence, lease_s)
        )

    def end_call(self, study_id: int, fence: Fence) -> None:
        """Mark the call as ended; raise LeaseLost if another owner has it."""
        self._database.write(
            lambda connection: leases.end_call(connection, self._statements, study_id, fence)
        )

    def close(self) -> None:
        """Close all connections; the next verb opens new ones."""
        self._database.close()


def _study_attrs(connection: sa.Connection, table: sa.Table, study_id: int) -> dict[str, Any]:
    query = sa.select(table.c.key, table.c.value_json).where(table.c.study_id == study_id)
    rows = connection.execute(query.order_by(*table.primary_key.columns))
    return {key: attribute_from_json(text) for key, text in rows}
