"""Locks that are files, for disks that several hosts share: whoever makes the file has the lock.

Under the names, with the arguments and the file names of Optuna, so that both keep each other out.  A lock whose
owner is dead stays; it is broken when it has not changed for the grace period.
"""

from __future__ import annotations

import os
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

from raystudy.logging import get_logger

__all__ = ["BaseJournalFileLock", "JournalFileOpenLock", "JournalFileSymlinkLock"]

_logger = get_logger("raystudy.storages.journal")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SAY_EVERY_S = 0.001, 1.0, 10.0
_SUFFIX = ".lock"


class BaseJournalFileLock(ABC):
    """A lock on a file."""

    @abstractmethod
    def acquire(self) -> bool:
        """Wait for the lock, and return True."""

    @abstractmethod
    def release(self) -> None:
        """Give the lock back; raise RuntimeError if nobody has it."""


class _LockFile(BaseJournalFileLock):
    """A lock that is the file ``<filepath>.lock``.

    Args:
        filepath: The file to be locked.
        grace_period: After so many seconds without a change a lock is broken, or None: never.

    Raises:
        ValueError: If the grace period is not positive.
    """

    def __init__(self, filepath: str, grace_period: int | None = 30) -> None:
        if grace_period is not None and grace_period <= 0:
            raise ValueError(f"{type(self).__name__}: need grace_period > 0 or None, got {grace_period}")
        self._target = filepath
        self._lock_file = Path(filepath + _SUFFIX)
        self.grace_period = grace_period

    def _make(self) -> None:
        """Make the file; raise FileExistsError if it is there."""
        raise NotImplementedError

    def acquire(self) -> bool:
        """Wait for the lock, and return True."""
        pause, seen, since = _FIRST_PAUSE_S, None, time.monotonic()
        said = since
        while True:
            try:
                self._make()
            except FileExistsError:
                now, mark = time.monotonic(), self._mark()
                if mark != seen:
                    seen, since = mark, now
                elif self.grace_period is not None and now - since > self.grace_period:
                    _logger.warning(
                        "%s has not changed for %s s; it is broken", self._lock_file, self.grace_period
                    )
                    self._remove()
                    seen, since, pause = None, now, _FIRST_PAUSE_S
                if now - said > _SAY_EVERY_S:
                    said = now
                    _logger.warning("waiting for the lock %s", self._lock_file)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                return True

    def release(self) -> None:
        """Give the lock back; raise RuntimeError if nobody has it."""
        if not self._remove():
            raise RuntimeError(f"expected to have the lock {self._lock_file}, which is gone")

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = self._lock_file.lstat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def _remove(self) -> bool:
        # Renamed first: of several that break one lock, only one must succeed.
        away = Path(f"{self._lock_file}{uuid.uuid4()}.rename")
        try:
            self._lock_file.rename(away)
        except FileNotFoundError:
            return False
        away.unlink()
        return True


class JournalFileSymlinkLock(_LockFile):
    """A lock by a symbolic link, which is atomic on every version of NFS.

    Args:
        filepath: The file to be locked.
        grace_period: After so many seconds without a change a lock is broken, or None: never.
    """

    def _make(self) -> None:
        self._lock_file.symlink_to(self._target)


class JournalFileOpenLock(_LockFile):
    """A lock by the exclusive creation of a file: NFS 3 or later, or a disk without symbolic links.

    Args:
        filepath: The file to be locked.
        grace_period: After so many seconds without a change a lock is broken, or None: never.
    """

    def _make(self) -> None:
        os.close(os.open(self._lock_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
