"""A store that tries again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from raystudy.artifacts.exceptions import ArtifactNotFound
from raystudy.artifacts.store import ArtifactStore
from raystudy.logging import get_logger

__all__ = ["Backoff"]

_logger = get_logger("raystudy.artifacts")
_Result = TypeVar("_Result")


class Backoff:
    """Wraps a store that fails now and then: each operation is tried again, with growing pauses.

    Args:
        backend: The store.
        max_retries: How often an operation is tried in all, >= 1.
        multiplier: By how much the pauses grow, > 0.
        min_delay: The first pause, in seconds, > 0.
        max_delay: The longest pause, in seconds, >= ``min_delay``.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        backend: ArtifactStore,
        *,
        max_retries: int = 10,
        multiplier: float = 2,
        min_delay: float = 0.1,
        max_delay: float = 30,
    ) -> None:
        if max_retries < 1 or multiplier <= 0 or not 0 < min_delay <= max_delay:
            raise ValueError(
                "Backoff: need max_retries >= 1, multiplier > 0 and 0 < min_delay <= max_delay, "
                f"got {max_retries}, {multiplier}, {min_delay} and {max_delay}"
            )
        self._backend = backend
        self._max_retries = max_retries
        self._multiplier = multiplier
        self._min_delay = min_delay
        self._max_delay = max_delay

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return an open file to read an artifact from; raise ArtifactNotFound at once if there is none."""
        return self._persist("open", artifact_id, lambda: self._backend.open_reader(artifact_id))

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep what is left to read of an open file, each time from where it stands now."""
        begin = content_body.tell()

        def write() -> None:
            content_body.seek(begin)
            self._backend.write(artifact_id, content_body)

        self._persist("write", artifact_id, write)

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; raise ArtifactNotFound at once if there is none."""
        self._persist("remove", artifact_id, lambda: self._backend.remove(artifact_id))

    def _persist(self, verb: str, artifact_id: str, operation: Callable[[], _Result]) -> _Result:
        for attempt in range(self._max_retries - 1):
            try:
                return operation()
            except ArtifactNotFound:
                raise
            except Exception as error:  # noqa: BLE001 - a store may raise anything
                delay = min(self._min_delay * self._multiplier**attempt, self._max_delay)
                _logger.warning(
                    "cannot %s artifact %s (%s); again in %.1f s", verb, artifact_id, error, delay
                )
                time.sleep(delay)
        return operation()
