"""Calls of ``optimize`` as study attributes hold them: what every storage agrees on.

An attribute ``raystudy:call:<id>`` holds ``owner``, ``target``, ``ended`` and ``expires``, the time when the
lease runs out in seconds since 1970 by the storage's own clock.
"""

from __future__ import annotations

from typing import Any

from raystudy.exceptions import LeaseLost
from raystudy.storages.base import CallRecord, Fence

__all__ = ["CALL", "CALL_PREFIX", "call_record", "lease_lost"]

#: Trial attribute: id of the call that the trial counts for.
CALL = "raystudy:call"
#: What the names of the attributes that hold calls begin with.
CALL_PREFIX = "raystudy:call:"


def call_record(key: str, state: dict[str, Any], now: float) -> CallRecord:
    """Return the record of the call that an attribute holds, seen at ``now`` (seconds since 1970)."""
    return CallRecord(
        call_id=key.removeprefix(CALL_PREFIX),
        owner=state["owner"],
        target=state["target"],
        ended=state["ended"],
        lease_s=state["expires"] - now,
    )


def lease_lost(fence: Fence, owner: str | None) -> LeaseLost:
    """Return the error for a driver whose call belongs to ``owner`` by now."""
    return LeaseLost(f"call {fence.call_id}: expected owner {fence.owner}, found {owner or 'no such call'}")
