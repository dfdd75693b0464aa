"""Calls of ``optimize`` and their leases: rows of the study's system attributes, by the database's clock.

The clocks of drivers need not agree: only the database's own clock is read and compared.  A row is locked
while it is read and rewritten, so that of two programs that want one call exactly one gets it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from raystudy.storages.base import CallRecord, Fence
from raystudy.storages.calls import CALL_PREFIX, call_record, lease_lost
from raystudy.storages.codec import attribute_from_json, attribute_to_json
from raystudy.storages.statements import Statements
from raystudy.storages.tables import study_system_attributes

__all__ = [
    "check_fence",
    "end_call",
    "open_call",
    "read_calls",
    "renew_call",
    "take_over_call",
]

_attributes = study_system_attributes.c
_LOCK_CALL = (
    sa.select(_attributes.value_json)
    .where(_attributes.study_id == sa.bindparam("study_id"), _attributes.key == sa.bindparam("key"))
    .with_for_update()
)
_REWRITE_CALL = (
    sa.update(study_system_attributes)
    .where(_attributes.study_id == sa.bindparam("of_study"), _attributes.key == sa.bindparam("of_key"))
    .values(value_json=sa.bindparam("value_json"))
)
_CALLS = sa.select(_attributes.key, _attributes.value_json).where(
    _attributes.study_id == sa.bindparam("study_id"), _attributes.key.startswith(CALL_PREFIX)
)


def check_fence(connection: sa.Connection, study_id: int, fence: Fence) -> None:
    """Lock the call's row until the transaction ends; raise LeaseLost unless ``fence`` owns the call."""
    _lock_own(connection, study_id, fence)


def read_calls(connection: sa.Connection, statements: Statements, study_id: int) -> list[CallRecord]:
    """Return the calls of a study that have not ended, by id."""
    rows = connection.execute(_CALLS, {"study_id": study_id}).all()
    now = _now(connection, statements)
    records = (call_record(key, attribute_from_json(text), now) for key, text in rows)
    return sorted((record for record in records if not record.ended), key=lambda record: record.call_id)


def open_call(
    connection: sa.Connection,
    statements: Statements,
    study_id: int,
    fence: Fence,
    target: int | None,
    lease_s: float,
) -> None:
    """Record a new call; doing it twice is harmless, so that it can be repeated after a lost connection.

    Raises:
        LeaseLost: If the call exists with another owner.
    """
    state = _lock(connection, study_id, fence)
    if state is not None and state["owner"] != fence.owner:
        raise lease_lost(fence, state["owner"])
    state = {"owner": fence.owner, "target": target, "ended": False}
    _put(connection, statements, study_id, fence, state, lease_s)


def take_over_call(
    connection: sa.Connection,
    statements: Statements,
    study_id: int,
    fence: Fence,
    target: int | None,
    lease_s: float,
) -> bool:
    """Give an unended call whose lease has run out to a new owner; return whether that happened."""
    state = _lock(connection, study_id, fence)
    if state is None or state["ended"] or state["expires"] > _now(connection, statements):
        return False
    state |= {"owner": fence.owner, "target": target}
    _put(connection, statements, study_id, fence, state, lease_s)
    return True


def renew_call(
    connection: sa.Connection, statements: Statements, study_id: int, fence: Fence, lease_s: float
) -> None:
    """Let the lease run out ``lease_s`` seconds from now; raise LeaseLost if another owner has it."""
    _put(connection, statements, study_id, fence, _lock_own(connection, study_id, fence), lease_s)


def end_call(connection: sa.Connection, statements: Statements, study_id: int, fence: Fence) -> None:
    """Mark the call as ended; raise LeaseLost if another owner has it."""
    state = _lock_own(connection, study_id, fence) | {"ended": True}
    _put(connection, statements, study_id, fence, state, 0.0)


def _now(connection: sa.Connection, statements: Statements) -> float:
    return float(connection.scalar(statements.now) or 0.0)


def _lock(connection: sa.Connection, study_id: int, fence: Fence) -> dict[str, Any] | None:
    text = connection.scalar(_LOCK_CALL, {"study_id": study_id, "key": CALL_PREFIX + fence.call_id})
    return None if text is None else attribute_from_json(text)


def _lock_own(connection: sa.Connection, study_id: int, fence: Fence) -> dict[str, Any]:
    state = _lock(connection, study_id, fence)
    if state is None or state["owner"] != fence.owner:
        raise lease_lost(fence, None if state is None else state["owner"])
    return state


def _put(
    connection: sa.Connection,
    statements: Statements,
    study_id: int,
    fence: Fence,
    state: dict[str, Any],
    lease_s: float,
) -> None:
    key = CALL_PREFIX + fence.call_id
    state = state | {"expires": _now(connection, statements) + lease_s}
    text = attribute_to_json(key, state)
    # No upsert of a row that exists: MySQL would lock the study after the call, and commits lock the study first.
    rewrite = {"of_study": study_id, "of_key": key, "value_json": text}
    if connection.execute(_REWRITE_CALL, rewrite).rowcount == 0:
        row = {"study_id": study_id, "key": key, "value_json": text}
        connection.execute(statements.put_study_system_attrs, [row])
