"""Checkpoints of one trial: a few files in a folder on a local disk, NFS or any fsspec URL.

    <root>/<study>-<token>/trials/00012/checkpoint-1-3/state.pt      the state (or files/ for a directory)
                                               reports.json  reports made up to this checkpoint
                                               meta.json     written last: without it there is no checkpoint

The names carry attempt and count.  A checkpoint is complete once its ``meta.json`` can be read, and the one
before it is kept until the report of the new one's step is noted here.  So a kill at any moment leaves a
complete checkpoint whose reports are all known: no report is lost, at most one step is run again.  A zombie
of an older attempt can only write names that sort below those of the attempt that replaced it.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle

from raystudy.exceptions import StudyError

__all__ = ["TrialVault", "study_folder", "trial_folder"]

#: A complete checkpoint: (attempt, count) and its path.
_Found = tuple[tuple[int, int], str]

_NAME = re.compile(r"checkpoint-(\d+)-(\d+)$")


def study_folder(root: str, name: str, token: str) -> str:
    """Return the folder of a study's checkpoints and logs below a root path or URL.

    Args:
        root: The root.
        name: The study's name; of it stays what is fit for a folder name.
        token: Tells the study from others of the same name: an earlier one whose database was deleted.
    """
    plain = re.sub(r"[^A-Za-z0-9_.=-]", "_", name).lstrip(".")[:100]
    return f"{root.rstrip('/')}/{plain}-{token}"


def trial_folder(study: str, number: int) -> str:
    """Return the folder of a trial's checkpoints and log below its study's."""
    return f"{study}/trials/{number:05d}"


@dataclass
class TrialVault:
    """The checkpoints of one trial, as one attempt sees them.

    Args:
        folder: The trial's folder, a path or an fsspec URL; made when the first checkpoint is saved.
        attempt: Number of this attempt.
    """

    folder: str
    attempt: int

    def save(self, state: object, step: int | None, reports: Mapping[int, float]) -> None:
        """Store a state, or the files of a directory (a ``Path``).

        Raises:
            StudyError: If the path is no directory, or the folder cannot be written.
        """
        older = self._complete()
        count = 1 + max((key[1] for key, _ in older), default=0)
        target = f"{self._path}/checkpoint-{self.attempt}-{count}"
        try:
            self._fs.makedirs(target, exist_ok=True)
            kind = self._write_state(target, state)
            self._write_json(f"{target}/reports.json", dict(reports))
            self._write_json(f"{target}/meta.json", {"kind": kind, "step": step})
        except OSError as error:
            raise StudyError(
                f"cannot write a checkpoint to {target}: {error}; pass a path that every worker can write, "
                "optimize(..., storage_path=...)"
            ) from error
        self._newest = target
        self._delete(self._not_of_successors(older)[:-1])

    def load(self) -> Any:
        """Return the newest state, the ``Path`` of the newest directory, or None if there is none."""
        path = self._newest
        if path is None:
            return None
        kind = self._read_json(f"{path}/meta.json")["kind"]
        if kind == "directory":
            return self._local_copy(f"{path}/files")
        content = self._fs.cat_file(f"{path}/state.{kind}")
        if kind == "pt":
            import torch  # noqa: PLC0415 - only where torch wrote the state

            return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        return cloudpickle.loads(content)

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint; the last report's if it was saved without one."""
        if self._newest is None:
            return None
        step = self._read_json(f"{self._newest}/meta.json")["step"]
        return step if step is not None else max(self.reports(), default=None)

    def reports(self) -> dict[int, float]:
        """Return the reports that the newest checkpoint knows of."""
        found = self._read_json(f"{self._newest}/reports.json") if self._newest else {}
        return {int(step): float(value) for step, value in found.items()}

    def note_reports(self, reports: Mapping[int, float]) -> None:
        """Replace the reports of the newest checkpoint, once that of its own step is known."""
        if self._newest is not None:
            self._write_json(f"{self._newest}/reports.json", dict(reports))
            others = [entry for entry in self._complete() if entry[1] != self._newest]
            self._delete(self._not_of_successors(others))

    @cached_property
    def _located(self) -> tuple[Any, str]:
        import fsspec  # noqa: PLC0415 - 30 ms that a trial without checkpoints need not pay

        fs, path = fsspec.core.url_to_fs(self.folder)
        return fs, path

    @property
    def _fs(self) -> Any:
        return self._located[0]

    @property
    def _path(self) -> str:
        return self._located[1]

    @cached_property
    def _newest(self) -> str | None:
        complete = self._complete()
        if not complete:
            return None
        (_, count), newest = complete[-1]
        # What a zombie has saved since then bears a higher count.
        before = [path for key, path in complete[:-1] if key[1] < count][-1:]
        if not self._knows_its_report(newest):
            if before and self._knows_its_report(before[0]):
                return before[0]
            # Objectives need not report every step; but a first step can be run again without losing another.
            return None if self._read_json(f"{newest}/meta.json")["step"] == 0 else newest
        return newest

    def _knows_its_report(self, path: str) -> bool:
        step = self._read_json(f"{path}/meta.json")["step"]
        return step is None or str(step) in self._read_json(f"{path}/reports.json")

    def _delete(self, checkpoints: Sequence[_Found]) -> None:
        for _, path in checkpoints:
            self._fs.rm(path, recursive=True)

    def _not_of_successors(self, checkpoints: Sequence[_Found]) -> list[_Found]:
        """Leave out checkpoints of later attempts: a zombie must not delete those."""
        return [(key, path) for key, path in checkpoints if key[0] <= self.attempt]

    def _complete(self) -> list[_Found]:
        """Return the complete checkpoints, oldest first."""
        if not self._fs.isdir(self._path):
            return []
        self._fs.invalidate_cache()
        found = []
        for path in self._fs.ls(self._path, detail=False):
            match = _NAME.search(str(path))
            if match and self._read_json(f"{path}/meta.json"):
                found.append(((int(match[1]), int(match[2])), str(path)))
        return sorted(found)

    def _write_state(self, target: str, state: object) -> str:
        if isinstance(state, Path):
            if not state.is_dir():
                raise StudyError(f"save_checkpoint: expected a directory, {state} is none; pass its folder")
            self._fs.put(f"{state}/", f"{target}/files/", recursive=True)
            return "directory"
        torch = sys.modules.get("torch")
        if torch is not None and _is_plain(state, torch.Tensor):
            buffer = io.BytesIO()
            torch.save(state, buffer)
            self._fs.pipe_file(f"{target}/state.pt", buffer.getvalue())
            return "pt"
        self._fs.pipe_file(f"{target}/state.pkl", cloudpickle.dumps(state))
        return "pkl"

    def _local_copy(self, path: str) -> Path:
        if "file" in self._fs.protocol:
            return Path(path)
        copy = tempfile.mkdtemp(prefix="raystudy-")
        self._fs.get(f"{path}/", f"{copy}/", recursive=True)
        return Path(copy)

    def _write_json(self, path: str, content: object) -> None:
        # A rename is what a local disk and NFS do at once; object stores put a file at once anyway.
        if "file" in self._fs.protocol:
            self._fs.pipe_file(f"{path}.new", json.dumps(content).encode())
            Path(f"{path}.new").replace(path)
        else:
            self._fs.pipe_file(path, json.dumps(content).encode())

    def _read_json(self, path: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._fs.cat_file(path))
        except (OSError, ValueError):
            return {}  # cut short by a kill: the checkpoint was never completed
        return content


def _is_plain(state: object, tensor: type) -> bool:
    """Whether torch can read the state back with ``weights_only``."""
    if isinstance(state, dict):
        return all(_is_plain(k, tensor) and _is_plain(v, tensor) for k, v in state.items())
    if isinstance(state, (list, tuple)):
        return type(state) in (list, tuple) and all(_is_plain(item, tensor) for item in state)
    return state is None or type(state) in (bool, int, float, str, bytes) or isinstance(state, tensor)
