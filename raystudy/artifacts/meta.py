"""Artifacts of a trial or study: their entries in the database, in Optuna's form, and their way to a store and back.

An entry is a system attribute ``artifacts:<id>`` that holds a JSON text.
"""

from __future__ import annotations

import json
import mimetypes
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raystudy.artifacts.store import ArtifactStore
from raystudy.study import Study
from raystudy.trial import FrozenTrial, Trial

__all__ = ["ArtifactMeta", "download_artifact", "get_all_artifact_meta", "upload_artifact"]

_PREFIX = "artifacts:"
_ANY_TYPE = "application/octet-stream"

Owner = Trial | FrozenTrial | Study


@dataclass
class ArtifactMeta:
    """What is known of an artifact.

    Attributes:
        artifact_id: Its id in the store.
        filename: Name of the file that was uploaded, without its folder.
        mimetype: MIME type.
        encoding: Content encoding such as gzip, or None.
    """

    artifact_id: str
    filename: str
    mimetype: str
    encoding: str | None


def upload_artifact(
    *,
    artifact_store: ArtifactStore,
    file_path: str,
    study_or_trial: Owner,
    storage: Any = None,
    mimetype: str | None = None,
    encoding: str | None = None,
) -> str:
    """Copy a file to a store, list it with a trial or study, and return its id.

    Args:
        artifact_store: The store.
        file_path: The file.
        study_or_trial: What it belongs to.
        storage: The storage; needed for a FrozenTrial alone.
        mimetype: MIME type; default: guessed from the file's name.
        encoding: Content encoding; default: guessed from the file's name.

    Raises:
        ValueError: If the storage is needed and not given.
    """
    path, artifact_id = Path(file_path), str(uuid.uuid4())
    guessed = mimetypes.guess_type(path.name)
    meta = ArtifactMeta(artifact_id, path.name, mimetype or guessed[0] or _ANY_TYPE, encoding or guessed[1])
    owner: Any = study_or_trial
    store = _storage_of(owner, storage)
    # First the file: an entry without one would be worse than a file without an entry.
    with path.open("rb") as file:
        artifact_store.write(artifact_id, file)
    key, text = f"{_PREFIX}{artifact_id}", json.dumps(asdict(meta))
    if _is_study(owner):
        store.set_study_system_attr(owner._study_id, key, text)
    else:
        store.set_trial_system_attr(owner._trial_id, key, text)
    return artifact_id


def download_artifact(*, artifact_store: ArtifactStore, file_path: str, artifact_id: str) -> None:
    """Copy an artifact to a new file.

    Raises:
        FileExistsError: If the file exists.
        ArtifactNotFound: If the store has no such artifact.
    """
    path = Path(file_path)
    if path.exists():
        raise FileExistsError(f"{path} exists; remove it or choose another path")
    with artifact_store.open_reader(artifact_id) as reader, path.open("xb") as file:
        shutil.copyfileobj(reader, file)


def get_all_artifact_meta(study_or_trial: Owner, *, storage: Any = None) -> list[ArtifactMeta]:
    """Return what is known of the artifacts of a trial, or of a study without those of its trials.

    Args:
        study_or_trial: What they belong to.
        storage: The storage; needed for a FrozenTrial alone.

    Raises:
        ValueError: If the storage is needed and not given.
    """
    owner: Any = study_or_trial
    store = _storage_of(owner, storage)
    if _is_study(owner):
        attrs = store.get_study_system_attrs(owner._study_id)
    else:
        attrs = store.get_trial_system_attrs(owner._trial_id)
    entries = [json.loads(text) for key, text in attrs.items() if key.startswith(_PREFIX)]
    names = ("artifact_id", "filename", "mimetype", "encoding")
    return [ArtifactMeta(*(entry[name] for name in names)) for entry in entries]


def _storage_of(owner: Any, storage: Any) -> Any:
    if storage is not None:
        return storage
    found = getattr(owner, "storage", None) if not _is_study(owner) else owner._storage
    if found is None:
        raise ValueError("expected the storage of a FrozenTrial, got None: storage=study._storage")
    return found


def _is_study(owner: Any) -> bool:
    # Under Ray, what stands for the study is no Study.
    return not hasattr(owner, "_trial_id")
