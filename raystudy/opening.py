"""Creating, opening, listing and deleting studies."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from raystudy.exceptions import DuplicatedStudyError
from raystudy.frozen import StudyDirection
from raystudy.orchestrator.homes import remove_homes
from raystudy.orchestrator.progress import ProgressLine
from raystudy.orchestrator.settings import remember_settings
from raystudy.pruners.custom import PrunerLike, as_pruner
from raystudy.samplers.custom import SamplerLike, check_sampler_like
from raystudy.storages import get_storage
from raystudy.storages.base import Storage
from raystudy.study import Study

__all__ = ["as_direction", "create_study", "delete_study", "get_all_study_names", "load_study"]

StorageLike = Storage | str | None


def create_study(
    *,
    storage: StorageLike = None,
    sampler: SamplerLike | None = None,
    pruner: PrunerLike | None = None,
    study_name: str | None = None,
    direction: str | StudyDirection | None = None,
    load_if_exists: bool = False,
    directions: Sequence[str | StudyDirection] | None = None,
) -> Study:
    """Create a study, or open the one of this name with ``load_if_exists``.

    Args:
        storage: A database URL, a storage, or None to keep the study in memory.
        sampler: What proposes parameters; default: the one stored with the study, else ``TPESampler()``.
        pruner: What stops trials; default: the one stored with the study, else ``MedianPruner()``.
        study_name: The name; default: a random one.
        direction: "minimize" (the default) or "maximize".
        load_if_exists: Open an existing study instead of raising.
        directions: One direction per objective, instead of ``direction``.

    Raises:
        DuplicatedStudyError: If the name is taken and ``load_if_exists`` is False.
        ValueError: If the directions are wrong, or differ from those of the existing study.
        TypeError: If the sampler or the pruner is none; then no study is created.
        StorageUnavailable: If the database cannot be opened.
    """
    wanted = _directions(direction, directions)
    _check_settings(sampler, pruner)
    store = get_storage(storage)
    name = study_name or f"no-name-{uuid.uuid4()}"
    new_id = _create(store, name, wanted or (StudyDirection.MINIMIZE,), load_if_exists)
    study = load_study(study_name=name, storage=store, sampler=sampler, pruner=pruner)
    if wanted and tuple(study.directions) != wanted:
        raise ValueError(
            f"the study {name!r} was created to {_words(study.directions)}, not to {_words(wanted)}; "
            "choose another name, or leave the direction out"
        )
    if new_id is not None and (sampler is not None or pruner is not None):
        remember_settings(store, new_id, study.sampler, study.pruner, ProgressLine().say)
    return study


def _create(
    store: Storage, name: str, directions: tuple[StudyDirection, ...], load_if_exists: bool
) -> int | None:
    """The id of the new study, or None if there is one of this name to go on with."""
    if store.find_study(name) is None:
        try:
            return store.create_study(name, directions)
        except DuplicatedStudyError:  # another process was faster
            if not load_if_exists:
                raise
            return None
    if load_if_exists:
        return None
    raise DuplicatedStudyError(
        f"a study named {name!r} exists already in this storage; choose another name, "
        "or go on with it: load_if_exists=True"
    )


def load_study(
    *,
    study_name: str | None,
    storage: Storage | str,
    sampler: SamplerLike | None = None,
    pruner: PrunerLike | None = None,
) -> Study:
    """Open an existing study; with ``study_name=None``, the only one of the storage.

    Sampler and pruner are those stored with the study, unless others are given; those are stored in their
    place when the study is next optimised or asked, and a line says so.

    Raises:
        KeyError: If there is no study of this name.
        ValueError: If no name is given and the storage holds none or several.
        TypeError: If the sampler or the pruner is none.
    """
    _check_settings(sampler, pruner)
    store = get_storage(storage)
    if study_name is None:
        names = store.study_names()
        if len(names) != 1:
            raise ValueError(
                f"study_name=None needs a storage with exactly one study, this one has {len(names)}"
            )
        study_name = names[0]
    study_id = store.find_study(study_name)
    if study_id is None:
        raise KeyError(f"no study named {study_name!r} in this storage; create_study makes one")
    return Study(store, study_id, sampler, pruner)


def delete_study(*, study_name: str, storage: Storage | str) -> None:
    """Delete a study with all its trials and checkpoints; raise KeyError if there is none of this name.

    A line says so where files are left: those of others in the study's folders, or what cannot be reached from here.
    """
    store = get_storage(storage)
    study_id = store.find_study(study_name)
    if study_id is None:
        raise KeyError(f"no study named {study_name!r} in this storage")
    record = store.read_study(study_id)
    store.delete_study(study_id)
    for note in remove_homes(record):
        ProgressLine().say(note)


def get_all_study_names(storage: Storage | str) -> list[str]:
    """Return the names of all studies in a storage."""
    return get_storage(storage).study_names()


def _check_settings(sampler: SamplerLike | None, pruner: PrunerLike | None) -> None:
    if sampler is not None:
        check_sampler_like(sampler)
    if pruner is not None:
        as_pruner(pruner)


def _directions(
    direction: str | StudyDirection | None, directions: Sequence[str | StudyDirection] | None
) -> tuple[StudyDirection, ...]:
    if direction is not None and directions is not None:
        raise ValueError("give direction or directions, not both")
    given = [direction] if direction is not None else list(directions or ())
    if directions is not None and not given:
        raise ValueError("directions: expected at least one direction, got none")
    return tuple(as_direction(item) for item in given)


def as_direction(item: str | StudyDirection) -> StudyDirection:
    """Return the direction that a word stands for; raise ValueError if it stands for none."""
    words = {"minimize": StudyDirection.MINIMIZE, "maximize": StudyDirection.MAXIMIZE}
    found = item if isinstance(item, StudyDirection) else words.get(str(item))
    if found is None or found is StudyDirection.NOT_SET:
        raise ValueError(f"expected 'minimize' or 'maximize' as direction, got {item!r}")
    return found


def _words(directions: Sequence[StudyDirection]) -> str:
    return ", ".join(direction.name.lower() for direction in directions)
