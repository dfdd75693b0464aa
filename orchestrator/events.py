"""What can happen to a call of ``optimize`` (events), and what is to be done about it (actions).

Both are plain values.  The scheduler turns events into actions; a shell carries actions out and turns every
completion, error and acknowledgement back into an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from raystudy.frozen import TrialState

__all__ = [
    "Abandon",
    "Action",
    "CloseIntake",
    "Create",
    "CreateRefused",
    "Created",
    "Dropped",
    "EndCall",
    "Ending",
    "Event",
    "FinishedElsewhere",
    "IntakeClosed",
    "Launch",
    "Promoted",
    "Returned",
    "SaveAttempt",
    "SaveFinish",
    "SavePause",
    "Saved",
    "SlotsChanged",
    "StopAsked",
    "StopRunning",
    "TrialEvent",
]


class Ending(Enum):
    """How an attempt ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    PAUSED = "paused"
    FAILED = "failed"
    #: The process or its node died, and nothing was returned.
    LOST = "lost"


# ---- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Created:
    """The creation asked for by ``Create(ticket)`` is durable, under this number."""

    ticket: int
    number: int


@dataclass(frozen=True, slots=True)
class CreateRefused:
    """Another program has taken the number, so that the creation must be tried again; or there is nothing to try.

    With ``is_spent`` the sampler knows of no point that is left; the end of a trial that runs may show others.
    """

    ticket: int
    is_spent: bool = False


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """An event of one trial."""

    number: int


@dataclass(frozen=True, slots=True)
class Returned(TrialEvent):
    """An attempt has ended."""

    attempt: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class Promoted(TrialEvent):
    """The judge lets a paused trial go on."""


@dataclass(frozen=True, slots=True)
class Dropped(TrialEvent):
    """The judge will never let a paused trial go on."""


@dataclass(frozen=True, slots=True)
class Saved(TrialEvent):
    """The last ``Save...`` action of the trial is durable."""


@dataclass(frozen=True, slots=True)
class FinishedElsewhere(TrialEvent):
    """Another program has finished the trial: its result stands, whatever the trial was doing."""


@dataclass(frozen=True, slots=True)
class IntakeClosed:
    """The judge knows that no further trial will be created, and its answer has been passed on."""


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """So many attempts can run at once from now on."""

    slots: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """No trial is to be created any more; with ``interrupt``, running ones end at their next report."""

    interrupt: bool


Event = Created | CreateRefused | TrialEvent | IntakeClosed | SlotsChanged | StopAsked


# ---- actions ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Create:
    """Draw a proposal and store a new trial; answered by Created or CreateRefused."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Run an attempt; answered by Returned."""

    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class SavePause:
    """Store that the trial is paused; answered by Saved."""

    number: int


@dataclass(frozen=True, slots=True)
class SaveAttempt:
    """Store that another attempt begins; answered by Saved."""

    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class SaveFinish:
    """Store the result and the final state; answered by Saved."""

    number: int
    state: TrialState


@dataclass(frozen=True, slots=True)
class Abandon:
    """Have the judge settle a trial that another program finished, and an attempt of it end at its next report."""

    number: int


@dataclass(frozen=True, slots=True)
class CloseIntake:
    """Tell the judge that no further trial will be created; answered by IntakeClosed."""


@dataclass(frozen=True, slots=True)
class StopRunning:
    """Give every running trial a stop verdict at its next report."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """All trials of the call have finished."""


Action = (
    Create | Launch | SavePause | SaveAttempt | SaveFinish | Abandon | CloseIntake | StopRunning | EndCall
)
