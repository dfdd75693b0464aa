"""A log in Redis, under the keys that Optuna has there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from raystudy.exceptions import StorageUnavailable
from raystudy.storages.journal.backend import BaseJournalBackend, Operation

__all__ = ["JournalRedisBackend"]

#: Appends operations (from the third argument on) if the last number is the expected one, or -2 is expected.
_APPEND = """
local last = tonumber(redis.call('get', KEYS[1]) or '-1')
if tonumber(ARGV[1]) ~= -2 and last ~= tonumber(ARGV[1]) then return 0 end
for i = 3, #ARGV do
  redis.call('set', ARGV[2] .. ':log:' .. (last + i - 2), ARGV[i])
end
redis.call('set', KEYS[1], last + #ARGV - 2)
return 1
"""
_WHATEVER = -2
_PORTION = 1000
#: How long another writer may take from the number of an operation to the operation itself, in seconds.
_PATIENCE_S = 10.0


class JournalRedisBackend(BaseJournalBackend):
    """A log in Redis, that Optuna can read and append to at the same time.

    Args:
        url: ``redis://[[user]:password@]host[:port][/db]``.
        use_cluster: Whether the server is a Redis Cluster, where appending is not atomic.
        prefix: What all keys begin with.

    Raises:
        ImportError: If redis is not installed.
    """

    def __init__(self, url: str, use_cluster: bool = False, prefix: str = "") -> None:
        self._url, self._use_cluster, self._prefix = url, use_cluster, prefix
        self._set_up()

    def _set_up(self) -> None:
        try:
            redis = import_module("redis")
        except ModuleNotFoundError as error:
            raise ImportError('JournalRedisBackend needs redis: pip install "raystudy[redis]"') from error
        self._errors: type[Exception] = redis.exceptions.RedisError
        self._redis: Any = redis.Redis.from_url(self._url)

    def __getstate__(self) -> dict[str, Any]:
        return {"_url": self._url, "_use_cluster": self._use_cluster, "_prefix": self._prefix}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_up()

    def __repr__(self) -> str:
        return f"JournalRedisBackend({self._place})"

    @property
    def _place(self) -> str:
        found = self._redis.connection_pool.connection_kwargs
        return f"redis://{found.get('host', '')}:{found.get('port', '')}/{found.get('db', 0)}"

    def read_logs(self, log_number_from: int) -> list[Operation]:
        """Return the operations from a number on; see ``BaseJournalBackend``.

        Raises:
            StorageUnavailable: If the server does not answer.
        """
        with self._answering():
            end = int(self._redis.get(f"{self._prefix}:log_number") or -1) + 1
            texts: list[bytes] = []
            for begin in range(log_number_from, end, _PORTION):
                numbers = range(begin, min(begin + _PORTION, end))
                found = self._redis.mget([f"{self._prefix}:log:{number}" for number in numbers])
                texts += [
                    self._awaited(number) if text is None else text
                    for number, text in zip(numbers, found, strict=True)
                ]
            return [json.loads(text) for text in texts]

    def append_logs(self, logs: list[Operation]) -> None:
        """Append operations; errors as for ``read_logs``, and those of JSON, after which nothing is appended."""
        self._append(_WHATEVER, logs)

    def append_after(self, log_number: int, logs: list[Operation]) -> bool:
        """Append operations if the next one has this number still; return whether it had."""
        return self._append(log_number - 1, logs)

    def _append(self, last: int, logs: list[Operation]) -> bool:
        texts = [json.dumps(each) for each in logs]
        with self._answering():
            if self._use_cluster:
                self._redis.setnx(f"{self._prefix}:log_number", -1)
                for text in texts:
                    number = self._redis.incr(f"{self._prefix}:log_number")
                    self._redis.set(f"{self._prefix}:log:{number}", text)
                return True
            key = f"{self._prefix}:log_number"
            return bool(self._redis.eval(_APPEND, 1, key, last, self._prefix, *texts))

    def _awaited(self, number: int) -> bytes:
        """Return an operation whose number was taken already by a writer that is not done yet."""
        deadline = time.monotonic() + _PATIENCE_S
        while (text := self._redis.get(f"{self._prefix}:log:{number}")) is None:
            if time.monotonic() > deadline:
                raise StorageUnavailable(
                    f"operation {number} of the journal at {self._place} is missing; its writer may have died"
                )
            time.sleep(0.05)
        return bytes(text)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise StorageUnavailable(
                f"expected a Redis server at {self._place}, found: {type(error).__name__}"
            ) from error
