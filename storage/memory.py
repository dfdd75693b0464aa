"""Studies in this process: the storage of a study without a database, and the model that the others match.

Attributes are kept as they are given: unlike a database, memory can hold values that have no JSON form.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from raystudy.distributions import Distribution
from raystudy.exceptions import DuplicatedStudyError
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.applying import best_id, keep_params, repetitions, snapshot
from raystudy.storages.base import (
    CallRecord,
    CommitResult,
    CreateTrial,
    Fence,
    StudyRecord,
    Write,
)
from raystudy.storages.calls import CALL_PREFIX, call_record, lease_lost
from raystudy.storages.checking import check_writes
from raystudy.storages.columns import Columns, columns_of
from raystudy.storages.held import HeldStudy
from raystudy.storages.optuna_verbs import BaseStorage

__all__ = ["InMemoryStorage"]


class InMemoryStorage(BaseStorage):
    """Studies that live as long as this object; see ``Storage`` for the verbs.

    Args:
        clock: What leases run by, in seconds.
        first_id: Id of the first study and of the first trial.
    """

    def __init__(self, clock: Callable[[], float] = time.time, first_id: int = 1) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._studies: dict[int, HeldStudy] = {}
        self._study_of_trial: dict[int, int] = {}
        self._next_study_id = self._next_trial_id = first_id

    def __repr__(self) -> str:
        return f"InMemoryStorage({len(self._studies)} studies)"

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def create_study(self, name: str, directions: Sequence[StudyDirection]) -> int:
        """Create a study and return its id; raise DuplicatedStudyError if the name is taken."""
        with self._lock:
            if self.find_study(name) is not None:
                raise DuplicatedStudyError(
                    f"expected a new name, got {name!r}: a study of this name exists in memory; "
                    "pass load_if_exists=True to continue it, or take another name"
                )
            study_id, self._next_study_id = self._next_study_id, self._next_study_id + 1
            self._studies[study_id] = HeldStudy(StudyRecord(study_id, name, tuple(directions), {}, {}))
            return study_id

    def find_study(self, name: str) -> int | None:
        """Return the id of the study of this name, or None."""
        with self._lock:
            return next((i for i, study in self._studies.items() if study.record.name == name), None)

    def study_names(self) -> list[str]:
        """Return the names of all studies, oldest first."""
        with self._lock:
            return [study.record.name for study in self._studies.values()]

    def read_study(self, study_id: int) -> StudyRecord:
        """Return a study's record; raise KeyError if there is no such study."""
        with self._lock:
            record = self._study(study_id).record
            return replace(record, user_attrs=dict(record.user_attrs), system_attrs=dict(record.system_attrs))

    def delete_study(self, study_id: int) -> None:
        """Delete a study with its trials; raise KeyError if there is no such study."""
        with self._lock:
            for trial_id in self._study(study_id).ids:
                del self._study_of_trial[trial_id]
            del self._studies[study_id]

    def set_study_attrs(
        self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]
    ) -> None:
        """Set attributes of a study; other keys stay."""
        with self._lock:
            record = self._study(study_id).record
            record.user_attrs.update(user_attrs)
            record.system_attrs.update(system_attrs)

    def read_trials(self, study_id: int, states: Collection[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the study's trials by number; finished ones are shared, unfinished ones are copies."""
        with self._lock:
            trials = self._study(study_id).trials.values()
            wanted = trials if states is None else [trial for trial in trials if trial.state in states]
            return sorted(map(snapshot, wanted), key=attrgetter("number"))

    def read_trial(self, trial_id: int) -> FrozenTrial:
        """Return one trial; raise KeyError if there is no such trial."""
        with self._lock:
            return snapshot(self._studies[self.study_of_trial(trial_id)].trials[trial_id])

    def find_trial(self, study_id: int, number: int) -> int | None:
        """Return the id of the study's trial of this number, or None."""
        with self._lock:
            return self._study(study_id).id_of_number.get(number)

    def study_of_trial(self, trial_id: int) -> int:
        """Return the id of the study that a trial belongs to; raise KeyError if there is no such trial."""
        with self._lock:
            if trial_id not in self._study_of_trial:
                raise KeyError(f"expected the id of a trial, got {trial_id}: there is none")
            return self._study_of_trial[trial_id]

    def read_changes(self, study_id: int, after_id: int, unfinished: Collection[int]) -> list[FrozenTrial]:
        """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist."""
        with self._lock:
            study = self._study(study_id)
            ids = {i for i in unfinished if i in study.trials}
            ids.update(study.ids[bisect_right(study.ids, after_id) :])
            return sorted((snapshot(study.trials[i]) for i in ids), key=attrgetter("number"))

    def read_columns(
        self,
        study_id: int,
        after_id: int = -1,
        unfinished: Collection[int] = (),
        system_attrs: Collection[str] = (),
    ) -> Columns:
        """Return trials as columns; see ``Storage.read_columns``."""
        with self._lock:
            changed = self.read_changes(study_id, after_id, unfinished)
            by_id = sorted(changed, key=attrgetter("trial_id"))
            return columns_of(by_id, len(self._study(study_id).record.directions), system_attrs)

    def find_best_trial(self, study_id: int) -> int | None:
        """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals."""
        with self._lock:
            study = self._study(study_id)
            return best_id((study.trials[i] for i in study.ids), study.record.directions[0])

    def read_states(self, trial_ids: Collection[int]) -> dict[int, TrialState]:
        """Return the states of those trials that exist, by id."""
        with self._lock:
            known = {i: self._studies[s] for i in trial_ids if (s := self._study_of_trial.get(i)) is not None}
            return {trial_id: study.trials[trial_id].state for trial_id, study in known.items()}

    def first_distribution(self, study_id: int, name: str) -> Distribution | None:
        """Return the distribution of a parameter in the oldest trial that has it, or None."""
        with self._lock:
            study = self._study(study_id)
            having = (study.trials[i].distributions for i in study.ids)
            return next((each[name] for each in having if name in each), None)

    def adopt(self, study_id: int, trials: Sequence[FrozenTrial]) -> None:
        """Insert trials that another storage made, or replace those of the same number, as they are given.

        A trial that replaces one takes over its id; another keeps its own id if that is free here, and gets
        a new one otherwise.  The given trials are not changed.
        """
        with self._lock:
            study = self._study(study_id)
            for trial in trials:
                trial_id = study.id_of_number.get(trial.number, -1)
                if trial_id < 0:
                    own = trial.trial_id
                    trial_id = self._next_trial_id if own < 0 or own in self._study_of_trial else own
                self._next_trial_id = max(self._next_trial_id, trial_id + 1)
                self._study_of_trial[trial_id] = study_id
                adopted = snapshot(trial)
                study.put(adopted if adopted.trial_id == trial_id else replace(adopted, trial_id=trial_id))

    def commit(self, study_id: int, writes: Sequence[Write], fence: Fence | None = None) -> CommitResult:
        """Apply writes in order, all or none; see ``Storage.commit`` for the errors."""
        check_writes(writes)
        result = CommitResult()
        with self._lock:
            study = self._study(study_id)
            if fence is not None:
                self._own_call(study_id, fence)
            repeated = repetitions(writes, fence, study.meant_by)
            for write in writes:
                if isinstance(write, CreateTrial):
                    number = -1 if write.number is None else write.number
                    again = (repeated.created[number], number) if number in repeated.created else None
                    result.created.append(again or self._create(study, write))
                    result.next_number = study.next_number
                else:
                    study.change(write, repeated, result)
        return result

    def read_calls(self, study_id: int) -> list[CallRecord]:
        """Return the calls of a study that have not ended."""
        with self._lock:
            attrs = self._study(study_id).record.system_attrs
            calls = ((key, state) for key, state in attrs.items() if key.startswith(CALL_PREFIX))
            records = [call_record(key, state, self._clock()) for key, state in calls if not state["ended"]]
            return sorted(records, key=attrgetter("call_id"))

    def open_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> None:
        """Record a new call with its lease."""
        with self._lock:
            found = self._call(study_id, fence)
            if found is not None and found["owner"] != fence.owner:
                raise lease_lost(fence, found["owner"])
            state = {"owner": fence.owner, "target": target, "ended": False}
            self._put_call(study_id, fence, state, lease_s)

    def take_over_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> bool:
        """Give an unended call whose lease has run out to a new owner; return whether that happened."""
        with self._lock:
            state = self._call(study_id, fence)
            if state is None or state["ended"] or state["expires"] > self._clock():
                return False
            self._put_call(study_id, fence, state | {"owner": fence.owner, "target": target}, lease_s)
            return True

    def renew_call(self, study_id: int, fence: Fence, lease_s: float) -> None:
        """Extend the lease (0 gives it up at once); raise LeaseLost if another owner has it."""
        with self._lock:
            self._put_call(study_id, fence, self._own_call(study_id, fence), lease_s)

    def end_call(self, study_id: int, fence: Fence) -> None:
        """Mark the call as ended; raise LeaseLost if another owner has it."""
        with self._lock:
            self._put_call(study_id, fence, self._own_call(study_id, fence) | {"ended": True}, 0.0)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _study(self, study_id: int) -> HeldStudy:
        if study_id not in self._studies:
            raise KeyError(
                f"expected the id of a study, got {study_id}: there is none, it may have been deleted"
            )
        return self._studies[study_id]

    def _call(self, study_id: int, fence: Fence) -> dict[str, Any] | None:
        return self._study(study_id).record.system_attrs.get(CALL_PREFIX + fence.call_id)

    def _own_call(self, study_id: int, fence: Fence) -> dict[str, Any]:
        state = self._call(study_id, fence)
        if state is None or state["owner"] != fence.owner:
            raise lease_lost(fence, None if state is None else state["owner"])
        return state

    def _put_call(self, study_id: int, fence: Fence, state: dict[str, Any], lease_s: float) -> None:
        attrs = self._study(study_id).record.system_attrs
        attrs[CALL_PREFIX + fence.call_id] = state | {"expires": self._clock() + lease_s}

    def _create(self, study: HeldStudy, write: CreateTrial) -> tuple[int, int] | None:
        number = study.next_number
        if write.number not in (None, number):
            return None
        trial_id, self._next_trial_id = self._next_trial_id, self._next_trial_id + 1
        trial = FrozenTrial(
            number=number,
            state=write.state,
            values=None if write.values is None else list(map(float, write.values)),
            datetime_start=write.datetime_start,
            datetime_complete=write.datetime_complete,
            user_attrs=dict(write.user_attrs),
            system_attrs=dict(write.system_attrs),
            intermediate_values=dict(write.intermediate_values),
            trial_id=trial_id,
        )
        keep_params(trial, write.params)
        self._study_of_trial[trial_id] = study.record.study_id
        study.put(trial)
        return trial_id, number
