"""The best trial of a study without reading the others: the database sorts once, later only what has changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import tables
from raystudy.storages.codec import ValueKind
from raystudy.storages.rows import (
    TRIALS_AT_ONCE,
    TrialRows,
    is_there,
    listed,
    newest_trial_row,
    trial_rows_of_states,
    trial_rows_since,
)

__all__ = ["BestTrials"]

_UNFINISHED = [state for state in TrialState if not state.is_finished()]

_trials, _values = tables.trials.c, tables.trial_values.c
_DIRECTION = sa.select(tables.study_directions.c.direction).where(
    tables.study_directions.c.study_id == sa.bindparam("study_id"),
    tables.study_directions.c.objective == 0,
)
# Infinities are NULL in the column of numbers, and tell themselves apart by their kind.
_RANK = sa.case(
    (_values.value_type == ValueKind.INF_NEG, -1), (_values.value_type == ValueKind.INF_POS, 1), else_=0
)
_COMPLETE: sa.Select[Any] = (
    sa.select(_trials.trial_id)
    .join(tables.trial_values, _values.trial_id == _trials.trial_id)
    .where(_trials.state == TrialState.COMPLETE, _values.objective == 0)
    .limit(1)
)
_ORDER = {
    StudyDirection.MINIMIZE: (_RANK, _values.value, _trials.trial_id),
    StudyDirection.MAXIMIZE: (_RANK.desc(), _values.value.desc(), _trials.trial_id),
}
_OF_STUDY = {
    direction: _COMPLETE.where(_trials.study_id == sa.bindparam("study_id")).order_by(*order)
    for direction, order in _ORDER.items()
}
_OF_IDS = {
    direction: _COMPLETE.where(listed(_trials.trial_id, "trial_ids")).order_by(*order)
    for direction, order in _ORDER.items()
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one study: its best trial, the newest trial seen and which ids to look at again."""

    best_id: int | None
    newest: TrialRows
    unfinished: frozenset[int]


class BestTrials:
    """Finds the best trials of studies and remembers them.  Safe for use by several threads."""

    def __init__(self) -> None:
        #: None for a study that was asked for once: who asks only once is spared the search for unfinished trials.
        self._known: dict[int, _Known | None] = {}
        self._lock = threading.Lock()

    def read(self, connection: sa.Connection, study_id: int) -> int | None:
        """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals.

        Raises:
            KeyError: If there is no such study.
        """
        direction = connection.scalar(_DIRECTION, {"study_id": study_id})
        if direction is None:
            raise KeyError(
                f"expected the id of a study, got {study_id}: there is none, it may have been deleted"
            )
        with self._lock:
            is_first = study_id not in self._known
            known = self._known.setdefault(study_id, None)
        if is_first:
            found: int | None = connection.scalar(_OF_STUDY[direction], {"study_id": study_id})
            return found
        now = None if known is None else _refreshed(connection, study_id, direction, known)
        now = now or _sorted_out(connection, study_id, direction)
        with self._lock:
            if len(now.newest.trial_ids):
                self._known[study_id] = now
        return now.best_id


def _sorted_out(connection: sa.Connection, study_id: int, direction: StudyDirection) -> _Known:
    # What is unfinished is read first: a trial that finishes meanwhile is looked at twice, not never.
    newest = newest_trial_row(connection, study_id)
    unfinished = trial_rows_of_states(connection, study_id, _UNFINISHED).trial_ids
    best_id = connection.scalar(_OF_STUDY[direction], {"study_id": study_id})
    return _Known(best_id, newest, frozenset(unfinished.tolist()))


def _refreshed(
    connection: sa.Connection, study_id: int, direction: StudyDirection, known: _Known
) -> _Known | None:
    """Return what is known now, or None if the study was deleted and another one has got its id."""
    last_id = int(known.newest.trial_ids[-1])
    found = trial_rows_since(connection, study_id, last_id, known.unfinished)
    if not is_there(found, known.newest):
        return None
    ids = found.trial_ids[found.states == TrialState.COMPLETE].tolist()
    best_id = known.best_id
    for begin in range(0, len(ids), TRIALS_AT_ONCE):
        rivals = ids[begin : begin + TRIALS_AT_ONCE] + ([] if best_id is None else [best_id])
        best_id = connection.scalar(_OF_IDS[direction], {"trial_ids": rivals})
    unfinished = found.trial_ids[np.isin(found.states, [int(state) for state in _UNFINISHED])]
    return _Known(best_id, found.take(slice(-1, None)), frozenset(unfinished.tolist()))
