"""Where studies live: in memory, in a database with Optuna's schema, or in a journal of Optuna's format."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from raystudy.storages.base import Storage
from raystudy.storages.memory import InMemoryStorage
from raystudy.storages.optuna_verbs import BaseStorage
from raystudy.storages.stale import (
    RetryFailedTrialCallback,
    RetryHeartbeatStaleTrialCallback,
    fail_stale_trials,
)

__all__ = [
    "BaseStorage",
    "InMemoryStorage",
    "JournalStorage",
    "RDBStorage",
    "RetryFailedTrialCallback",
    "RetryHeartbeatStaleTrialCallback",
    "fail_stale_trials",
    "get_storage",
    "journal",
]


def get_storage(storage: str | Storage | None) -> Storage:
    """Return the storage that a user means: None is memory, a text is the URL of a database.

    Raises:
        ValueError: If the URL is that of Redis or a journal, which need an object of their own.
        TypeError: If an object is given that has not the verbs of a storage.
        StorageUnavailable: If the database cannot be opened.
    """
    if storage is None:
        return InMemoryStorage()
    if isinstance(storage, str):
        if storage.startswith(("redis", "journal")):
            kind = storage.split(":", 1)[0]
            raise ValueError(
                f"expected the URL of an SQL database, got one of {kind!r}; "
                "use sqlite:///file.db on one host or postgresql://user:password@host/name, or give "
                "JournalStorage(journal.JournalRedisBackend(url)) or JournalStorage(journal.JournalFileBackend(path))"
            )
        from raystudy.storages.rdb import RDBStorage  # noqa: PLC0415 - loads SQLAlchemy only when used

        return RDBStorage(storage)
    if not hasattr(storage, "commit"):
        raise TypeError(
            f"expected None, a database URL or a raystudy storage, got {type(storage).__module__}."
            f"{type(storage).__name__}; give the URL of the database instead of Optuna's storage object"
        )
    return storage


#: Optuna's names of before 4.0 for what is in ``journal``.
_OLD_NAMES = {
    "BaseJournalLogStorage": "BaseJournalBackend",
    "JournalFileOpenLock": "JournalFileOpenLock",
    "JournalFileStorage": "JournalFileBackend",
    "JournalFileSymlinkLock": "JournalFileSymlinkLock",
    "JournalRedisStorage": "JournalRedisBackend",
}


def __getattr__(name: str) -> Any:
    if name in ("journal", "JournalStorage"):
        module = import_module("raystudy.storages.journal")
        return module if name == "journal" else module.JournalStorage
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warnings.warn(
            f"raystudy.storages.{name} is deprecated, as in Optuna; use raystudy.storages.journal.{new}",
            FutureWarning,
            stacklevel=2,
        )
        return getattr(import_module("raystudy.storages.journal"), new)
    if name == "RDBStorage":
        from raystudy.storages.rdb import RDBStorage  # noqa: PLC0415 - loads SQLAlchemy only when used

        return RDBStorage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
