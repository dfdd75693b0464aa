"""Studies as a log of operations, in Optuna's format: for a file that several hosts share, where SQLite must not be.

storage = raystudy.storages.JournalStorage(raystudy.storages.journal.JournalFileBackend("study.log"))
"""

from raystudy.storages.journal.backend import BaseJournalBackend
from raystudy.storages.journal.file_backend import JournalFileBackend
from raystudy.storages.journal.locks import JournalFileOpenLock, JournalFileSymlinkLock
from raystudy.storages.journal.redis_backend import JournalRedisBackend
from raystudy.storages.journal.storage import JournalStorage

__all__ = [
    "BaseJournalBackend",
    "JournalFileBackend",
    "JournalFileOpenLock",
    "JournalFileSymlinkLock",
    "JournalRedisBackend",
    "JournalStorage",
]
