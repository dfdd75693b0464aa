"""Folders of files on a local disk, NFS, or behind an fsspec or pyarrow URL, with the little that we need of them.

A write is all or nothing: on disks a new file is synced and takes the old one's name, an object store shows a whole
object or none.  After a power cut there is the new content or the old one: disks keep the order of renames and
removals, so that what was removed after a write is not gone without it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from raystudy.exceptions import StudyError

__all__ = ["Folder", "below", "is_local", "open_folder", "shown"]

#: Has pyarrow open what stands behind it, where fsspec would.
_PYARROW = "pyarrow+"
#: Kinds of file systems behind URLs on which a file grows while it is written, but a rename happens at once.
_RENAMING = frozenset({"file", "local", "hdfs", "sftp", "ssh", "smb"})
#: Kinds without folders: making one would only cost a request.
_FLAT = frozenset({"s3", "s3a", "gcs", "gs", "abfs", "abfss", "az"})


class Folder(Protocol):
    """A folder; paths are relative to it, with slashes, and ``""`` is the folder itself."""

    def names(self, path: str = "") -> list[str]:
        """Return the names of what is in a folder; none if there is no such folder."""

    def read(self, path: str) -> bytes:
        """Return the content of a file; raise FileNotFoundError if there is none, OSError if it cannot be had."""

    def write(self, path: str, content: bytes, *, at_once: bool = False) -> None:
        """Store a file, with the folders above it; raise OSError if that cannot be.

        With ``at_once`` no power cut after this can bring the old content back.
        """

    def put(self, source: Path, names: Iterable[str], path: str) -> None:
        """Copy files of a local folder, named by their paths in it, into a folder."""

    def get(self, path: str, names: Iterable[str]) -> Path:
        """Return a local folder with these files of a folder: itself where it is local, else a copy."""

    def rename(self, path: str, new: str) -> None:
        """Give a file another path."""

    def remove(self, path: str = "") -> None:
        """Delete a file, or a folder with all that is in it; nothing if there is none."""


def below(url: str, *parts: str) -> str:
    """Return the path or URL of what stands below another; the options of a URL (``?...``) stay at its end."""
    base, mark, options = url.partition("?") if "://" in url else (url, "", "")
    return "/".join((base.rstrip("/"), *parts)) + mark + options


def shown(url: str) -> str:
    """Return a path or URL fit to be shown: without options and passwords."""
    return re.sub(r"://[^/]*:[^/@]*@", "://", url.partition("?")[0]) if "://" in url else url


def is_local(url: str) -> bool:
    """Whether this is a path, or the URL of one, and not something that a driver has to open."""
    return "://" not in url or url.startswith(("file://", "local://"))


def open_folder(url: str) -> Folder:
    """Return the folder at a path or URL; it need not exist.

    URLs are opened by fsspec; by pyarrow if they begin with ``pyarrow+`` or have options, and where fsspec
    lacks the package for them.

    Raises:
        StudyError: If neither knows this kind of URL.
    """
    if is_local(url):
        return _LocalFolder(Path(url.partition("://")[2] if "://" in url else url))
    if url.startswith(_PYARROW) or "?" in url:
        return _opened_by_pyarrow(url.removeprefix(_PYARROW), [])
    try:
        return _RemoteFolder(*importlib.import_module("fsspec").core.url_to_fs(url))
    except (ImportError, ValueError) as error:
        return _opened_by_pyarrow(url, [f"fsspec: {error}"])


def _opened_by_pyarrow(url: str, reasons: list[str]) -> Folder:
    try:
        files, path = importlib.import_module("pyarrow.fs").FileSystem.from_uri(url)
        wrapper = importlib.import_module("fsspec.implementations.arrow").ArrowFSWrapper
    except (ImportError, ValueError, OSError) as error:
        reasons = [*reasons, f"pyarrow: {error}"]
        scheme = url.partition("://")[0]
        raise StudyError(
            f"expected a storage path that fsspec or pyarrow can open, found one with {scheme}://, for which they "
            f"say: {'; '.join(reasons)}. Install the package that is missing (s3fs, gcsfs, adlfs, pyarrow), on "
            "every node"
        ) from None
    return _RemoteFolder(wrapper(files), path)


@dataclass(frozen=True)
class _LocalFolder:
    root: Path

    def names(self, path: str = "") -> list[str]:
        try:
            return os.listdir(self.root / path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes, *, at_once: bool = False) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f"{target.name}.new")
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)
        if at_once:  # it costs as much again
            self._sync_folder(target.parent)

    def put(self, source: Path, names: Iterable[str], path: str) -> None:
        for name in names:
            target = self.root / path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with (source / name).open("rb") as old, target.open("wb") as new:
                shutil.copyfileobj(old, new, 1 << 20)
                new.flush()
                os.fsync(new.fileno())
            shutil.copymode(source / name, target)

    def get(self, path: str, names: Iterable[str]) -> Path:  # noqa: ARG002 - they are there
        return self.root / path

    def rename(self, path: str, new: str) -> None:
        (self.root / path).rename(self.root / new)

    def remove(self, path: str = "") -> None:
        target = self.root / path
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            # Not followed: what a link points to is not ours.
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()

    @staticmethod
    def _sync_folder(path: Path) -> None:
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class _RemoteFolder:
    def __init__(self, files: Any, root: str) -> None:
        self._files, self._root = files, root.rstrip("/")
        kinds = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
        self._renames, self._is_flat = not _RENAMING.isdisjoint(kinds), not _FLAT.isdisjoint(kinds)

    def names(self, path: str = "") -> list[str]:
        self._files.invalidate_cache()
        try:
            found = self._files.ls(self._at(path), detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for name in (str(entry).rstrip("/").rpartition("/")[2] for entry in found) if name]

    def read(self, path: str) -> bytes:
        content: bytes = self._files.cat_file(self._at(path))
        return content

    def write(self, path: str, content: bytes, *, at_once: bool = False) -> None:  # noqa: ARG002 - it always is
        target = self._at(path)
        if not self._is_flat:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        if self._renames:
            self._files.pipe_file(f"{target}.new", content)
            self._files.mv(f"{target}.new", target)
        else:
            self._files.pipe_file(target, content)

    def put(self, source: Path, names: Iterable[str], path: str) -> None:
        names = list(names)
        self._files.put(
            [str(source / name) for name in names], [self._at(f"{path}/{name}") for name in names]
        )

    def get(self, path: str, names: Iterable[str]) -> Path:
        copy, names = Path(tempfile.mkdtemp(prefix="raystudy-")), list(names)
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
        self._files.get([self._at(f"{path}/{name}") for name in names], [str(copy / name) for name in names])
        return copy

    def rename(self, path: str, new: str) -> None:
        self._files.mv(self._at(path), self._at(new))

    def remove(self, path: str = "") -> None:
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._at(path), recursive=True)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root
