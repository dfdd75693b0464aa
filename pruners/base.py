"""What a pruner is: a description that users write, and the state machine that judges reports.

The description (``Pruner``) is small, immutable and can be stored with the study.  ``start`` makes its
state machine (``Judge``), which is pure: no clock, no Ray, no database, no randomness.  One judge serves one
driver; it sees the events of that driver's trials in one order and answers each with a ruling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from raystudy.frozen import StudyDirection, Verdict

__all__ = ["Judge", "PastTrial", "Pruner", "Ruling", "Verdict"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to one event.

    Attributes:
        verdict: What the reporting trial is told; CONTINUE where the event is no report.
        rung: The rung (0 is the lowest) that this report settled, or None.
        promoted: Paused trials that may now go on, as (number, rung they were promoted from).
        dropped: Paused trials that will never go on.
    """

    verdict: Verdict = Verdict.CONTINUE
    rung: int | None = None
    promoted: tuple[tuple[int, int], ...] = ()
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PastTrial:
    """What recovery knows of a trial: enough to put it back where it stood.

    Attributes:
        number: Its number.
        bracket: The bracket it was enrolled in, or None.
        reports: Its intermediate values by step.
        promoted_rung: The highest rung from which it was durably promoted, or None.
        alive: Whether it may still go on (running or paused when the driver died).
    """

    number: int
    bracket: int | None
    reports: Mapping[int, float]
    promoted_rung: int | None
    alive: bool


class Judge(Protocol):
    """The state machine of one pruner for one driver."""

    #: Whether ``settle``, ``close`` and ``enrol`` matter to this judge; False spares their calls.
    has_rungs: bool

    def next_bracket(self) -> int | None:
        """Return the bracket that the next enrolled trial will be in, or None without brackets."""

    def enrol(self, number: int, bracket: int | None) -> None:
        """Make a new trial known, in the bracket that was fixed when it was created; twice is once."""

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:
        """Judge a report.  ``resumable``: whether this objective is known to save checkpoints.

        Reports at steps that this trial has reported before, and reports of a trial that is paused or gone,
        change nothing and get its standing verdict.
        """

    def settle(self, number: int) -> Ruling:
        """Note that a trial has ended for good (complete, failed, stopped, paused without a checkpoint)."""

    def close(self) -> Ruling:
        """Note that no further trial will be enrolled: rungs close with those present."""

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:
        """Rebuild the state from the stored trials, in the order of their numbers; call it first, once.

        The ruling names alive trials that were paused and may go on at once, and those that never will.
        """


class Pruner(Protocol):
    """The user's description of a pruner."""

    def start(self, direction: StudyDirection, first_step: int | None) -> Judge:
        """Return a fresh judge.

        Args:
            direction: Whether small or large intermediate values are better.
            first_step: The first step ever reported in the study, or None if unknown: where it is 0, a
                step s means a budget of s + 1, else of s.
        """

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
