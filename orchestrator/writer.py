"""The mirror's writer: batches what a driver has to store, in order, and says when it is durable.

``ThreadedWriter`` stores from a thread of its own, so that a slow or absent database never holds up a trial:
everything that waits is put into one transaction; what nobody waits for may wait half a second for company.
It renews the lease of the call, too.  ``DirectWriter`` stores at once, for storages in memory.

A database that is out of reach is tried again and again while writes queue.  When it stays away for
``OUTAGE_S``, or more than ``MAX_WAITING`` writes have queued, or the writer is closed and the database does
not take the rest within ``CLOSE_S``, what waits is saved to a file which the next run stores (``spool.py``).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from raystudy.exceptions import LeaseLost, StorageUnavailable, StudyError
from raystudy.orchestrator.acknowledging import (
    Acknowledgement,
    Deliver,
    Outage,
    Submission,
    Writer,
    WriterFailed,
    WriterWord,
    acknowledgements,
)
from raystudy.orchestrator.patience import Patience, Stopped
from raystudy.orchestrator.spool import Part, save
from raystudy.storages.base import Fence, Storage, Write
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

#: How long a report may wait for company, in seconds.
LAG_S = 0.5
#: A driver whose lease has not been renewed for so long can be replaced (seconds; shorter ones find a dead
#: driver sooner, but a database that is slow for so long costs a living one its call).
LEASE_S = float(os.environ.get("RAYSTUDY_LEASE_S", "15"))
RENEW_EVERY_S = LEASE_S / 3
#: How many writes may wait for the database: about 200 MB.  At one more the call ends as after a long outage.
MAX_WAITING = 500_000
#: Most writes in a transaction: after an outage others, too, want their turn.
MAX_BATCH = 5_000
#: How long ``close`` waits for a database that does not answer, in seconds.
CLOSE_S = 8.0
_NEVER = object()


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
        refused = {trial_id: self._storage.read_trial(trial_id) for trial_id in result.refused}
        for acknowledgement in acknowledgements([Submission(writes, ticket)], result, refused):
            self._deliver(acknowledgement)

    def set_study_attrs(self, system_attrs: Mapping[str, Any]) -> None:
        """Set system attributes of the study."""
        self._storage.set_study_attrs(self._study_id, {}, system_attrs)

    def outage_s(self) -> float | None:
        """Return None: memory is never out of reach."""
        return None

    def close(self) -> str | None:
        """Do nothing: everything is stored already."""
        return None


@dataclass
class ThreadedWriter:
    """Stores from a thread, one transaction for all that waits.

    Args:
        storage: Where to.
        study_id: The study.
        fence: The lease, which this thread renews.
        deliver: Called with all that there is to tell, mostly from the writer's thread.
        study_folder: Path or URL of the study's folder, where writes are saved that cannot be stored.
    """

    storage: Storage
    study_id: int
    fence: Fence
    deliver: Deliver
    study_folder: str | None = None

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Submission] = deque()
        #: What the thread has taken and not yet stored.
        self._in_hand: list[Submission] = []
        self._study_attrs: dict[str, Any] = {}
        self._n_waiting = 0
        self._oldest = 0.0
        self._urgent = self._closing = self._stopped = False
        #: Whether what cannot be stored is worth saving: not if the call or the study is another's by now.
        self._saves = True
        self._patience = Patience(self.deliver, self._pause)
        self._next_renewal = time.monotonic() + RENEW_EVERY_S
        self._thread = threading.Thread(target=self._run, name="raystudy-writer", daemon=True)
        self._thread.start()

    def submit(self, writes: Sequence[Write], ticket: object = None) -> None:
        """Queue writes; with a ticket they are stored as soon as possible, else within half a second."""
        with self._changed:
            if not self._waiting:
                self._oldest = time.monotonic()
                self._changed.notify()
            self._waiting.append(Submission(writes, ticket))
            self._n_waiting += len(writes)
            if ticket is not None and not self._urgent:
                self._urgent = True
                self._changed.notify()
            if self._n_waiting <= MAX_WAITING:
                return
            if self._stopped:
                self._save_rest()
                return
        self._fail(StorageUnavailable(f"more than {MAX_WAITING} writes wait for the database"))

    def set_study_attrs(self, system_attrs: Mapping[str, Any]) -> None:
        """Queue system attributes of the study."""
        with self._changed:
            self._study_attrs.update(system_attrs)
        self.submit([])

    def outage_s(self) -> float | None:
        """Return for how long the database has not answered, in seconds; None if it does."""
        return self._patience.outage_s()

    def close(self) -> str | None:
        """Store what is left within some seconds, or save it and return a line for the user; end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            return self._save_rest()

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                self._renew_if_due()
                if batch:
                    self._store(batch)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - the thread's last line: the driver must hear of anything
            self._fail(error)

    def _next_batch(self) -> list[Submission] | None:
        with self._changed:
            while not (self._closing or self._urgent or self._stopped):
                due = (
                    self._next_renewal if not self._waiting else min(self._next_renewal, self._oldest + LAG_S)
                )
                remaining = due - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            if self._stopped or (self._closing and not self._waiting):
                return None
            n_writes = 0
            while self._waiting and n_writes < MAX_BATCH:
                submission = self._waiting.popleft()
                self._in_hand.append(submission)
                n_writes += len(submission.writes)
            self._n_waiting -= n_writes
            self._urgent = bool(self._waiting)
            return self._in_hand

    def _store(self, batch: Sequence[Submission]) -> None:
        if attrs := dict(self._study_attrs):
            self._patience(lambda: self.storage.set_study_attrs(self.study_id, {}, attrs))
        writes = [write for submission in batch for write in submission.writes]
        result = self._patience(lambda: self.storage.commit(self.study_id, writes, self.fence))
        refused = {i: self._patience(partial(self.storage.read_trial, i)) for i in result.refused}
        with self._changed:
            if self._stopped:
                return
            self._in_hand = []
            self._study_attrs = {k: v for k, v in self._study_attrs.items() if attrs.get(k, _NEVER) != v}
        for acknowledgement in acknowledgements(batch, result, refused):
            self.deliver(acknowledgement)

    def _pause(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, seconds)

    def _renew_if_due(self) -> None:
        if time.monotonic() >= self._next_renewal:
            self._patience(lambda: self.storage.renew_call(self.study_id, self.fence, LEASE_S))
            self._next_renewal = time.monotonic() + RENEW_EVERY_S

    def _fail(self, error: Exception) -> None:
        """Save what waits, tell the driver why, and store nothing more."""
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            self._changed.notify_all()
            self._saves = not isinstance(error, (LeaseLost, KeyError))
        try:
            with self._changed:
                note = self._save_rest()
            if note is not None and isinstance(error, StorageUnavailable):
                error = StorageUnavailable(f"{error}; {note}")
            elif note is not None:
                error.add_note(note)
        finally:  # whatever becomes of the file: a driver that does not hear of this would wait for ever
            self.deliver(WriterFailed(error))

    def _save_rest(self) -> str | None:
        """Save what is not stored to a file and forget it; return a line for the user if there was anything."""
        writes = [w for part in (*self._in_hand, *self._waiting) for w in part.writes]
        attrs, self._study_attrs = self._study_attrs, {}
        self._in_hand, self._n_waiting = [], 0
        self._waiting.clear()
        if self.study_folder is None or not self._saves:
            return None
        try:
            path = save(self.study_folder, Part(self.study_id, self.fence, attrs, writes))
        except StudyError as error:
            return str(error)
        if path is None:
            return None
        return f"what was not stored is saved in {path}: the next optimize on this study stores it first"


def new_writer(
    storage: Storage, study_id: int, fence: Fence, deliver: Deliver, study_folder: str | None = None
) -> Writer:
    """Return the writer that suits a storage: a thread only where a database can keep one waiting."""
    if isinstance(storage, InMemoryStorage):
        return DirectWriter(storage, study_id, fence, deliver)
    return ThreadedWriter(storage, study_id, fence, deliver, study_folder)
