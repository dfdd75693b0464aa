"""Artifacts in a bucket of S3, or of a store that speaks its protocol."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any, BinaryIO, cast

from raystudy.artifacts.exceptions import ArtifactNotFound

__all__ = ["Boto3ArtifactStore"]


class Boto3ArtifactStore:
    """Keeps each artifact as an object.

    Args:
        bucket_name: The bucket; it must exist.
        client: A client of boto3; default: ``boto3.client("s3")``, with the credentials of the environment.
        avoid_buf_copy: Whether the file given to ``write`` is sent as it is; boto3 may close it then.

    Raises:
        ImportError: If boto3 is not installed.
    """

    def __init__(self, bucket_name: str, client: Any = None, *, avoid_buf_copy: bool = False) -> None:
        if client is None:
            try:
                client = import_module("boto3").client("s3")
            except ModuleNotFoundError as error:
                raise ImportError("Boto3ArtifactStore needs boto3: pip install boto3") from error
        self.bucket = bucket_name
        self.client = client
        self._avoid_buf_copy = avoid_buf_copy

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return the object's body; raise ArtifactNotFound if there is no such object."""
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=artifact_id)
        except self.client.exceptions.NoSuchKey as error:
            raise ArtifactNotFound(
                f"there is no artifact {artifact_id!r} in the bucket {self.bucket!r}"
            ) from error
        return cast(BinaryIO, found["Body"])

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Send what is left to read of an open file."""
        body = content_body if self._avoid_buf_copy else io.BytesIO(content_body.read())
        self.client.upload_fileobj(body, self.bucket, artifact_id)

    def remove(self, artifact_id: str) -> None:
        """Remove the object; S3 does not say whether there was one."""
        self.client.delete_object(Bucket=self.bucket, Key=artifact_id)
