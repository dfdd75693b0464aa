"""Calls of ``optimize``: how one begins, or takes over what a dead one has left.

A call is recorded with a lease.  One that ended normally is over.  One whose lease has run out was killed:
the next call takes it over, with its unfinished trials and the part of its budget that remained.  One whose
lease is being renewed is alive, and none of our business.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from raystudy.exceptions import LeaseLost, StorageUnavailable, StudyDeleted
from raystudy.orchestrator.patience import Patience
from raystudy.orchestrator.spool import restore
from raystudy.orchestrator.writer import LEASE_S, RENEW_EVERY_S
from raystudy.storages.base import CallRecord, Fence, Storage

__all__ = ["Call", "OwnedCall", "begin_call"]

_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Call:
    """A call that this driver owns.

    Attributes:
        fence: Its id and the token of this owner.
        target: How many trials it adds in all, or None for no limit.
        taken_over: Whether a dead driver began it.
    """

    fence: Fence
    target: int | None
    taken_over: bool


@dataclass(frozen=True, slots=True)
class OwnedCall:
    """Ends a call when the block ends; after an exception it gives up the lease, so that the next call goes on."""

    storage: Storage
    study_id: int
    fence: Fence
    say: Callable[[str], None]

    def __enter__(self) -> None:
        """Do nothing: the lease is ours already."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.end()
        elif not issubclass(kind, (LeaseLost, StudyDeleted)):
            with contextlib.suppress(StorageUnavailable, LeaseLost):  # then the lease runs out by itself
                self.storage.renew_call(self.study_id, self.fence, 0.0)

    def end(self) -> None:
        """End the call, however long the database has to be waited for."""
        patience = Patience(lambda outage: self.say(outage.message))
        patience(lambda: self.storage.end_call(self.study_id, self.fence))


def begin_call(
    storage: Storage,
    study_id: int,
    target: int | None,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    study_folder: str | None = None,
) -> Call:
    """Take over a dead call of the study, or open a new one.

    A call whose lease still runs may be dead or alive; that shows before the lease runs out, so this may wait so long.

    Args:
        storage: The storage.
        study_id: The study.
        target: How many trials to add, or None.  A dead call keeps its own target if that is larger.
        say: Called with a line for the user.
        sleep: Waits for so many seconds.
        study_folder: Where a dead driver may have saved what it could not store: that is stored first.
    """
    owner = uuid.uuid4().hex
    for record in _unended(storage, study_id):
        if _has_died(storage, study_id, record, say, sleep):
            larger = None if target is None or record.target is None else max(target, record.target)
            fence = Fence(record.call_id, owner)
            if study_folder is not None:
                restore(storage, study_id, record.call_id, study_folder, say)
            if storage.take_over_call(study_id, fence, larger, LEASE_S):
                return Call(fence, larger, taken_over=True)
    fence = Fence(uuid.uuid4().hex[:12], owner)
    storage.open_call(study_id, fence, target, LEASE_S)
    return Call(fence, target, taken_over=False)


def _unended(storage: Storage, study_id: int) -> list[CallRecord]:
    return [record for record in storage.read_calls(study_id) if not record.ended]


def _has_died(
    storage: Storage,
    study_id: int,
    seen: CallRecord,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
) -> bool:
    """Watch a call until its lease runs out (True) or is renewed or given up (False)."""
    waited = 0.0
    while True:
        if seen.lease_s < 0:
            return True
        if waited > LEASE_S + RENEW_EVERY_S:
            return False
        if waited == _POLL_S:
            say(
                f"an earlier call of this study has a lease for {seen.lease_s:.0f} s more; "
                "waiting to see whether it is alive"
            )
        sleep(_POLL_S)
        waited += _POLL_S
        now = next((r for r in _unended(storage, study_id) if r.call_id == seen.call_id), None)
        if now is None or now.lease_s > seen.lease_s or now.owner != seen.owner:
            return False
        seen = now
