"""What a log of operations is; users may write their own, as for Optuna."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["BaseJournalBackend", "Operation"]

#: One operation: values that JSON can hold, by name.
Operation = dict[str, Any]


class BaseJournalBackend(ABC):
    """A log that only grows.  Several processes may use it at once."""

    @abstractmethod
    def read_logs(self, log_number_from: int) -> Iterable[Operation]:
        """Return the operations from a number on; the first one has the number 0."""

    @abstractmethod
    def append_logs(self, logs: list[Operation]) -> None:
        """Append operations, all or none, next to each other."""

    def append_after(self, log_number: int, logs: list[Operation]) -> bool:  # noqa: ARG002 - for others
        """Append operations if the next one has this number still; return whether it had.

        A backend that does not override it appends in any case.
        """
        self.append_logs(logs)
        return True

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep all others from appending; ``append_logs`` may be called within.

        A backend that overrides neither this nor ``append_after`` makes no promise: what is appended may be preceded
        by what another process has appended since the log was read.
        """
        yield
