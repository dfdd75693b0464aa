"""Trials out of a database: read in bulk, finished ones only once.

A finished trial never changes, so that it is kept and shared.  Trials get their ids in the order in which they
become visible (whoever creates one holds the lock of the study), so that a later read needs only the rows
above the last id known and those of the trials that were unfinished then.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import sqlalchemy as sa

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages import details, rows, tables
from raystudy.storages.columns import Columns
from raystudy.storages.rows import TrialRows
from raystudy.storages.stored import StoredTrials

__all__ = ["TrialReader", "changed_columns", "changed_trials", "states_of_ids", "trial_of_id"]

_MOST_LISTED = 1000
_trials = tables.trials.c
_STUDY_NAME = sa.select(tables.studies.c.study_name).where(
    tables.studies.c.study_id == sa.bindparam("study_id")
)
_N_OBJECTIVES = (
    sa.select(sa.func.count())
    .select_from(tables.study_directions)
    .where(tables.study_directions.c.study_id == sa.bindparam("study_id"))
)
_STATES = sa.select(_trials.trial_id, _trials.state).where(
    _trials.trial_id.in_(sa.bindparam("trial_ids", expanding=True, literal_execute=True))
)


@dataclass(slots=True)
class _Known:
    """What is known of one study: its name, its finished trials by id, which ids to look at again, the newest seen."""

    name: str
    finished: dict[int, FrozenTrial] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    newest: TrialRows | None = None


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
            return _by_number(_trials_of(connection, rows.trial_rows_of_states(connection, study_id, states)))
        with self._lock:
            known = self._known.get(study_id)
            if known is None or known.name != name:
                known = self._known[study_id] = _Known(name)
            newest, looked_at = known.newest, set(known.unfinished)
        from_id = -1 if newest is None else int(newest.trial_ids[-1])
        found = rows.trial_rows_since(connection, study_id, from_id, looked_at)
        if newest is not None and not rows.is_there(
            found, newest
        ):  # the study was deleted, another has its id
            self.forget(study_id)
            return self.read(connection, study_id, states)
        is_new = np.array([trial_id not in known.finished for trial_id in found.trial_ids.tolist()], np.bool_)
        if states is not None:
            wanted = {state for state in TrialState if state.is_finished()} | set(states)
            is_new &= np.isin(found.states, [int(state) for state in wanted])
        trials = self._merge(known, found, _trials_of(connection, found.take(is_new)))
        return _by_number(trial for trial in trials if states is None or trial.state in states)

    def _merge(self, known: _Known, found: TrialRows, fresh: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Keep what has finished; return all finished trials and, of the others, those just read."""
        running: dict[int, FrozenTrial] = {}
        with self._lock:
            for trial in fresh:
                kept = known.finished if trial.state.is_finished() else running
                kept.setdefault(trial.trial_id, trial)
            known.unfinished.update(found.trial_ids.tolist())
            known.unfinished.difference_update(known.finished)
            newest = found.take(slice(-1, None))
            if known.newest is None or bool((newest.trial_ids > known.newest.trial_ids).all()):
                known.newest = newest if len(newest.trial_ids) else None
            # Another thread may have seen a trial finished that was running when this one looked.
            return [*known.finished.values(), *(t for i, t in running.items() if i not in known.finished)]


def changed_trials(
    connection: sa.Connection, study_id: int, after_id: int, unfinished: Collection[int]
) -> list[FrozenTrial]:
    """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist, by number."""
    return _by_number(
        _trials_of(connection, rows.trial_rows_since(connection, study_id, after_id + 1, unfinished))
    )


def changed_columns(
    connection: sa.Connection,
    study_id: int,
    after_id: int,
    unfinished: Collection[int],
    system_attrs: Collection[str],
) -> Columns:
    """Return the columns of the same trials as ``changed_trials``; raise KeyError without a study."""
    n_objectives = connection.scalar(_N_OBJECTIVES, {"study_id": study_id})
    if not n_objectives:
        raise KeyError(f"expected the id of a study, got {study_id}: there is none, it may have been deleted")
    found = rows.trial_rows_since(connection, study_id, after_id + 1, unfinished)
    return details.read_columns(connection, found, n_objectives, system_attrs)


def trial_of_id(connection: sa.Connection, trial_id: int) -> FrozenTrial:
    """Return one trial; raise KeyError if there is no such trial."""
    trials = _trials_of(connection, rows.trial_rows(connection, trial_id))
    if not trials:
        raise KeyError(f"expected the id of a trial, got {trial_id}: there is none")
    return trials[0]


def states_of_ids(connection: sa.Connection, trial_ids: Collection[int]) -> dict[int, TrialState]:
    """Return the states of those trials that exist, by id."""
    ids = sorted(trial_ids)
    chunks = (ids[i : i + _MOST_LISTED] for i in range(0, len(ids), _MOST_LISTED))
    found = (row for chunk in chunks for row in connection.execute(_STATES, {"trial_ids": chunk}))
    return {int(trial_id): TrialState(state) for trial_id, state in found}


def _trials_of(connection: sa.Connection, found: TrialRows) -> list[FrozenTrial]:
    if not len(found.trial_ids):
        return []
    columns = details.read_columns(connection, found, None, ())
    user_attrs = details.user_attr_rows(connection, found.trial_ids)
    system_attrs = details.system_attr_rows(connection, found.trial_ids)
    return StoredTrials(columns, user_attrs, system_attrs).trials()


def _by_number(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    return sorted(trials, key=attrgetter("number"))
