"""Whole studies: what a storage holds, in short, and copies from one storage to another."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.ledger import FOLDER, TOKEN
from raystudy.storages import get_storage
from raystudy.storages.base import Storage, StudyRecord
from raystudy.storages.calls import CALL
from raystudy.storages.optuna_verbs import creation_of
from raystudy.study import Study

__all__ = ["StudySummary", "copy_study", "get_all_study_summaries"]

#: Trials that are copied in one transaction.
_PORTION = 1000


@dataclass(order=True)
class StudySummary:
    """A study in short.

    Attributes:
        study_name: Its name.
        directions: One direction per objective.
        best_trial: The best trial of a study with one objective, as ``study.best_trial`` has it; else None.
        user_attrs: Its user attributes.
        n_trials: How many trials it has, of all states.
        datetime_start: When its first trial began, naive local time.
    """

    _study_id: int
    study_name: str = field(compare=False)
    directions: list[StudyDirection] = field(compare=False)
    best_trial: FrozenTrial | None = field(compare=False)
    user_attrs: dict[str, Any] = field(compare=False)
    n_trials: int = field(compare=False)
    datetime_start: dt.datetime | None = field(compare=False)

    @property
    def direction(self) -> StudyDirection:
        """The direction of a study with one objective; raises RuntimeError for several."""
        if len(self.directions) > 1:
            raise RuntimeError(
                f"study {self.study_name!r} has {len(self.directions)} objectives; read .directions"
            )
        return self.directions[0]


def get_all_study_summaries(storage: Storage | str, include_best_trial: bool = True) -> list[StudySummary]:
    """Return all studies of a storage in short, oldest first.

    Args:
        storage: A database URL or a storage.
        include_best_trial: Whether to look for the best trials, too.
    """
    store = get_storage(storage)
    ids = [study_id for name in store.study_names() if (study_id := store.find_study(name)) is not None]
    return [_summary(store, store.read_study(study_id), include_best_trial) for study_id in sorted(ids)]


def _summary(store: Storage, record: StudyRecord, with_best: bool) -> StudySummary:
    trials = store.read_trials(record.study_id)
    begun = (trial.datetime_start for trial in trials)
    return StudySummary(
        record.study_id,
        record.name,
        list(record.directions),
        _best(store, record) if with_best else None,
        record.user_attrs,
        len(trials),
        min((time for time in begun if time is not None), default=None),
    )


def _best(store: Storage, record: StudyRecord) -> FrozenTrial | None:
    if len(record.directions) > 1:
        return None
    try:
        return Study(store, record.study_id, None, None).best_trial
    except ValueError:  # none is complete and feasible
        return None


def copy_study(
    *,
    from_study_name: str,
    from_storage: Storage | str,
    to_storage: Storage | str,
    to_study_name: str | None = None,
) -> None:
    """Copy a study with its trials and attributes, from any storage to any storage.

    Checkpoints stay with the study that they were made for, so that the copy is a finished search: its RUNNING
    trials are nobody's.

    Args:
        from_study_name: Name of the study.
        from_storage: Where it is: a database URL or a storage.
        to_storage: Where the copy is made.
        to_study_name: Name of the copy; default: the same.

    Raises:
        KeyError: If there is no such study.
        DuplicatedStudyError: If the name is taken.
    """
    source, target = get_storage(from_storage), get_storage(to_storage)
    study_id = source.find_study(from_study_name)
    if study_id is None:
        raise KeyError(f"no study named {from_study_name!r} in this storage")
    record, trials = source.read_study(study_id), source.read_trials(study_id)
    new_id = target.create_study(to_study_name or record.name, record.directions)
    kept = {
        key: value for key, value in record.system_attrs.items() if not key.startswith((CALL, FOLDER, TOKEN))
    }
    target.set_study_attrs(new_id, record.user_attrs, kept)
    for begin in range(0, len(trials), _PORTION):
        target.commit(new_id, [creation_of(_unowned(trial)) for trial in trials[begin : begin + _PORTION]])


def _unowned(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial that belongs to no call: an unfinished one would be taken over with its call."""
    if trial.state.is_finished() or trial.state is TrialState.WAITING:
        return trial
    free = trial.as_stored()
    free.system_attrs.pop(CALL, None)
    return free
