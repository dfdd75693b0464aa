"""Artifacts in a bucket of Google Cloud Storage."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any, BinaryIO

from raystudy.artifacts.exceptions import ArtifactNotFound

__all__ = ["GCSArtifactStore"]


class GCSArtifactStore:
    """Keeps each artifact as an object.

    Args:
        bucket_name: The bucket; it must exist.
        client: A ``google.cloud.storage.Client``; default: one with the credentials of the environment.

    Raises:
        ImportError: If google-cloud-storage is not installed.
    """

    def __init__(self, bucket_name: str, client: Any = None) -> None:
        if client is None:
            try:
                client = import_module("google.cloud.storage").Client()
            except ModuleNotFoundError as error:
                raise ImportError(
                    "GCSArtifactStore needs google-cloud-storage: pip install google-cloud-storage"
                ) from error
        self.bucket_name = bucket_name
        self.client = client
        self.bucket_obj = client.bucket(bucket_name)

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return the object's content; raise ArtifactNotFound if there is no such object."""
        return io.BytesIO(self._found(artifact_id).download_as_bytes())

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Send what is left to read of an open file."""
        self.bucket_obj.blob(artifact_id).upload_from_file(content_body)

    def remove(self, artifact_id: str) -> None:
        """Remove the object; raise ArtifactNotFound if there is no such object."""
        self._found(artifact_id).delete()

    def _found(self, artifact_id: str) -> Any:
        blob = self.bucket_obj.get_blob(artifact_id)
        if blob is None:
            raise ArtifactNotFound(f"there is no artifact {artifact_id!r} in the bucket {self.bucket_name!r}")
        return blob
