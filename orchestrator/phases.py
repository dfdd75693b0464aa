"""Where a live trial stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["WITH_SLOT", "Phase", "ResumedTrial"]


class Phase(Enum):
    """Where a live trial stands; a finished one is forgotten."""

    QUEUED = "waiting for a slot to go on"
    STARTING = "another attempt is being stored"
    RUNNING = "an attempt is running"
    PAUSING = "a pause is being stored"
    PAUSED = "waiting at a rung"
    FINISHING = "a result is being stored"


#: Phases in which a trial holds a slot.  A paused trial that is dropped finishes without one.
WITH_SLOT = frozenset({Phase.STARTING, Phase.RUNNING, Phase.PAUSING, Phase.FINISHING})


@dataclass(frozen=True, slots=True)
class ResumedTrial:
    """A trial of a call that is taken over: where it stood, and its last attempt."""

    number: int
    attempt: int
    paused: bool
