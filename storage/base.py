"""What a storage must do: a few verbs, each one short transaction.

The driver is the only writer of a trial while it holds the lease of the call which the trial belongs to.
Everything that it writes is a list of *writes*, plain values, handed to ``commit`` in one transaction, so
that a storage needs to know nothing of samplers, brackets or Ray.  Times are naive local times here; a
database holds UTC.  ``fence`` names the lease under which a commit is made: a storage refuses the whole
transaction when the lease has changed hands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.columns import Columns

__all__ = [
    "CallRecord",
    "ClaimTrial",
    "CommitResult",
    "CreateTrial",
    "Fence",
    "FinishTrial",
    "Report",
    "SetAttrs",
    "SetParams",
    "Storage",
    "StudyRecord",
    "Write",
]

Params = Mapping[str, tuple[ParamValue, Distribution]]


@dataclass(frozen=True, slots=True)
class CreateTrial:
    """Insert a trial under ``number``, or not at all if that is not the next free number of the study.

    ``number=None`` takes the next free number, whatever it is.
    """

    number: int | None
    state: TrialState
    datetime_start: dt.datetime | None
    params: Params = field(default_factory=dict)
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)
    values: Sequence[float] | None = None
    intermediate_values: Mapping[int, float] = field(default_factory=dict)
    datetime_complete: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ClaimTrial:
    """Move a WAITING trial to RUNNING, or do nothing if another program was faster."""

    trial_id: int
    datetime_start: dt.datetime
    system_attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetParams:
    """Record parameters of an unfinished trial; a name that is recorded already keeps its value."""

    trial_id: int
    params: Params


@dataclass(frozen=True, slots=True)
class SetAttrs:
    """Set attributes of an unfinished trial; the last value of a key counts."""

    trial_id: int
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Record an intermediate value of an unfinished trial; a step that is recorded already keeps its value."""

    trial_id: int
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class FinishTrial:
    """Give an unfinished trial its values and its final state, at once.

    Does nothing if another program has finished the trial: then that program's result stands.
    """

    trial_id: int
    state: TrialState
    values: Sequence[float] | None
    datetime_complete: dt.datetime


Write = CreateTrial | ClaimTrial | SetParams | SetAttrs | Report | FinishTrial


@dataclass(frozen=True, slots=True)
class Fence:
    """The lease under which a driver writes: its call and the token that proves it is still the owner."""

    call_id: str
    owner: str


@dataclass(slots=True)
class CommitResult:
    """What became of a commit.

    ``created`` has one entry per ``CreateTrial``, in order: (trial id, number), or None if its number was taken.
    ``claimed`` has one entry per ``ClaimTrial``: whether the trial is ours.
    ``refused`` holds the ids of trials whose writes were dropped because another program had finished them.
    ``next_number`` is the number that the next trial of the study will get, None if no creation was asked for.
    """

    created: list[tuple[int, int] | None] = field(default_factory=list)
    claimed: list[bool] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    next_number: int | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of ``optimize``, as the study attribute ``raystudy:call:<id>`` holds it.

    ``target`` is the number of trials that the call adds, or None for no limit.  ``lease_s`` is the time in
    seconds by the database's clock until the lease runs out, negative once it has.
    """

    call_id: str
    owner: str
    target: int | None
    ended: bool
    lease_s: float


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study without its trials."""

    study_id: int
    name: str
    directions: tuple[StudyDirection, ...]
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]


class Storage(Protocol):
    """Where studies live.  Safe for use by several threads; each verb is one transaction."""

    def create_study(self, name: str, directions: Sequence[StudyDirection]) -> int:
        """Create a study and return its id; raise DuplicatedStudyError if the name is taken."""

    def find_study(self, name: str) -> int | None:
        """Return the id of the study of this name, or None."""

    def study_names(self) -> list[str]:
        """Return the names of all studies, oldest first."""

    def read_study(self, study_id: int) -> StudyRecord:
        """Return a study's record; raise KeyError if there is no such study."""

    def delete_study(self, study_id: int) -> None:
        """Delete a study with its trials; raise KeyError if there is no such study."""

    def set_study_attrs(
        self, study_id: int, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]
    ) -> None:
        """Set attributes of a study; other keys stay."""

    def read_trials(self, study_id: int, states: Collection[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the study's trials by number, of the given states or all.

        The result shares finished trials with the storage's cache: callers must not change them.
        """

    def read_trial(self, trial_id: int) -> FrozenTrial:
        """Return one trial; raise KeyError if there is no such trial."""

    def find_trial(self, study_id: int, number: int) -> int | None:
        """Return the id of the study's trial of this number, or None."""

    def study_of_trial(self, trial_id: int) -> int:
        """Return the id of the study that a trial belongs to; raise KeyError if there is no such trial."""

    def read_changes(self, study_id: int, after_id: int, unfinished: Collection[int]) -> list[FrozenTrial]:
        """Return the trials with an id above ``after_id`` and those of ``unfinished`` (trial ids) that exist."""

    def read_columns(
        self,
        study_id: int,
        after_id: int = -1,
        unfinished: Collection[int] = (),
        system_attrs: Collection[str] = (),
    ) -> Columns:
        """Return the trials with an id above ``after_id`` and those of ``unfinished`` that exist, as columns.

        ``last_id`` and ``unfinished_ids`` of the columns are the arguments of the next read.  Attributes come
        for the keys of ``system_attrs`` alone; one that ends with a colon stands for all keys that begin with it.
        Raises KeyError if there is no such study.
        """

    def find_best_trial(self, study_id: int) -> int | None:
        """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals.

        None if no trial is complete; raises KeyError if there is no such study.
        """

    def read_states(self, trial_ids: Collection[int]) -> dict[int, TrialState]:
        """Return the states of those trials that exist, by id; cheap enough to be asked every second."""

    def commit(self, study_id: int, writes: Sequence[Write], fence: Fence | None = None) -> CommitResult:
        """Apply writes in order, all in one transaction.

        Under a fence the same commit may be repeated, by the owner that cannot know whether it happened: a
        creation, claim or finish that is stored already, by this call and with the same times, counts as done.

        Raises:
            LeaseLost: If ``fence`` is not the call's present owner; nothing is written.
            StorageUnavailable: If the database cannot be reached; nothing is written.
        """

    def read_calls(self, study_id: int) -> list[CallRecord]:
        """Return the calls of a study that have not ended."""

    def open_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> None:
        """Record a new call with its lease."""

    def take_over_call(self, study_id: int, fence: Fence, target: int | None, lease_s: float) -> bool:
        """Give an unended call whose lease has run out to a new owner; return whether that happened."""

    def renew_call(self, study_id: int, fence: Fence, lease_s: float) -> None:
        """Extend the lease (0 gives it up at once); raise LeaseLost if another owner has it."""

    def end_call(self, study_id: int, fence: Fence) -> None:
        """Mark the call as ended; raise LeaseLost if another owner has it."""

    def close(self) -> None:
        """Release connections."""
