"""Where a study keeps checkpoints and logs: a folder below the storage path, recorded with the study.

So whoever deletes the study finds its folders and removes them, and nothing else: a folder counts as the study's if
its name ends with the study's token, and in it only what raystudy writes is deleted.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any

from raystudy.exceptions import StudyError
from raystudy.orchestrator.checkpoints import TrialVault, study_folder, trial_folder
from raystudy.orchestrator.files import is_local, open_folder
from raystudy.orchestrator.ledger import FOLDER, TOKEN
from raystudy.storages.base import Storage, StudyRecord

__all__ = ["homes", "kept_checkpoint", "remove_homes", "study_home"]

#: What raystudy writes to a study's folder.
_PARTS = ("trials", "logs", "unsaved")
#: A URL that bears a password or a key: the database is not the place for it.
_SECRET = re.compile(r"://[^/]*:[^/@]*@|[?&][^=&]*(key|secret|token|password|sig)[^=&]*=", re.IGNORECASE)


def study_home(storage: Storage, study_id: int, storage_path: str | None) -> str:
    """Return the study's folder, and record it with the study unless the URL bears a password.

    Args:
        storage: The storage.
        study_id: The study; its token must have been stored.
        storage_path: Path or URL above the folder; default: ``$RAYSTUDY_HOME``, else ``~/raystudy``.
    """
    study = storage.read_study(study_id)
    home = _home(study, storage_path)
    if home not in homes(study) and not _SECRET.search(home):
        digest = hashlib.sha256(home.encode()).hexdigest()[:8]
        storage.set_study_attrs(study_id, {}, {f"{FOLDER}:{digest}": home})
    return home


def homes(study: StudyRecord) -> list[str]:
    """Return the folders that a study has recorded."""
    return [str(home) for key, home in sorted(study.system_attrs.items()) if key.startswith(f"{FOLDER}:")]


def kept_checkpoint(study: StudyRecord, number: int, storage_path: str | None) -> Any:
    """Return the last state that a trial has kept, the ``Path`` of a directory, or None.

    Args:
        study: The study.
        number: The trial's number.
        storage_path: Where the study was optimised; default: look in all folders that it has recorded.
    """
    is_named = storage_path is not None and TOKEN in study.system_attrs
    for home in [_home(study, storage_path)] if is_named else homes(study):
        # No attempt has this number, so whatever there is counts as that of an earlier one.
        state = TrialVault(trial_folder(home, number), attempt=0, ended=True).load()
        if state is not None:
            return state
    return None


def _home(study: StudyRecord, storage_path: str | None) -> str:
    root = storage_path or os.environ.get("RAYSTUDY_HOME") or "~/raystudy"
    root = root if "://" in root else os.path.abspath(os.path.expanduser(root))
    home = study_folder(root, study.name, study.system_attrs[TOKEN])
    # A dashboard can rename a study; its folder in this place keeps the name that it was given.
    return next((known for known in homes(study) if _place(known) == _place(home)), home)


def _place(home: str) -> tuple[str, str]:
    """The root that a folder is below, and the options of its URL."""
    path, _, options = home.partition("?")
    return path.rpartition("/")[0], options


def remove_homes(study: StudyRecord) -> list[str]:
    """Remove the folders of a study that was deleted, and return a line for each of which something is left."""
    token = str(study.system_attrs.get(TOKEN, ""))
    notes = (_remove_home(home, token) for home in homes(study))
    return [note for note in notes if note is not None]


def _remove_home(home: str, token: str) -> str | None:
    name = home.partition("?")[0].rpartition("/")[2]
    if not re.fullmatch(r"[0-9a-f]{8,}", token) or not name.endswith(f"-{token}"):
        return f"{home} stays: it is not a folder of this study"
    if is_local(home) and os.path.islink(home):
        return f"{home} stays: it is a link to another folder"
    try:
        folder = open_folder(home)
        for part in _PARTS:
            folder.remove(part)
        left = sorted(folder.names())
        if not left:
            folder.remove()
    except (OSError, StudyError) as error:
        return f"{home} stays: {error}"
    return (
        f"{home} stays: it holds files that raystudy has not written ({', '.join(left[:3])})"
        if left
        else None
    )
