"""What an artifact store is."""

from __future__ import annotations

from typing import BinaryIO, Protocol

__all__ = ["ArtifactStore"]


class ArtifactStore(Protocol):
    """Keeps the contents of files by id; users may write their own."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return an open file to read an artifact from; raise ArtifactNotFound if there is none of this id."""

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep what is left to read of an open file."""

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; raise ArtifactNotFound if there is none of this id."""
