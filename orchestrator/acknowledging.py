"""What a driver and its writer tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from raystudy.frozen import FrozenTrial
from raystudy.storages.base import ClaimTrial, CommitResult, CreateTrial, Write

__all__ = [
    "Acknowledgement",
    "Deliver",
    "Outage",
    "Submission",
    "Writer",
    "WriterFailed",
    "WriterWord",
    "acknowledgements",
]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A submission is durable.

    Attributes:
        ticket: The submission's; None if there is only to tell what was refused.
        created: What became of its creations, as in ``CommitResult``.
        claimed: What became of its claims.
        refused: By id, trials of this commit that other programs have finished, as they are stored now.
        next_number: If a creation was refused, the next free number; else None.
    """

    ticket: object
    created: Sequence[tuple[int, int] | None]
    claimed: Sequence[bool]
    refused: Mapping[int, FrozenTrial] = field(default_factory=dict)
    next_number: int | None = None


@dataclass(frozen=True, slots=True)
class WriterFailed:
    """Nothing more will be stored."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Outage:
    """The database is out of reach, or back; ``message`` tells the user."""

    lost: bool
    message: str = ""


WriterWord = Acknowledgement | WriterFailed | Outage
Deliver = Callable[[WriterWord], None]


class Writer(Protocol):
    """What a driver needs of a writer."""

    def submit(self, writes: Sequence[Write], ticket: object = None) -> None:
        """Store writes after all that was submitted before; acknowledge them if a ticket is given."""

    def set_study_attrs(self, system_attrs: Mapping[str, Any]) -> None:
        """Set system attributes of the study, before what is submitted after."""

    def outage_s(self) -> float | None:
        """Return for how long the database has not answered, in seconds; None if it does."""

    def close(self) -> str | None:
        """Store what is left, or save it to a file and return a line for the user; then stop."""


@dataclass(slots=True)
class Submission:
    """Writes that were handed in together, and the ticket under which they are acknowledged, if any."""

    writes: Sequence[Write]
    ticket: object


def acknowledgements(
    batch: Sequence[Submission],
    result: CommitResult,
    refused: Mapping[int, FrozenTrial],
) -> list[Acknowledgement]:
    """Return the acknowledgements of the submissions that one commit has stored, in order.

    If nobody waits for one, but writes were refused, there is one without a ticket that tells so.
    """
    created, claimed = iter(result.created), iter(result.claimed)
    next_number = result.next_number if None in result.created else None
    found = []
    for submission in batch:
        # Always advance both iterators: the results of all submissions lie one behind the other.
        mine = [next(created) for write in submission.writes if isinstance(write, CreateTrial)]
        ours = [next(claimed) for write in submission.writes if isinstance(write, ClaimTrial)]
        if submission.ticket is not None:
            found.append(Acknowledgement(submission.ticket, mine, ours, refused, next_number))
    return found or ([Acknowledgement(None, [], [], refused)] if refused else [])
