"""What a call could not store: files in the study's folder, which the next run on the study stores.

    <study folder>/unsaved/<call>.<owner>.<part>.jsonl     (the lines: spool_format.py)

A part is written beside its name and then renamed, so that a kill at any moment leaves the parts as they
were.  Storing a part again changes nothing, and happens under the lease of the driver that wrote it: once
another owner has gone on with the call, its parts are refused.
"""

from __future__ import annotations

import getpass
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raystudy.exceptions import LeaseLost, StorageInternalError, StorageUnavailable, StudyError
from raystudy.orchestrator.files import Folder, below, open_folder
from raystudy.orchestrator.spool_format import Part, from_text, lines_of, to_text
from raystudy.storages.base import FinishTrial, Storage

__all__ = ["Part", "Spool", "restore", "save"]

#: Writes per transaction while a part is stored.
_BATCH = 1000
_NAME = re.compile(r"(?P<call>[^/.]+)\.(?P<owner>[^/.]+)\.(?P<part>\d+)\.jsonl$")


@dataclass(frozen=True, slots=True)
class Spool:
    """The files of a study.

    Args:
        study_folder: Path or URL of the study's folder.
    """

    study_folder: str

    def save(self, part: Part) -> str | None:
        """Write another part, durably, and return its path, or None if there is nothing to save.

        Raises:
            StudyError: If the folder cannot be written.
        """
        lines = lines_of(part)
        if not lines:
            return None
        try:
            mine = [int(name["part"]) for name in self._names() if name["owner"] == part.fence.owner]
            name = f"{part.fence.call_id}.{part.fence.owner}.{1 + max(mine, default=0):04d}.jsonl"
            self._folder.write(name, to_text(part, lines).encode(), at_once=True)
        except OSError as error:
            raise StudyError(
                f"expected a folder that can be written, to save {len(lines)} unstored writes in "
                f"{self.study_folder}, found: {error}"
            ) from error
        return self._path(name)

    def parts(self, call_id: str) -> list[str]:
        """Return the paths of a call's parts, in the order in which they must be stored."""
        names = [name for name in self._names() if name["call"] == call_id]
        return [self._path(name[0]) for name in sorted(names, key=lambda n: (n["owner"], int(n["part"])))]

    def load(self, path: str) -> Part:
        """Return the content of a part; raise ValueError if it is not whole, or of another version."""
        return from_text(self._folder.read(_name(path)).decode())

    def remove(self, path: str) -> None:
        """Delete a part."""
        self._folder.remove(_name(path))

    def put_aside(self, path: str) -> str:
        """Rename a part that cannot be stored, so that it is kept and no longer found; return its new path."""
        self._folder.rename(_name(path), f"{_name(path)}.refused")
        return self._path(f"{_name(path)}.refused")

    @property
    def _folder(self) -> Folder:
        return open_folder(below(self.study_folder, "unsaved"))

    def _path(self, name: str) -> str:
        return below(self.study_folder, "unsaved", name)

    def _names(self) -> list[re.Match[str]]:
        found = (_NAME.match(name) for name in self._folder.names())
        return [name for name in found if name is not None]


def _name(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[2]


def save(study_folder: str, part: Part) -> str | None:
    """Save a part in the study's folder, or in the folder for temporary files if that cannot be written.

    The disk that is full may be the one that both the database and the study's folder are on.

    Returns:
        The path, or None if there is nothing to save.

    Raises:
        StudyError: If neither can be written.
    """
    first, second = _places(study_folder)
    try:
        return first.save(part)
    except StudyError:
        return second.save(part)


def restore(
    storage: Storage, study_id: int, call_id: str, study_folder: str, say: Callable[[str], None]
) -> None:
    """Store what a dead driver of a call could not; call it before the call is taken over.

    Raises:
        StorageUnavailable: If the database is out of reach still; everything is kept.
    """
    found = [(spool, path) for spool in _places(study_folder) for path in spool.parts(call_id)]
    for spool, path in found:
        try:
            part = spool.load(path)
            n_finished = _store(storage, study_id, part)
        except StorageUnavailable:
            raise
        except (LeaseLost, StorageInternalError, ValueError, TypeError, KeyError) as error:
            say(
                f"an earlier call's unsaved writes cannot be stored ({error}); kept as {spool.put_aside(path)}"
            )
            continue
        spool.remove(path)
        say(
            f"stored {len(part.writes)} writes of an interrupted call, {n_finished} finished trials among them"
        )


def _places(study_folder: str) -> tuple[Spool, Spool]:
    elsewhere = Path(tempfile.gettempdir()) / f"raystudy-{_user()}" / Path(study_folder).name
    return Spool(study_folder), Spool(str(elsewhere))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have a number only
        return str(os.getuid())


def _store(storage: Storage, study_id: int, part: Part) -> int:
    """Store a part and return how many trials it finished; doing it again changes nothing."""
    if part.study_id != study_id:
        raise ValueError(f"expected writes to study {study_id}, found some to study {part.study_id}")
    if part.study_attrs:
        storage.set_study_attrs(study_id, {}, part.study_attrs)
    refused: set[int] = set()
    for start in range(0, len(part.writes), _BATCH):
        refused |= storage.commit(study_id, part.writes[start : start + _BATCH], part.fence).refused
    finished = {write.trial_id for write in part.writes if isinstance(write, FinishTrial)}
    return len(finished - refused)
