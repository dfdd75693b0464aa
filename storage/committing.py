"""A list of writes becomes rows, grouped by table, inside one open transaction.

Locks are taken in one order by everybody: the study (if trials are created), the call, the trials by id.
With the locks held the states of the trials cannot change, so that which write counts is decided in Python
and each table needs one statement, however many writes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages import tables
from raystudy.storages.applying import Repetitions, repetitions
from raystudy.storages.base import (
    ClaimTrial,
    CommitResult,
    CreateTrial,
    Fence,
    FinishTrial,
    Params,
    Report,
    SetAttrs,
    SetParams,
    Write,
)
from raystudy.storages.codec import (
    attribute_to_json,
    param_to_row,
    report_to_row,
    to_utc,
    value_to_row,
)
from raystudy.storages.leases import check_fence
from raystudy.storages.reading import trial_of_id
from raystudy.storages.statements import (
    CLAIM,
    FINISH,
    LAST_TRIAL,
    LOCK_STUDY,
    LOCK_TRIALS,
    NEW_TRIALS,
    TRIAL_OF_NUMBER,
    Statements,
)
from raystudy.suggesting import check_name

__all__ = ["commit_writes", "lock_study"]

Row = dict[str, Any]


@dataclass(slots=True)
class Rows:
    """The rows of a commit by table, keyed by their unique columns: no statement meets one row twice."""

    params: dict[tuple[int, str], Row] = field(default_factory=dict)
    reports: dict[tuple[int, int], Row] = field(default_factory=dict)
    values: dict[tuple[int, int], Row] = field(default_factory=dict)
    user_attrs: dict[tuple[int, str], Row] = field(default_factory=dict)
    system_attrs: dict[tuple[int, str], Row] = field(default_factory=dict)
    claims: list[Row] = field(default_factory=list)
    finishes: list[Row] = field(default_factory=list)

    def add_params(self, trial_id: int, params: Params) -> None:
        """Add parameters; the first value of a name counts."""
        for name, (value, distribution) in params.items():
            if (trial_id, name) not in self.params:
                internal, text = param_to_row(check_name("parameter", name), value, distribution)
                row = {"trial_id": trial_id, "param_name": name, "param_value": internal}
                self.params[trial_id, name] = {**row, "distribution_json": text}

    def add_report(self, trial_id: int, step: int, value: float) -> None:
        """Add an intermediate value; the first value of a step counts."""
        if (trial_id, step) not in self.reports:
            number, kind = report_to_row(value)
            row = {"trial_id": trial_id, "step": int(step), "intermediate_value": number}
            self.reports[trial_id, step] = {**row, "intermediate_value_type": kind}

    def add_values(self, trial_id: int, values: Sequence[float] | None) -> None:
        """Add the objective values of a trial."""
        for objective, value in enumerate(values or ()):
            number, kind = value_to_row(value)
            row = {"trial_id": trial_id, "objective": objective, "value": number, "value_type": kind}
            self.values[trial_id, objective] = row

    def add_attrs(self, trial_id: int, user: Mapping[str, Any], system: Mapping[str, Any]) -> None:
        """Add attributes; the last value of a key counts."""
        for rows, attrs in ((self.user_attrs, user), (self.system_attrs, system)):
            for key, value in attrs.items():
                text = attribute_to_json(check_name("trial attribute", key), value)
                rows[trial_id, key] = {"trial_id": trial_id, "key": key, "value_json": text}


def commit_writes(
    connection: sa.Connection,
    statements: Statements,
    study_id: int,
    writes: Sequence[Write],
    fence: Fence | None,
) -> CommitResult:
    """Apply writes within the caller's transaction; see ``Storage.commit``.

    Raises:
        LeaseLost: If ``fence`` is not the call's present owner.
        KeyError: If there is no such study.
        TypeError: If an attribute or a choice has no JSON form.
        ValueError: If a value does not belong to its parameter's distribution.
    """
    creations = [write for write in writes if isinstance(write, CreateTrial)]
    if creations:
        lock_study(connection, study_id)
    if fence is not None:
        check_fence(connection, study_id, fence)
    states = _lock_trials(connection, study_id, writes)
    last = _last_trial(connection, study_id) if creations else (-1, -1)
    find = partial(_stored_trial, connection, study_id, states, last[1])
    repeated = repetitions(writes, fence, find)
    result = CommitResult(created=_create(connection, study_id, creations, last, repeated.created))
    if creations:
        result.next_number = 1 + max([last[1], *(number for _, number in filter(None, result.created))])
    rows = Rows()
    _fill(rows, result, states, writes, repeated)
    _execute(connection, statements, rows)
    return result


def lock_study(connection: sa.Connection, study_id: int) -> None:
    """Take the lock under which trials are created; raise KeyError if there is no such study."""
    if connection.scalar(LOCK_STUDY, {"study_id": study_id}) is None:
        raise KeyError(f"expected the id of a study, got {study_id}: there is none, it may have been deleted")


def _lock_trials(connection: sa.Connection, study_id: int, writes: Iterable[Write]) -> dict[int, TrialState]:
    """Return the state of every trial that the writes name, each locked until the transaction ends."""
    trial_ids = {write.trial_id for write in writes if not isinstance(write, CreateTrial)}
    if not trial_ids:
        return {}
    found = connection.execute(LOCK_TRIALS, {"study_id": study_id, "trial_ids": sorted(trial_ids)})
    states = {int(row.trial_id): TrialState(row.state) for row in found}
    if not states:
        lock_study(connection, study_id)  # tells a deleted study from deleted trials
    return states


def _last_trial(connection: sa.Connection, study_id: int) -> tuple[int, int]:
    """Return id and number of the study's newest trial, or twice -1."""
    last = connection.execute(LAST_TRIAL, {"study_id": study_id}).first()
    return (-1, -1) if last is None else (int(last.trial_id), int(last.number))


def _stored_trial(
    connection: sa.Connection,
    study_id: int,
    states: Mapping[int, TrialState],
    last_number: int,
    write: CreateTrial | ClaimTrial | FinishTrial,
) -> FrozenTrial | None:
    """Read the trial that a write may repeat; no query unless something is odd about the write."""
    if isinstance(write, CreateTrial):
        if write.number is None or write.number > last_number:
            return None
        trial_id = connection.scalar(TRIAL_OF_NUMBER, {"study_id": study_id, "number": write.number})
    else:
        state = states.get(write.trial_id, TrialState.WAITING)
        odd = state.is_finished() if isinstance(write, FinishTrial) else state is not TrialState.WAITING
        trial_id = write.trial_id if odd else None
    return None if trial_id is None else trial_of_id(connection, trial_id)


def _create(
    connection: sa.Connection,
    study_id: int,
    creations: Sequence[CreateTrial],
    last: tuple[int, int],
    repeated: Mapping[int, int],
) -> list[tuple[int, int] | None]:
    """Insert the rows of new trials; the study is locked, so that numbers follow the ids without gaps."""
    next_number = last[1] + 1
    rows: list[Row] = []
    numbers: list[int | None] = []
    for write in creations:
        if write.number is not None and write.number != next_number:
            numbers.append(write.number if write.number in repeated else None)
            continue
        numbers.append(next_number)
        rows.append(
            {
                "number": next_number,
                "study_id": study_id,
                "state": write.state,
                "datetime_start": to_utc(write.datetime_start),
                "datetime_complete": to_utc(write.datetime_complete),
            }
        )
        next_number += 1
    ids = {**repeated, **_insert_trials(connection, study_id, rows)}
    return [None if number is None else (ids[number], number) for number in numbers]


def _insert_trials(connection: sa.Connection, study_id: int, rows: list[Row]) -> dict[int, int]:
    """Insert rows of new trials and return their ids by number."""
    if not rows:
        return {}
    if len(rows) == 1:  # the driver tells the id of a single row, which spares a query
        key: Sequence[Any] = connection.execute(sa.insert(tables.trials), rows[0]).inserted_primary_key or ()
        return {int(rows[0]["number"]): int(key[0])}
    connection.execute(sa.insert(tables.trials), rows)
    new = connection.execute(NEW_TRIALS, {"study_id": study_id, "n_new": len(rows)})
    return {int(row.number): int(row.trial_id) for row in new}


def _fill(
    rows: Rows,
    result: CommitResult,
    states: dict[int, TrialState],
    writes: Iterable[Write],
    repeated: Repetitions,
) -> None:
    """Turn writes into rows, in order, following the states that the trials pass through."""
    created = iter(result.created)
    for write in writes:
        if isinstance(write, CreateTrial):
            identity = next(created)
            if identity is not None and identity[1] not in repeated.created:
                _fill_creation(rows, identity[0], write)
        elif isinstance(write, ClaimTrial):
            ours = states.get(write.trial_id) is TrialState.WAITING
            result.claimed.append(ours or write.trial_id in repeated.claimed)
            if ours:
                states[write.trial_id] = TrialState.RUNNING
                _fill_claim(rows, write)
        elif write.trial_id in repeated.finished:
            continue
        elif states.get(write.trial_id, TrialState.FAIL).is_finished():
            result.refused.add(write.trial_id)
        elif isinstance(write, FinishTrial):
            states[write.trial_id] = write.state
            _fill_finish(rows, write)
        else:
            _fill_details(rows, write)


def _fill_creation(rows: Rows, trial_id: int, write: CreateTrial) -> None:
    rows.add_params(trial_id, write.params)
    rows.add_attrs(trial_id, write.user_attrs, write.system_attrs)
    rows.add_values(trial_id, write.values)
    for step, value in write.intermediate_values.items():
        rows.add_report(trial_id, step, value)


def _fill_claim(rows: Rows, write: ClaimTrial) -> None:
    start = to_utc(write.datetime_start)
    rows.claims.append({"of_trial": write.trial_id, "state": TrialState.RUNNING, "datetime_start": start})
    rows.add_attrs(write.trial_id, {}, write.system_attrs)


def _fill_finish(rows: Rows, write: FinishTrial) -> None:
    complete = to_utc(write.datetime_complete)
    rows.finishes.append({"of_trial": write.trial_id, "state": write.state, "datetime_complete": complete})
    rows.add_values(write.trial_id, write.values)


def _fill_details(rows: Rows, write: SetParams | SetAttrs | Report) -> None:
    if isinstance(write, SetParams):
        rows.add_params(write.trial_id, write.params)
    elif isinstance(write, SetAttrs):
        rows.add_attrs(write.trial_id, write.user_attrs, write.system_attrs)
    else:
        rows.add_report(write.trial_id, write.step, write.value)


def _execute(connection: sa.Connection, statements: Statements, rows: Rows) -> None:
    groups: tuple[tuple[sa.Executable, Iterable[Row]], ...] = (
        (CLAIM, rows.claims),
        (statements.keep_params, rows.params.values()),
        (statements.put_user_attrs, rows.user_attrs.values()),
        (statements.put_system_attrs, rows.system_attrs.values()),
        (statements.keep_reports, rows.reports.values()),
        (statements.put_values, rows.values.values()),
        (FINISH, rows.finishes),
    )
    for statement, group in groups:
        parameters = list(group)
        if parameters:
            connection.execute(statement, parameters)
