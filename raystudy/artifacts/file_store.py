"""Artifacts in a folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from raystudy.artifacts.exceptions import ArtifactNotFound

__all__ = ["FileSystemArtifactStore"]


class FileSystemArtifactStore:
    """Keeps each artifact as a file of a folder; whoever reads one finds all of it or nothing.

    Args:
        base_path: The folder; it is made when the first artifact is written.
    """

    def __init__(self, base_path: str | Path) -> None:
        self._base_path = Path(base_path)

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return the open file; raise ArtifactNotFound if there is none, ValueError for an id outside of the folder."""
        try:
            return self._path(artifact_id).open("rb")
        except FileNotFoundError as error:
            raise self._missing(artifact_id) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep what is left to read of an open file; raise ValueError for an id outside of the folder."""
        path = self._path(artifact_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
        try:
            with os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(content_body, file)
            Path(new).chmod(0o666 & ~_umask())
            Path(new).replace(path)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise

    def remove(self, artifact_id: str) -> None:
        """Remove the file; errors as for ``open_reader``."""
        try:
            self._path(artifact_id).unlink()
        except FileNotFoundError as error:
            raise self._missing(artifact_id) from error

    def _path(self, artifact_id: str) -> Path:
        folder = self._base_path.resolve()
        path = (folder / artifact_id).resolve()
        if folder not in path.parents:
            raise ValueError(
                f"expected the id of an artifact, a name inside of {folder}, got {artifact_id!r}"
            )
        return path

    def _missing(self, artifact_id: str) -> ArtifactNotFound:
        return ArtifactNotFound(f"there is no artifact {artifact_id!r} in {self._base_path}")


def _umask() -> int:
    # Files of mkstemp are for one user alone; a shared folder is for all that its owner lets in.
    mask = os.umask(0)
    os.umask(mask)
    return mask
