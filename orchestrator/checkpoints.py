"""Checkpoints of one trial: a few files in a folder on a local disk, NFS, or any fsspec or pyarrow URL.

    <root>/<study>-<token>/trials/00012/checkpoint-1-3/state.pt   the state (state.pkl; files/ for a directory)
                                                       meta.json  written last: without it there is no checkpoint

The names carry attempt and count; ``meta.json`` holds the step, what the trial has told up to it, and the checksums
of all files, its own included.  A checkpoint is complete once its ``meta.json`` is there, and the one before it is
kept until the report of the new one's step is noted in it.  So a kill at any moment leaves a complete checkpoint whose
reports are all known: no report is lost, at most one step is run again.  A zombie of an older attempt can only
write names that sort below those of the attempt that replaced it, and deletes nothing of that one's.

A later attempt reads the newest checkpoint before anything else.  If its files are not what was written, it says so
and takes the one before, or starts from the beginning.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from raystudy.exceptions import CheckpointUnavailable, StudyError
from raystudy.orchestrator.checkpoint_records import (
    Checkpoint,
    Damaged,
    by_text,
    compare,
    digest,
    digest_of,
    news_of,
    plain,
    sealed,
    to_try,
    unsealed,
    without_zombies,
)
from raystudy.orchestrator.files import Folder, below, is_local, open_folder, shown
from raystudy.orchestrator.states import decoded, encoded
from raystudy.trial import News

__all__ = ["TrialVault", "log_file", "study_folder", "trial_folder"]

_NAME = re.compile(r"checkpoint-(\d+)-(\d+)$")


def study_folder(root: str, name: str, token: str) -> str:
    """Return the folder of a study's checkpoints and logs below a root path or URL.

    Args:
        root: The root.
        name: The study's name; of it stays what is fit for a folder name.
        token: Tells the study from others of the same name: an earlier one whose database was deleted.
    """
    plain = re.sub(r"[^A-Za-z0-9_.=-]", "_", name).lstrip(".")[:100]
    return below(root, f"{plain}-{token}")


def trial_folder(study: str, number: int) -> str:
    """Return the folder of a trial's checkpoints below its study's."""
    return below(study, "trials", f"{number:05d}")


def log_file(study: str, number: int) -> str | None:
    """Return the file for what a trial prints, None where the study's folder is behind a URL."""
    return None if "://" in study else below(study, "logs", f"{number:05d}.txt")


@dataclass
class TrialVault:
    """The checkpoints of one trial, as one attempt sees them.

    Args:
        folder: The trial's folder, a path or URL; made when the first checkpoint is saved.
        attempt: Number of this attempt.

        ended: Whether the trial has ended: then the newest checkpoint counts whatever was reported, and a local copy
            of a directory from behind a URL outlives this object.

    Attributes:
        notes: Lines for the user: which checkpoint was damaged, and what was done about it.
    """

    folder: str
    attempt: int
    ended: bool = False
    notes: list[str] = field(default_factory=list, init=False)
    #: What was read of the newest checkpoint when it was checked, until it is loaded.
    _content: bytes | Path | None = field(default=None, init=False, repr=False)

    def save(
        self, state: object, step: int | None, reports: Mapping[int, float], news: News | None = None
    ) -> None:
        """Store a state, or the files of a directory (a ``Path``), with what the trial has told.

        Raises:
            StudyError: If the path is no directory, or the folder cannot be written.
        """
        before = self._newest
        with self._writing():
            names = self._names()
            name = f"checkpoint-{self.attempt}-{1 + max((count for _, count in names.values()), default=0)}"
            try:
                kind, files = self._write_state(name, state)
                new = Checkpoint(name, kind, step, files, by_text(reports), *plain(news or News()))
                self._files.write(f"{name}/meta.json", sealed(new))
            except OSError:
                with contextlib.suppress(OSError):
                    self._files.remove(name)  # a full disk needs the space
                raise
        self._newest, self._content = new, None
        self._remove(names, keep={name} if before is None else {name, before.name})

    def load(self) -> Any:
        """Return the newest state, the ``Path`` of the newest directory, or None if there is none.

        Raises:
            StudyError: If what this attempt has saved is damaged already.
        """
        found = self._newest
        if found is None:
            return None
        try:
            content = self._fetch(found) if self._content is None else self._content
        except Damaged as damage:
            raise StudyError(
                f"{self._path(found.name)} was saved just now and is damaged: {damage}"
            ) from None
        self._content = None
        return content if isinstance(content, Path) else decoded(found.kind, content)

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint; the last report's if it was saved without one."""
        if self._newest is None:
            return None
        return max(self.reports(), default=None) if self._newest.step is None else self._newest.step

    def reports(self) -> dict[int, float]:
        """Return the reports that the newest checkpoint knows of."""
        found = {} if self._newest is None else self._newest.reports
        return {int(step): value for step, value in found.items()}

    def news(self) -> News:
        """Return the parameters and user attributes that the newest checkpoint knows of."""
        found = self._newest
        return News() if found is None else news_of(found)

    def note_reports(self, reports: Mapping[int, float]) -> None:
        """Replace the reports of the newest checkpoint, once that of its own step is known.

        Raises:
            StudyError: If the folder cannot be written.
        """
        newest = self._newest
        if newest is None:
            return
        with self._writing():
            names = self._names()
            if newest.name not in names:
                return  # a later attempt has removed it: this one is a zombie
            self._newest = replace(newest, reports=by_text(reports))
            self._files.write(f"{newest.name}/meta.json", sealed(self._newest))
        self._remove(names, keep={newest.name})

    # ---- what is there -----------------------------------------------------------------------------

    @cached_property
    def _files(self) -> Folder:
        return open_folder(self.folder)

    @cached_property
    def _newest(self) -> Checkpoint | None:
        """The checkpoint to go on from: complete, and read without a fault."""
        damages = list[str]()
        found = None
        for found in self._candidates(damages):
            try:
                self._content = self._fetch(found)
                break
            except Damaged as damage:
                damages.append(f"{self._path(found.name)} is damaged ({damage})")
        else:
            found = None
        if damages:
            step = "" if found is None or found.step is None else f" of step {found.step}"
            way = (
                "starts from the beginning" if found is None else f"goes on from the checkpoint{step} before"
            )
            self.notes.append(f"{'; '.join(damages)}; it {way}")
        return found

    def _candidates(self, damages: list[str]) -> list[Checkpoint]:
        """Return the complete checkpoints in the order in which to try them."""
        found = list[Checkpoint | None]()
        for name in without_zombies(self._names()):
            try:
                found.append(self._complete(name))
            except Damaged as damage:
                damages.append(f"{self._path(name)} is damaged ({damage})")
        complete = [checkpoint for checkpoint in found if checkpoint is not None]
        return complete if self.ended else to_try(complete)

    def _complete(self, name: str) -> Checkpoint | None:
        """Return a checkpoint, or None if it was never completed."""
        try:
            with self._reading():
                return unsealed(name, self._files.read(f"{name}/meta.json"))
        except FileNotFoundError:
            return None

    def _names(self) -> dict[str, tuple[int, int]]:
        """Return attempt and count of all checkpoints, complete or not, by name."""
        with self._reading():
            matches = [match for name in self._files.names() if (match := _NAME.match(name))]
        return {match[0]: (int(match[1]), int(match[2])) for match in matches}

    def _fetch(self, found: Checkpoint) -> bytes | Path:
        """Read a checkpoint and compare it with its checksums."""
        try:
            with self._reading():
                if found.kind != "directory":
                    content = self._files.read(f"{found.name}/state.{found.kind}")
                    compare({f"state.{found.kind}": digest(content)}, found.files)
                    return content
                path = self._files.get(f"{found.name}/files", found.files)
                if not (self.ended or is_local(self.folder)):
                    weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
                compare({file: digest_of(path / file) for file in found.files}, found.files)
                return path
        except FileNotFoundError:
            raise Damaged("a file is missing") from None

    # ---- writing -----------------------------------------------------------------------------------

    def _write_state(self, name: str, state: object) -> tuple[str, dict[str, str]]:
        """Write what is saved; return its kind, and the checksums of its files."""
        if not isinstance(state, Path):
            kind, content = encoded(state)
            self._files.write(f"{name}/state.{kind}", content)
            return kind, {f"state.{kind}": digest(content)}
        if not state.is_dir():
            raise StudyError(f"save_checkpoint: expected a directory, {state} is none; pass its folder")
        paths = sorted(path.relative_to(state).as_posix() for path in state.rglob("*") if path.is_file())
        self._files.put(state, paths, f"{name}/files")
        return "directory", {path: digest_of(state / path) for path in paths}

    def _remove(self, names: Mapping[str, tuple[int, int]], keep: Collection[str]) -> None:
        """Remove checkpoints but for those of later attempts: a zombie must not delete what replaced it."""
        for name, (attempt, _) in names.items():
            if name not in keep and attempt <= self.attempt:
                with contextlib.suppress(OSError):  # it is tried again when the trial has ended
                    self._files.remove(name)

    @contextlib.contextmanager
    def _writing(self) -> Any:
        try:
            yield
        except OSError as error:
            raise StudyError(
                f"cannot write a checkpoint to {shown(self.folder)}: {error}; pass a path that every worker can write, "
                "optimize(..., storage_path=...)"
            ) from error

    @contextlib.contextmanager
    def _reading(self) -> Any:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            # Not the same as none: what cannot be read just now must not be trained again, and then deleted.
            raise CheckpointUnavailable(
                f"cannot read the checkpoints in {shown(self.folder)}: {error}"
            ) from error

    def _path(self, name: str) -> str:
        return below(shown(self.folder), name)
