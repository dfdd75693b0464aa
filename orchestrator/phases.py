"""Where a live trial stands, and what the scheduler keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from raystudy.orchestrator.events import Dropped, Promoted, TrialEvent

__all__ = ["WITH_SLOT", "IntakeState", "Phase", "ResumedTrial", "ScheduledTrial"]


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
