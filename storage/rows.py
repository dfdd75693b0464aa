"""Rows of the table of trials as arrays, and how rows are fetched.

Rows come straight from the driver's cursor: building SQLAlchemy's row objects, and converting each value by
itself, would take longer than everything else.  Whoever creates a trial holds the lock of its study, so that
ids appear in increasing order and a finished trial never changes: a later read goes on where one ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from raystudy.frozen import TrialState
from raystudy.storages import tables
from raystudy.storages.columns import TIME

__all__ = [
    "TRIALS_AT_ONCE",
    "TrialRows",
    "fetch",
    "is_there",
    "listed",
    "newest_trial_row",
    "raw",
    "trial_rows",
    "trial_rows_of_states",
    "trial_rows_since",
]

#: Many drivers take in a whole result at once: so much of it may be in memory beside the arrays.
TRIALS_AT_ONCE = 1000
_ROWS_AT_ONCE = 10_000

_trials = tables.trials.c


def raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column whose values stay as the driver gives them."""
    return sa.type_coerce(column, sa.types.NullType())


def listed(column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column is in the list of numbers of a parameter."""
    return column.in_(sa.bindparam(name, expanding=True, literal_execute=True))


_HEADS: sa.Select[Any] = sa.select(
    _trials.trial_id,
    _trials.number,
    raw(_trials.state),
    raw(_trials.datetime_start),
    raw(_trials.datetime_complete),
).order_by(_trials.trial_id)
_OF_STUDY = _HEADS.where(_trials.study_id == sa.bindparam("study_id"))
_FROM_ID = _OF_STUDY.where(_trials.trial_id >= sa.bindparam("from_id"))
_OF_IDS = _OF_STUDY.where(listed(_trials.trial_id, "trial_ids"))
_OF_STATES = _OF_STUDY.where(_trials.state.in_(sa.bindparam("states", expanding=True)))
_NEWEST = (
    _HEADS.order_by(None)
    .where(_trials.study_id == sa.bindparam("study_id"))
    .order_by(_trials.trial_id.desc())
    .limit(1)
)
_OF_ID = _HEADS.where(_trials.trial_id == sa.bindparam("trial_id"))


@dataclass(frozen=True, slots=True, eq=False)
class TrialRows:
    """Rows of ``trials``, in the order of their ids; the arrays are those of ``Columns``."""

    trial_ids: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    states: npt.NDArray[np.int8]
    starts: npt.NDArray[np.datetime64]
    completes: npt.NDArray[np.datetime64]

    def take(self, which: npt.NDArray[np.bool_] | slice) -> TrialRows:
        """Return some of the rows."""
        return TrialRows(
            self.trial_ids[which],
            self.numbers[which],
            self.states[which],
            self.starts[which],
            self.completes[which],
        )


def trial_rows_since(
    connection: sa.Connection, study_id: int, from_id: int, others: Collection[int]
) -> TrialRows:
    """Return the study's trials with an id of at least ``from_id``, and those of ``others`` that exist."""
    below = sorted(trial_id for trial_id in others if trial_id < from_id)
    chunks: list[Sequence[Any]] = []
    for at in range(0, len(below), TRIALS_AT_ONCE):
        listed = {"study_id": study_id, "trial_ids": below[at : at + TRIALS_AT_ONCE]}
        chunks += fetch(connection, _OF_IDS, listed)
    chunks += fetch(connection, _FROM_ID, {"study_id": study_id, "from_id": from_id})
    return _heads(chunks)


def trial_rows_of_states(
    connection: sa.Connection, study_id: int, states: Collection[TrialState]
) -> TrialRows:
    """Return the study's trials that are in one of some states."""
    return _heads(fetch(connection, _OF_STATES, {"study_id": study_id, "states": list(states)}))


def newest_trial_row(connection: sa.Connection, study_id: int) -> TrialRows:
    """Return the row of the study's newest trial, or none."""
    return _heads(fetch(connection, _NEWEST, {"study_id": study_id}))


def is_there(found: TrialRows, newest: TrialRows) -> bool:
    """Whether the newest trial seen so far is still the same: SQLite gives ids of deleted rows away again."""
    if not len(newest.trial_ids):
        return True
    start, starts = newest.starts[-1], found.starts[found.trial_ids == newest.trial_ids[-1]]
    # A waiting trial gets its start later, hence only a start that was known can contradict.
    return len(starts) == 1 and bool(np.isnat(start) or starts[0] == start)


def trial_rows(connection: sa.Connection, trial_id: int) -> TrialRows:
    """Return the row of one trial, or none."""
    return _heads(fetch(connection, _OF_ID, {"trial_id": trial_id}))


def fetch(
    connection: sa.Connection, query: sa.Select[Any], parameters: dict[str, Any]
) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query in chunks, as the driver gives them; SQLAlchemy's errors are raised."""
    result = connection.execute(query, parameters)
    try:
        while chunk := result.cursor.fetchmany(_ROWS_AT_ONCE):
            yield chunk
    except connection.dialect.loaded_dbapi.Error as error:
        # SQLAlchemy, which names errors alike for all drivers, does not see what happens at the cursor.
        raise sa.exc.OperationalError(str(query), None, error) from error
    finally:
        result.close()


def _heads(chunks: Iterable[Sequence[Any]]) -> TrialRows:
    rows = [row for chunk in chunks for row in chunk]
    ids, numbers, states, starts, completes = zip(*rows, strict=True) if rows else ((),) * 5
    return TrialRows(
        np.array(ids, np.int64),
        np.array(numbers, np.int64),
        np.array([TrialState[name] for name in states], np.int8),
        np.array(starts, TIME),
        np.array(completes, TIME),
    )
