"""Patience with a database: verbs are repeated while it is out of reach, and it is said so, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from raystudy.exceptions import StorageUnavailable, StudyError
from raystudy.orchestrator.acknowledging import Outage

__all__ = ["OUTAGE_S", "Patience", "Stopped"]

_T = TypeVar("_T")

#: How long a database may be out of reach before the call ends (seconds).
OUTAGE_S = float(os.environ.get("RAYSTUDY_OUTAGE_S", "600"))
#: Pauses between attempts to reach a lost database, in seconds; the last one repeats.
_BACK_OFF_S = (0.1, 0.3, 1.0, 3.0)
#: A verb that takes longer is shown as an outage, in seconds: a network can swallow all without an error.
_SLOW_S = 3.0


class Stopped(StudyError):
    """A verb is not to be repeated any more."""


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class Patience:
    """Carries out verbs of a storage, again and again while the database is out of reach.

    Args:
        tell: Called when the database is lost, and when it is back.
        pause: Waits for so many seconds; returns True, at once, if nothing is to be repeated any more.
    """

    def __init__(self, tell: Callable[[Outage], None], pause: Callable[[float], bool] = _sleep) -> None:
        self._tell = tell
        self._pause = pause
        self._busy_since: float | None = None

    def outage_s(self) -> float | None:
        """Return for how long the database has not answered, in seconds; None if it does."""
        since = self._busy_since
        waited = 0.0 if since is None else time.monotonic() - since
        return waited if waited > _SLOW_S else None

    def __call__(self, verb: Callable[[], _T]) -> _T:
        """Carry out a verb, which must bear to be repeated.

        Raises:
            StorageUnavailable: If the database is out of reach for ``OUTAGE_S``.
            Stopped: If ``pause`` said so.
        """
        begun = self._busy_since = time.monotonic()
        tries = 0
        while True:
            try:
                result = verb()
            except StorageUnavailable as error:
                lost_s = time.monotonic() - begun
                if lost_s >= OUTAGE_S:
                    raise StorageUnavailable(f"out of reach for {lost_s:.0f} s: {error}") from error
                # One failure alone may be a deadlock, or a connection that the server closed.
                if tries == 1:
                    self._tell(Outage(True, f"the database is out of reach, running trials go on: {error}"))
                if self._pause(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)]):
                    raise Stopped("the database was out of reach to the end") from error
                tries += 1
            else:
                self._busy_since = None
                if tries > 1:
                    lost_s = time.monotonic() - begun
                    self._tell(Outage(False, f"the database is back after {lost_s:.0f} s"))
                return result
