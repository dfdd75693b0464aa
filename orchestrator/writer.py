"""The mirror's writer: batches what a driver has to store, in order, and says when it is durable.

``ThreadedWriter`` stores from a thread of its own, so that a slow or absent database never holds up a trial:
everything that waits is put into one transaction; what nobody waits for may wait half a second for company.
It renews the lease of the call, too.  ``DirectWriter`` stores at once, for storages in memory.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from raystudy.exceptions import StorageUnavailable
from raystudy.storages.base import ClaimTrial, CommitResult, CreateTrial, Fence, Storage, Write
from raystudy.storages.memory import InMemoryStorage

__all__ = [
    "Acknowledgement",
    "DirectWriter",
    "Outage",
    "ThreadedWriter",
    "Writer",
    "WriterFailed",
    "WriterWord",
    "new_writer",
]

_log = logging.getLogger(__name__)

#: How long a report may wait for company, in seconds.
LAG_S = 0.5
#: A driver whose lease has not been renewed for so long can be replaced (seconds; shorter ones find a dead
#: driver sooner, but a database that is slow for so long costs a living one its call).
LEASE_S = float(os.environ.get("RAYSTUDY_LEASE_S", "15"))
RENEW_EVERY_S = LEASE_S / 3
#: Pauses between attempts to reach a lost database, in seconds; the last one repeats.
_BACK_OFF_S = (0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A submission is durable; ``created`` belongs to its creations, ``refused`` to trials others finished."""

    ticket: object
    created: Sequence[tuple[int, int] | None]
    claimed: Sequence[bool]
    refused: frozenset[int]


@dataclass(frozen=True, slots=True)
class WriterFailed:
    """Nothing more will be stored."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Outage:
    """The database is out of reach, or back."""

    lost: bool


WriterWord = Acknowledgement | WriterFailed | Outage
Deliver = Callable[[WriterWord], None]


class Writer(Protocol):
    """What a driver needs of a writer."""

    def submit(self, writes: Sequence[Write], ticket: object = None) -> None:
        """Store writes after all that was submitted before; acknowledge them if a ticket is given."""

    def close(self) -> None:
        """Store what is left, then stop."""


@dataclass(slots=True)
class _Submission:
    writes: Sequence[Write]
    ticket: object


class DirectWriter:
    """Stores within ``submit``, and acknowledges there."""

    def __init__(self, storage: Storage, study_id: int, fence: Fence, deliver: Deliver) -> None:
        self._storage = storage
        self._study_id = study_id
        self._fence = fence
        self._deliver = deliver

    def submit(self, writes: Sequence[Write], ticket: object = None) -> None:
        """Store writes, and acknowledge them if a ticket is given."""
        result = self._storage.commit(self._study_id, writes, self._fence)
        for acknowledgement in _acknowledgements([_Submission(writes, ticket)], result):
            self._deliver(acknowledgement)

    def close(self) -> None:
        """Do nothing: everything is stored already."""


@dataclass
class ThreadedWriter:
    """Stores from a thread, one transaction for all that waits.

    Args:
        storage: Where to.
        study_id: The study.
        fence: The lease, which this thread renews.
        deliver: Called from the writer's thread with all that there is to tell.
    """

    storage: Storage
    study_id: int
    fence: Fence
    deliver: Deliver
    _waiting: list[_Submission] = field(default_factory=list)
    _oldest: float = 0.0
    _urgent: bool = False
    _closing: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._next_renewal = time.monotonic() + RENEW_EVERY_S
        self._thread = threading.Thread(target=self._run, name="raystudy-writer", daemon=True)
        self._thread.start()

    def submit(self, writes: Sequence[Write], ticket: object = None) -> None:
        """Queue writes; with a ticket they are stored as soon as possible, else within half a second."""
        with self._changed:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.append(_Submission(writes, ticket))
            if ticket is not None and not self._urgent:
                self._urgent = True
                self._changed.notify()
            elif len(self._waiting) == 1:
                self._changed.notify()

    def close(self) -> None:
        """Store what is left, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                self._renew_if_due()
                if batch:
                    self._store(batch)
        except Exception as error:  # noqa: BLE001 - the thread's last line: the driver must hear of anything
            self.deliver(WriterFailed(error))

    def _next_batch(self) -> list[_Submission] | None:
        with self._changed:
            while not self._closing and not self._urgent:
                due = (
                    self._next_renewal if not self._waiting else min(self._next_renewal, self._oldest + LAG_S)
                )
                remaining = due - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            if self._closing and not self._waiting:
                return None
            batch, self._waiting, self._urgent = self._waiting, [], False
            return batch

    def _store(self, batch: list[_Submission]) -> None:
        writes = [write for submission in batch for write in submission.writes]
        result = self._patiently(lambda: self.storage.commit(self.study_id, writes, self.fence))
        for acknowledgement in _acknowledgements(batch, result):
            self.deliver(acknowledgement)

    def _patiently(self, store: Callable[[], CommitResult]) -> CommitResult:
        tries = 0
        while True:
            try:
                result = store()
            except StorageUnavailable as error:
                if tries == 0:
                    _log.warning("the database is out of reach, trying again: %s", error)
                    self.deliver(Outage(lost=True))
                time.sleep(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)])
                tries += 1
            else:
                if tries:
                    _log.warning("the database is back")
                    self.deliver(Outage(lost=False))
                return result

    def _renew_if_due(self) -> None:
        if time.monotonic() >= self._next_renewal:
            try:
                self.storage.renew_call(self.study_id, self.fence, LEASE_S)
            except StorageUnavailable:
                _log.debug("the lease could not be renewed; the next commit tells more")
            self._next_renewal = time.monotonic() + RENEW_EVERY_S


def new_writer(storage: Storage, study_id: int, fence: Fence, deliver: Deliver) -> Writer:
    """Return the writer that suits a storage: a thread only where a database can keep one waiting."""
    kind = DirectWriter if isinstance(storage, InMemoryStorage) else ThreadedWriter
    return kind(storage, study_id, fence, deliver)


def _acknowledgements(batch: Sequence[_Submission], result: CommitResult) -> list[Acknowledgement]:
    created, claimed = iter(result.created), iter(result.claimed)
    refused = frozenset(result.refused)
    found = []
    for submission in batch:
        # Always advance both iterators: the results of all submissions lie one behind the other.
        mine = [next(created) for write in submission.writes if isinstance(write, CreateTrial)]
        ours = [next(claimed) for write in submission.writes if isinstance(write, ClaimTrial)]
        if submission.ticket is not None:
            found.append(Acknowledgement(submission.ticket, mine, ours, refused))
    return found
