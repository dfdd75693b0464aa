"""One study in memory: its record, its trials by id and by number, and what a write does to them."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

from raystudy.frozen import FrozenTrial
from raystudy.storages.applying import Repetitions, apply, claim
from raystudy.storages.base import (
    ClaimTrial,
    CommitResult,
    CreateTrial,
    FinishTrial,
    Report,
    SetAttrs,
    SetParams,
    StudyRecord,
)

__all__ = ["HeldStudy"]


@dataclass(slots=True)
class HeldStudy:
    """A study; whoever uses it holds the lock of its storage."""

    record: StudyRecord
    trials: dict[int, FrozenTrial] = field(default_factory=dict)  # by id
    ids: list[int] = field(default_factory=list)  # increasing
    id_of_number: dict[int, int] = field(default_factory=dict)
    next_number: int = 0

    def meant_by(self, write: CreateTrial | ClaimTrial | FinishTrial) -> FrozenTrial | None:
        """Return the trial that a write finishes, claims or would have created, if it exists."""
        if isinstance(write, CreateTrial):
            return self.trials.get(self.id_of_number.get(-1 if write.number is None else write.number, -1))
        return self.trials.get(write.trial_id)

    def put(self, trial: FrozenTrial) -> None:
        """Insert or replace a trial."""
        if trial.trial_id not in self.trials:
            insort(self.ids, trial.trial_id)
        self.trials[trial.trial_id] = trial
        self.id_of_number[trial.number] = trial.trial_id
        self.next_number = max(self.next_number, trial.number + 1)

    def change(
        self,
        write: ClaimTrial | SetParams | SetAttrs | Report | FinishTrial,
        repeated: Repetitions,
        result: CommitResult,
    ) -> None:
        """Apply a write to the trial that it names, and note in the result what became of it."""
        trial = self.trials.get(write.trial_id)
        if isinstance(write, ClaimTrial):
            result.claimed.append(claim(trial, write) or write.trial_id in repeated.claimed)
        elif write.trial_id in repeated.finished:
            return
        elif trial is None or trial.state.is_finished():
            result.refused.add(write.trial_id)
        else:
            apply(trial, write)
