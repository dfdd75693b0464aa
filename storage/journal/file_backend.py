"""A log in a file: one operation in JSON on each line."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.storages.journal.backend import BaseJournalBackend, Operation
from raystudy.storages.journal.locks import BaseJournalFileLock, JournalFileSymlinkLock

__all__ = ["JournalFileBackend"]


class JournalFileBackend(BaseJournalBackend):
    """A log in a file, that Optuna can read and append to at the same time.

    A process that dies while it appends leaves at most a line without an end, which nobody reads; the next one
    removes it.

    Args:
        file_path: The file; it is made if it does not exist.
        lock_obj: What keeps others from appending; default: ``JournalFileSymlinkLock(file_path)``.

    Raises:
        StorageUnavailable: If the file cannot be opened.
    """

    def __init__(self, file_path: str, lock_obj: BaseJournalFileLock | None = None) -> None:
        self._path = Path(file_path)
        self._lock = lock_obj or JournalFileSymlinkLock(str(file_path))
        self._set_up()
        with self._opened("ab"):
            pass

    def _set_up(self) -> None:
        self._thread_lock = threading.RLock()
        self._depth = 0
        #: How many operations were read, and where the next one begins.
        self._read, self._offset = 0, 0

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_lock": self._lock}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_up()

    def __repr__(self) -> str:
        return f"JournalFileBackend({str(self._path)!r})"

    def read_logs(self, log_number_from: int) -> list[Operation]:
        """Return the operations from a number on; see ``BaseJournalBackend``.

        Raises:
            StorageUnavailable: If the file cannot be read.
            StorageInternalError: If a line is no JSON.
        """
        with self._thread_lock:
            if log_number_from < self._read:
                self._read, self._offset = 0, 0
            with self._opened("rb") as file:
                file.seek(self._offset)
                whole, end, _ = file.read().rpartition(b"\n")
            lines = (whole + end).splitlines(keepends=True)
            operations = [self._parsed(line, self._read + at) for at, line in enumerate(lines)]
            skipped = log_number_from - self._read
            self._read, self._offset = self._read + len(lines), self._offset + len(whole) + len(end)
            return operations[skipped:]

    def append_logs(self, logs: list[Operation]) -> None:
        """Append operations; what was written of them is taken back if the disk is full.

        Raises:
            StorageUnavailable: If the file cannot be written.
            ValueError, TypeError: If JSON cannot hold an operation; nothing is appended.
        """
        text = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in logs).encode()
        with self.exclusive(), self._opened("r+b") as file:
            size = self._end_of_whole_lines(file)
            file.truncate(size)
            file.seek(size)
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self._path, size)
                raise

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep all others from appending."""
        with self._thread_lock:
            if not self._depth:
                self._lock.acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._lock.release()

    @contextmanager
    def _opened(self, mode: str) -> Iterator[BinaryIO]:
        try:
            with self._path.open(mode) as file:
                yield file  # type: ignore[misc]  # all modes are binary
        except OSError as error:
            raise StorageUnavailable(
                f"expected a journal that can be read and written at {self._path}, found: {error}"
            ) from error

    @staticmethod
    def _end_of_whole_lines(file: BinaryIO) -> int:
        """Return the length of a file without a last line that has no end."""
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - 65536)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
        return 0

    def _parsed(self, line: bytes, number: int) -> Operation:
        try:
            operation: Operation = json.loads(line)
        except ValueError as error:
            raise StorageInternalError(
                f"expected JSON on line {number + 1} of {self._path}, found {line[:80]!r}; the file was damaged: "
                "restore a backup, or remove the line if you know what it said"
            ) from error
        return operation
