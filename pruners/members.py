"""The trials of a bracket as it sees them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from raystudy.pruners.base import Ruling
from raystudy.pruners.halving import Rank

__all__ = ["Member", "Moves", "Phase"]


class Phase(Enum):
    """Where a trial stands in the eyes of its bracket."""

    RUNNING = "running"
    PAUSED = "paused"
    DROPPED = "dropped"
    GONE = "gone"


@dataclass(slots=True)
class Member:
    """A trial of a bracket.

    Attributes:
        number: Its trial number.
        phase: Where it stands.
        level: The number of rungs at which it has a value.
        went_on_from: The highest rung from which it was let on, or -1.
        rank: Its sort key at its highest rung, once it has reached one.
    """

    number: int
    phase: Phase = Phase.RUNNING
    level: int = 0
    went_on_from: int = -1
    rank: Rank = (True, 0.0, -1)

    def is_alive(self) -> bool:
        """Whether it runs or waits."""
        return self.phase in (Phase.RUNNING, Phase.PAUSED)

    def passed(self, rung: int) -> bool:
        """Whether it was let on from this rung, or has a value at a higher one."""
        return self.went_on_from >= rung or self.level > rung + 1

    def waits_at(self, rung: int) -> bool:
        """Whether it is paused with this rung as its highest."""
        return self.phase is Phase.PAUSED and self.level == rung + 1

    def story(self, budgets: Sequence[int]) -> str:
        """Return what is known of it; ``budgets`` are those of the rungs."""
        reached = ", ".join(str(budget) for budget in budgets[: self.level]) or "none"
        went = f"rung {self.went_on_from}" if self.went_on_from >= 0 else "no rung"
        return f"{self.phase.value}; budgets reached: {reached}; let on from {went}"


@dataclass(slots=True)
class Moves:
    """What a rule has decided: paused trials that go on, with the rung they leave, and those dropped."""

    promoted: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def extend(self, other: Moves) -> None:
        """Add the moves of another bracket."""
        self.promoted += other.promoted
        self.dropped += other.dropped

    def ruling(self) -> Ruling:
        """Return them as the answer to an event that is no report."""
        return Ruling(promoted=tuple(self.promoted), dropped=tuple(self.dropped))
