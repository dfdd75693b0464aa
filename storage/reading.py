"""Trials out of rows: a fixed number of queries for any number of trials, finished trials only once.

A finished trial never changes, so that it is assembled once and shared.  Trials get their ids in the order in
which they become visible (whoever creates one holds the lock of the study), so that a later read needs only
the rows above the last id known and those of the trials that were unfinished then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages import tables
from raystudy.storages.codec import attribute_from_json, number_from_row, param_from_row, to_local

__all__ = ["TrialReader", "changed_trials", "trial_of_id"]

# Above this, a list of ids is longer to send and to parse than the rows in between are to read.
_MOST_LISTED = 1000

#: Rows of ``trials`` as ``_ROWS`` selects them; SQLAlchemy's own type of them changes between its releases.
Rows = Sequence[Any]

_FINISHED = tuple(state for state in TrialState if state.is_finished())

_trials = tables.trials.c
_ROWS: sa.Select[Any] = sa.select(
    _trials.trial_id, _trials.number, _trials.state, _trials.datetime_start, _trials.datetime_complete
).order_by(_trials.trial_id)
_STUDY_NAME = sa.select(tables.studies.c.study_name).where(
    tables.studies.c.study_id == sa.bindparam("study_id")
)


def _listed(column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True, literal_execute=True))


_ROWS_OF_STUDY = _ROWS.where(_trials.study_id == sa.bindparam("study_id"))
_ROWS_OF_STATES = _ROWS_OF_STUDY.where(_trials.state.in_(sa.bindparam("states", expanding=True)))
_ROWS_SINCE = _ROWS_OF_STUDY.where(
    sa.or_(_trials.trial_id >= sa.bindparam("from_id"), _listed(_trials.trial_id, "unfinished"))
)
_ROW_OF_ID = _ROWS.where(_trials.trial_id == sa.bindparam("trial_id"))


class _Details:
    """Two queries for the rows of a detail table: by a list of trial ids, or by a range within a study."""

    def __init__(self, table: sa.Table, *columns: str) -> None:
        owner = table.c.trial_id
        query = sa.select(owner, *(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
        self.by_ids = query.where(_listed(owner, "trial_ids"))
        of_study = table.join(tables.trials, owner == _trials.trial_id)
        between = owner.between(sa.bindparam("low"), sa.bindparam("high"))
        self.by_range = query.select_from(of_study).where(
            _trials.study_id == sa.bindparam("study_id"), between
        )


_VALUES = _Details(tables.trial_values, "objective", "value", "value_type")
_PARAMS = _Details(tables.trial_params, "param_name", "param_value", "distribution_json")
_USER_ATTRS = _Details(tables.trial_user_attributes, "key", "value_json")
_SYSTEM_ATTRS = _Details(tables.trial_system_attributes, "key", "value_json")
_REPORTS = _Details(tables.trial_intermediate_values, "step", "intermediate_value", "intermediate_value_type")


@dataclass(slots=True)
class _Known:
    """What is known of one study: its name, its finished trials by id, and which ids to look at again."""

    name: str
    finished: dict[int, FrozenTrial] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    last: tuple[int, Any] | None = None  # id and start of the newest trial seen


class TrialReader:
    """Reads the trials of studies and keeps the finished ones.  Safe for use by several threads."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._lock = threading.Lock()

    def forget(self, study_id: int) -> None:
        """Drop what is kept of a study."""
        with self._lock:
            self._known.pop(study_id, None)

    def read(
        self, connection: sa.Connection, study_id: int, states: Collection[TrialState] | None
    ) -> list[FrozenTrial]:
        """Return the study's trials by number, of the given states or all; raise KeyError without a study."""
        name = connection.scalar(_STUDY_NAME, {"study_id": study_id})
        if name is None:
            raise KeyError(
                f"expected the id of a study, got {study_id}: there is none, it may have been deleted"
            )
        if states is not None and not any(state.is_finished() for state in states):
            found = connection.execute(_ROWS_OF_STATES, {"study_id": study_id, "states": list(states)})
            return _by_number(_assemble(connection, study_id, found.all()))
        with self._lock:
            known = self._known.get(study_id)
            if known is None or known.name != name:
                known = self._known[study_id] = _Known(name)
            since, looked_at = known.last, set(known.unfinished)
        rows = _rows_since(connection, study_id, since, looked_at)
        if rows is None:  # the study was deleted, and another one has got its id
            self.forget(study_id)
            return self.read(connection, study_id, states)
        fresh = [row for row in rows if row.trial_id not in known.finished]
        if states is not None:
            fresh = [row for row in fresh if row.state in _FINISHED or row.state in states]
        trials = self._merge(known, rows, _assemble(connection, study_id, fresh))
        return _by_number(trial for trial in trials if states is None or trial.state in states)

    def _merge(self, known: _Known, rows: Rows, assembled: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Keep what has finished; return all finished trials and, of the others, those just assembled."""
        running: dict[int, FrozenTrial] = {}
        with self._lock:
            for trial in assembled:
                kept = known.finished if trial.state.is_finished() else running
                kept.setdefault(trial.trial_id, trial)
            known.unfinished.update(row.trial_id for row in rows)
            known.unfinished.difference_update(known.finished)
            newest = rows[-1] if rows else None
            if newest is not None and (known.last is None or newest.trial_id > known.last[0]):
                known.last = (newest.trial_id, newest.datetime_start)
            # Another thread may have seen a trial finished that was running when this one looked.
            return [*known.finished.values(), *(t for i, t in running.items() if i not in known.finished)]


def changed_trials(
    connection: sa.Connection, study_id: int, after_id: int, unfinished: Collection[int]
) -> list[FrozenTrial]:
    """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist, by number."""
    parameters = {"study_id": study_id, "from_id": after_id + 1, "unfinished": sorted(unfinished)}
    rows = connection.execute(_ROWS_SINCE, parameters).all()
    return _by_number(_assemble(connection, study_id, rows))


def trial_of_id(connection: sa.Connection, trial_id: int) -> FrozenTrial:
    """Return one trial; raise KeyError if there is no such trial."""
    rows = connection.execute(_ROW_OF_ID, {"trial_id": trial_id}).all()
    if not rows:
        raise KeyError(f"expected the id of a trial, got {trial_id}: there is none")
    return next(iter(_assemble(connection, 0, rows)))


def _rows_since(
    connection: sa.Connection, study_id: int, since: tuple[int, Any] | None, unfinished: set[int]
) -> Rows | None:
    """Return the rows from the newest known trial on and the unfinished ones; None if that trial is gone."""
    if since is None:
        return connection.execute(_ROWS_OF_STUDY, {"study_id": study_id}).all()
    parameters = {"study_id": study_id, "from_id": since[0], "unfinished": sorted(unfinished)}
    rows = connection.execute(_ROWS_SINCE, parameters).all()
    # SQLite gives the ids of deleted rows away again: a study of the same name may have been made anew.
    # A waiting trial gets its start later, hence only a start that was known can contradict.
    still_there = any(row.trial_id == since[0] and since[1] in (None, row.datetime_start) for row in rows)
    return rows if still_there else None


def _assemble(connection: sa.Connection, study_id: int, rows: Rows) -> list[FrozenTrial]:
    """Return the trials of some rows, each with all its details."""
    if not rows:
        return []
    trials: dict[int, FrozenTrial] = {}
    for trial_id, number, state, start, complete in rows:
        trials[trial_id] = FrozenTrial(
            number=number,
            state=state,
            datetime_start=to_local(start),
            datetime_complete=to_local(complete),
            trial_id=trial_id,
        )

    def details(of: _Details) -> Iterator[tuple[Any, ...]]:
        if len(trials) <= _MOST_LISTED:
            found = connection.execute(of.by_ids, {"trial_ids": list(trials)})
        else:
            limits = {"study_id": study_id, "low": min(trials), "high": max(trials)}
            found = connection.execute(of.by_range, limits)
        for trial_id, *columns in found:
            trial = trials.get(trial_id)
            if trial is not None:
                yield trial, *columns

    _fill(trials.values(), details)
    return list(trials.values())


def _fill(trials: Iterable[FrozenTrial], details: Callable[[_Details], Iterator[tuple[Any, ...]]]) -> None:
    for trial, name, internal, text in details(_PARAMS):
        trial.params[name], trial.distributions[name] = param_from_row(name, internal, text)
    for trial, key, text in details(_USER_ATTRS):
        trial.user_attrs[key] = attribute_from_json(text)
    for trial, key, text in details(_SYSTEM_ATTRS):
        trial.system_attrs[key] = attribute_from_json(text)
    for trial, step, number, kind in details(_REPORTS):
        trial.intermediate_values[step] = number_from_row(number, kind)
    values: dict[int, dict[int, float]] = {}
    for trial, objective, number, kind in details(_VALUES):
        values.setdefault(trial.trial_id, {})[objective] = number_from_row(number, kind)
    for trial in trials:
        if trial.trial_id in values:
            trial.values = [value for _, value in sorted(values[trial.trial_id].items())]


def _by_number(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    return sorted(trials, key=attrgetter("number"))
