"""Files of trials and studies: kept in a store, listed in the database in Optuna's form.

    store = raystudy.artifacts.FileSystemArtifactStore("artifacts")
    artifact_id = raystudy.artifacts.upload_artifact(artifact_store=store, file_path="cm.png", study_or_trial=trial)

With trials on several nodes, the store must be one that all of them reach: a folder on a shared disk, S3 or GCS.
"""

from importlib import import_module
from typing import Any

__all__ = [
    "ArtifactMeta",
    "Backoff",
    "Boto3ArtifactStore",
    "FileSystemArtifactStore",
    "GCSArtifactStore",
    "download_artifact",
    "get_all_artifact_meta",
    "upload_artifact",
]

_HOMES = {
    "ArtifactMeta": "meta",
    "Backoff": "backoff",
    "Boto3ArtifactStore": "boto3_store",
    "FileSystemArtifactStore": "file_store",
    "GCSArtifactStore": "gcs_store",
    "download_artifact": "meta",
    "exceptions": "",
    "get_all_artifact_meta": "meta",
    "upload_artifact": "meta",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _HOMES[name]:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
