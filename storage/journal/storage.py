"""Studies whose every change is an operation in a log; what is read is what the log has made of memory so far."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import (
    CallRecord,
    ClaimTrial,
    CommitResult,
    CreateTrial,
    Fence,
    FinishTrial,
    StudyRecord,
    Write,
)
from raystudy.storages.calls import CALL_PREFIX
from raystudy.storages.checking import check_writes
from raystudy.storages.columns import Columns
from raystudy.storages.journal.backend import BaseJournalBackend, Operation
from raystudy.storages.journal.operations import Op, apply_operation, operations_of, study_attrs
from raystudy.storages.memory import InMemoryStorage
from raystudy.storages.optuna_verbs import BaseStorage

__all__ = ["JournalStorage"]

Result = TypeVar("Result")


class JournalStorage(BaseStorage):
    """A storage over a log, which Optuna's class of this name reads and writes as well; see ``Storage``.

    Each verb that writes holds the log alone, reads what is new, decides, and appends.  Leases run by the clocks of
    the hosts, which must agree to about a second.

    Args:
        log_storage: The log.
    """

    def __init__(self, log_storage: BaseJournalBackend) -> None:
        self._backend = log_storage
        self._set_up()

    def _set_up(self) -> None:
        self._lock = threading.RLock()
        self._worker = f"raystudy-{uuid.uuid4()}"
        self._forget()

    def _forget(self) -> None:
        self._memory = InMemoryStorage(first_id=0)
        self._n_applied = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"_backend": self._backend}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_up()

    def __repr__(self) -> str:
        return f"JournalStorage({self._backend!r})"

    # ---- the log -----------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[InMemoryStorage]:
        """The studies as the log has them now."""
        with self._lock:
            for operation in self._backend.read_logs(self._n_applied):
                apply_operation(self._memory, operation)
                self._n_applied += 1
            yield self._memory

    def _write(self, action: Callable[[InMemoryStorage, list[Operation]], Result]) -> Result:
        """Do something to memory, append the operations that say so, and return the action's result.

        The action is done again, on what the log has become, where another process has appended meanwhile.
        """
        with self._lock, self._backend.exclusive():
            while True:
                with self._reading() as memory:
                    done: list[Operation] = []
                    try:
                        result = action(memory, done)
                        if not done or self._append(done):
                            return result
                    except BaseException:
                        self._forget()
                        raise
                self._forget()

    def _append(self, done: Sequence[Operation]) -> bool:
        operations = [{**each, "worker_id": self._worker} for each in done]
        if not self._backend.append_after(self._n_applied, operations):
            return False
        self._n_applied += len(done)
        kind = type(self._backend)
        if (
            kind.exclusive is BaseJournalBackend.exclusive
            and kind.append_after is BaseJournalBackend.append_after
        ):
            self._forget()  # others may have appended in between
        return True

    # ---- studies -----------------------------------------------------------------------------------

    def create_study(self, name: str, directions: Sequence[StudyDirection]) -> int:
        """Create a study and return its id; raise DuplicatedStudyError if the name is taken."""

        def create(memory: InMemoryStorage, done: list[Operation]) -> int:
            study_id = memory.create_study(name, directions)
            done.append({"op_code": Op.CREATE_STUDY, "study_name": name, "directions": list(directions)})
            return study_id

        return self._write(create)

    def find_study(self, name: str) -> int | None:
        """Return the id of the study of this name, or None."""
        with self._reading() as memory:
            return memory.find_study(name)

    def study_names(self) -> list[str]:
        """Return the names of all studies, oldest first."""
        with self._reading() as memory:
            return memory.study_names()

    def read_study(self, study_id: int) -> StudyRecord:
        """Return a study's record; raise KeyError if there is no such study."""
        with self._reading() as memory:
            return memory.read_study(study_id)

    def delete_study(self, study_id: int) -> None:
        """Delete a study with its trials; raise KeyError if there is no such study."""

        def delete(memory: InMemoryStorage, done: list[Operation]) -> None:
            memory.delete_study(study_id)
            done.append({"op_code": Op.DELETE_STUDY, "study_id": study_id})

        self._write(delete)

    def set_study_attrs(
        self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]
    ) -> None:
        """Set attributes of a study; other keys stay."""

        def set_attrs(memory: InMemoryStorage, done: list[Operation]) -> None:
            memory.set_study_attrs(study_id, user_attrs, system_attrs)
            done.extend(study_attrs(study_id, user_attrs, system_attrs))

        self._write(set_attrs)

    # ---- trials ------------------------------------------------------------------------------------

    def read_trials(self, study_id: int, states: Collection[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the study's trials by number."""
        with self._reading() as memory:
            return memory.read_trials(study_id, states)

    def read_trial(self, trial_id: int) -> FrozenTrial:
        """Return one trial; raise KeyError if there is no such trial."""
        with self._reading() as memory:
            return memory.read_trial(trial_id)

    def find_trial(self, study_id: int, number: int) -> int | None:
        """Return the id of the study's trial of this number, or None."""
        with self._reading() as memory:
            return memory.find_trial(study_id, number)

    def study_of_trial(self, trial_id: int) -> int:
        """Return the id of the study that a trial belongs to; raise KeyError if there is no such trial."""
        with self._reading() as memory:
            return memory.study_of_trial(trial_id)

    def read_changes(self, study_id: int, after_id: int, unfinished: Collection[int]) -> list[FrozenTrial]:
        """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist."""
        with self._reading() as memory:
            return memory.read_changes(study_id, after_id, unfinished)

    def read_columns(
        self,
        study_id: int,
        after_id: int = -1,
        unfinished: Collection[int] = (),
        system_attrs: Collection[str] = (),
    ) -> Columns:
        """Return trials as columns; see ``Storage.read_columns``."""
        with self._reading() as memory:
            return memory.read_columns(study_id, after_id, unfinished, system_attrs)

    def find_best_trial(self, study_id: int) -> int | None:
        """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals."""
        with self._reading() as memory:
            return memory.find_best_trial(study_id)

    def read_states(self, trial_ids: Collection[int]) -> dict[int, TrialState]:
        """Return the states of those trials that exist, by id."""
        with self._reading() as memory:
            return memory.read_states(trial_ids)

    def commit(self, study_id: int, writes: Sequence[Write], fence: Fence | None = None) -> CommitResult:
        """Apply writes in order, all or none; see ``Storage.commit`` for the errors."""
        check_writes(writes)

        def apply(memory: InMemoryStorage, done: list[Operation]) -> CommitResult:
            before = [self._before(memory, study_id, write) for write in writes]
            result = memory.commit(study_id, writes, fence)
            created, ended = iter(result.created), set()
            for write, trial in zip(writes, before, strict=True):
                if isinstance(write, CreateTrial):
                    has_effect = next(created) is not None and trial is None
                else:
                    has_effect = _can_change(write, trial) and write.trial_id not in ended
                    ended |= {write.trial_id} if isinstance(write, FinishTrial) else set()
                if has_effect:
                    done.extend(operations_of(study_id, write, trial))
            return result

        return self._write(apply)

    @staticmethod
    def _before(memory: InMemoryStorage, study_id: int, write: Write) -> FrozenTrial | None:
        """Return the trial that a write means, as it is now."""
        if isinstance(write, CreateTrial):
            trial_id = None if write.number is None else memory.find_trial(study_id, write.number)
        else:
            trial_id = write.trial_id if memory.read_states([write.trial_id]) else None
        return None if trial_id is None else memory.read_trial(trial_id)

    # ---- calls -------------------------------------------------------------------------------------

    def read_calls(self, study_id: int) -> list[CallRecord]:
        """Return the calls of a study that have not ended."""
        with self._reading() as memory:
            return memory.read_calls(study_id)

    def open_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> None:
        """Record a new call with its lease."""
        self._call(study_id, fence, lambda memory: memory.open_call(study_id, fence, target, lease_s))

    def take_over_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> bool:
        """Give an unended call whose lease has run out to a new owner; return whether that happened."""
        return self._call(
            study_id, fence, lambda memory: memory.take_over_call(study_id, fence, target, lease_s)
        )

    def renew_call(self, study_id: int, fence: Fence, lease_s: float) -> None:
        """Extend the lease (0 gives it up at once); raise LeaseLost if another owner has it."""
        self._call(study_id, fence, lambda memory: memory.renew_call(study_id, fence, lease_s))

    def end_call(self, study_id: int, fence: Fence) -> None:
        """Mark the call as ended; raise LeaseLost if another owner has it."""
        self._call(study_id, fence, lambda memory: memory.end_call(study_id, fence))

    def _call(self, study_id: int, fence: Fence, verb: Callable[[InMemoryStorage], Result]) -> Result:
        """Have what a verb does to a call appended."""
        key = CALL_PREFIX + fence.call_id

        def change(memory: InMemoryStorage, done: list[Operation]) -> Result:
            before = memory.read_study(study_id).system_attrs.get(key)
            result = verb(memory)
            after = memory.read_study(study_id).system_attrs.get(key)
            if after != before:
                done.extend(study_attrs(study_id, {}, {key: after}))
            return result

        return self._write(change)

    def close(self) -> None:
        """Do nothing: the log is opened anew each time."""


def _can_change(write: Write, trial: FrozenTrial | None) -> bool:
    """Whether a write to a trial changes anything: what was stored before, or comes too late, does not."""
    if trial is None or trial.state.is_finished():
        return False
    return trial.state is TrialState.WAITING or not isinstance(write, ClaimTrial)
