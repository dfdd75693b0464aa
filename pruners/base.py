"""What a pruner is: a description that users write, and the state machine that judges reports.

The description (``Pruner``) is small, immutable and can be stored with the study.  ``start`` makes its
state machine (``Judge``), which is pure: no clock, no Ray, no database, no randomness.  One judge serves one
driver; it sees the events of that driver's trials in one order and answers each with a ruling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState, Verdict
from raystudy.study_view import StudyFacts

__all__ = ["NO_STEP", "Judge", "Learning", "PastTrial", "Pruner", "Ruling", "StudyFacts", "Verdict"]

#: Above every step (of 32 bits in the database).
NO_STEP = 2**31


class Learning(Enum):
    """What a judge has to know of trials that do not report to it.

    Attributes:
        NOTHING: Nothing; it is restored from the trials that drivers have enrolled.
        RESULTS: All finished trials of the study, whoever ran them: state, value and reports.
        TRIALS: All trials of the study as they are, whole.
    """

    NOTHING = "nothing"
    RESULTS = "results"
    TRIALS = "trials"


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
    """What is known of a trial that did not report to this judge: enough to put it back where it stood.

    Attributes:
        number: Its number.
        bracket: The bracket it was enrolled in, or None.
        reports: Its intermediate values by step.
        promoted_rung: The highest rung from which it was durably promoted, or None.
        state: RUNNING if it may still go on (running or paused when the driver died).
        value: Its objective value; None without one, or in a study with several objectives.
        trial: The whole trial, for judges that learn ``Learning.TRIALS``.
        is_over: Whether its call has ended, so that no further trial will join its bracket.
    """

    number: int
    bracket: int | None
    reports: Mapping[int, float]
    promoted_rung: int | None
    state: TrialState
    value: float | None = None
    trial: FrozenTrial | None = None
    is_over: bool = False

    @property
    def alive(self) -> bool:
        """Whether the trial may still go on."""
        return self.state is TrialState.RUNNING


class Judge(Protocol):
    """The state machine of one pruner for one driver."""

    #: Whether trials are in brackets: then a second judge keeps up with the driver and deals them.
    has_rungs: bool
    #: Whether trials may have to wait, which takes a checkpoint.
    pauses: bool
    #: What ``restore`` and ``learn`` have to tell.
    learns: Learning

    def next_bracket(self) -> int | None:
        """Return the bracket that the next enrolled trial will be in, or None without brackets."""

    def enrol(self, number: int, bracket: int | None) -> None:
        """Make a new trial known, in the bracket that was fixed when it was created; twice is once."""

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:
        """Judge a report.  ``resumable``: whether this objective is known to save checkpoints.

        Reports at steps that this trial has reported before, and reports of a trial that is paused or gone,
        change nothing and get its standing verdict.
        """

    def quiet_below(self, number: int) -> int:
        """Return the step below which a running trial's reports cannot be answered by anything but CONTINUE.

        Such reports may come late and together; 0 where every report can matter, ``NO_STEP`` where none can.
        """

    def settle(
        self, number: int, state: TrialState = TrialState.COMPLETE, value: float | None = None
    ) -> Ruling:
        """Note that a trial has ended for good (complete, failed, stopped, paused without a checkpoint)."""

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Note what has become of trials that other programs run, as far as ``learns`` asks for it."""

    def close(self) -> Ruling:
        """Note that no further trial will be enrolled: rungs close with those present."""

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:
        """Rebuild the state from stored trials, in the order of their numbers; call it first, once.

        They are the trials of our drivers, and what ``learns`` asks for; unfinished ones are this driver's.

        The ruling names alive trials that were paused and may go on at once, and those that never will.
        """


class Pruner(Protocol):
    """The user's description of a pruner."""

    def start(
        self, direction: StudyDirection, first_step: int | None, study: StudyFacts | None = None
    ) -> Judge:
        """Return a fresh judge.

        Args:
            direction: Whether small or large intermediate values are better.
            first_step: The first step ever reported in the study, or None if unknown: where it is 0, a
                step s means a budget of s + 1, else of s.
            study: What a user's pruner may ask about the study.
        """

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
