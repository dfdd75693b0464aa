"""Where a live trial stands, and what the scheduler keeps of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from raystudy.exceptions import IllegalTransition
from raystudy.orchestrator.events import Dropped, Promoted, TrialEvent

__all__ = ["WITH_SLOT", "IntakeState", "Phase", "ResumedTrial", "Roster", "ScheduledTrial"]


class Phase(Enum):
    """Where a live trial stands; a finished one is forgotten."""

    QUEUED = "waiting for a slot to go on"
    STARTING = "another attempt is being stored"
    RUNNING = "an attempt is running"
    PAUSING = "a pause is being stored"
    PAUSED = "waiting at a rung"
    FINISHING = "a result is being stored"
    ABANDONED = "finished by another program, while an attempt still runs"


class IntakeState(Enum):
    """Whether a call creates trials."""

    OPEN = "trials are created"
    CLOSING = "the judge is being told"
    CLOSED = "no trial will be created"


#: Phases in which a trial holds a slot.  A paused trial that is dropped finishes without one.
WITH_SLOT = frozenset({Phase.STARTING, Phase.RUNNING, Phase.PAUSING, Phase.FINISHING, Phase.ABANDONED})


@dataclass(frozen=True, slots=True)
class ResumedTrial:
    """A trial of a call that is taken over: where it stood, and its last attempt."""

    number: int
    attempt: int
    paused: bool


@dataclass(slots=True)
class ScheduledTrial:
    """A live trial, as the scheduler keeps it."""

    number: int
    phase: Phase
    attempt: int
    holds_slot: bool
    losses: int = 0
    #: What the judge said while an attempt or its pause was still under way.
    early_ruling: type[Promoted] | type[Dropped] | None = None
    story: list[TrialEvent] = field(default_factory=list)


class Roster:
    """The live trials, with their phases and slots counted as they change: asking costs the same for any number.

    Attributes:
        n_slots_held: How many trials hold a slot.
    """

    def __init__(self) -> None:
        self.n_slots_held = 0
        self._trials: dict[int, ScheduledTrial] = {}
        self._counts: Counter[Phase] = Counter()

    def __len__(self) -> int:
        """Return the number of live trials."""
        return len(self._trials)

    def __iter__(self) -> Iterator[ScheduledTrial]:
        """Yield the trials as they are now, in the order in which they were added."""
        return iter(list(self._trials.values()))

    def __getitem__(self, number: int) -> ScheduledTrial:
        """Return a live trial; raise KeyError if there is none of this number."""
        return self._trials[number]

    def get(self, number: int) -> ScheduledTrial | None:
        """Return a live trial, or None once it has finished."""
        return self._trials.get(number)

    def add(self, trial: ScheduledTrial) -> None:
        """Add a trial."""
        self._trials[trial.number] = trial
        self._counts[trial.phase] += 1
        self.n_slots_held += trial.holds_slot

    def remove(self, trial: ScheduledTrial) -> None:
        """Forget a trial."""
        del self._trials[trial.number]
        self._counts[trial.phase] -= 1
        self.n_slots_held -= trial.holds_slot

    def move(self, trial: ScheduledTrial, phase: Phase, *, holds_slot: bool | None = None) -> None:
        """Change a trial's phase; with ``holds_slot``, also whether it holds a slot."""
        self._counts[trial.phase] -= 1
        self._counts[phase] += 1
        trial.phase = phase
        if holds_slot is not None:
            self.n_slots_held += holds_slot - trial.holds_slot
            trial.holds_slot = holds_slot

    def count(self, *phases: Phase) -> int:
        """Return how many trials are in these phases."""
        return sum(self._counts[phase] for phase in phases)

    def check_invariants(self) -> None:
        """Raise IllegalTransition if a slot is held without need, or the counts are not those of the trials."""
        for trial in self._trials.values():
            if trial.holds_slot and trial.phase not in WITH_SLOT:
                raise IllegalTransition(f"{trial} holds a slot")
        phases = Counter(trial.phase for trial in self._trials.values())
        n_held = sum(trial.holds_slot for trial in self._trials.values())
        if (phases, n_held) != (self._counts, self.n_slots_held):
            raise IllegalTransition(f"counted {self._counts} and {self.n_slots_held} slots of {list(self)}")
