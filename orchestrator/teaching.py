"""What a driver tells the judge of trials beyond their reports: how they ended, and what others have done.

How one of our trials ended travels with the call that settles it, so that the next report is judged by it.
What no report brings comes as an errand: trials of other programs, and, for a pruner that users wrote, our own
ones as they are stored.
"""

from __future__ import annotations

import copy
from collections import deque

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.attempt import Outcome
from raystudy.orchestrator.brackets import EndedTrial
from raystudy.orchestrator.events import Ending
from raystudy.orchestrator.ledger import LiveTrial, past_trial
from raystudy.orchestrator.orders import Errand, LearnTrials
from raystudy.pruners.base import Judge, Learning, PastTrial

__all__ = ["Teacher", "ended_trial", "lesson"]

_STATES = {Ending.COMPLETE: TrialState.COMPLETE, Ending.PRUNED: TrialState.PRUNED}


def ended_trial(outcome: Outcome) -> EndedTrial:
    """Return how a trial has ended with its last attempt."""
    values = outcome.values if outcome.ending is Ending.COMPLETE else None
    value = values[0] if values is not None and len(values) == 1 else None
    return EndedTrial(outcome.number, _STATES.get(outcome.ending, TrialState.FAIL), value)


def lesson(learns: Learning, trial: FrozenTrial, *, ours: bool) -> PastTrial | None:
    """Return what a judge has to learn of a trial as it is now, or None.

    Args:
        learns: What the judge learns.
        trial: The trial.
        ours: Whether the trial reports to the judge, and is settled there.
    """
    if learns is Learning.TRIALS:
        return past_trial(trial, copy.deepcopy(trial))
    return (
        past_trial(trial) if learns is Learning.RESULTS and trial.state.is_finished() and not ours else None
    )


class Teacher:
    """Turns what becomes of trials into errands for the desk, and keeps the intake's judge up to date.

    Args:
        planner: The intake's judge; the desk's learns the same.
        errands: Where errands are put.
    """

    def __init__(self, planner: Judge, errands: deque[Errand]) -> None:
        self._planner = planner
        self._errands = errands

    def settle(self, live: LiveTrial) -> None:
        """Note that a trial of ours has ended in the state that it has."""
        if self._planner.has_rungs:
            self._planner.settle(live.planned_as, live.trial.state)

    def note(self, trial: FrozenTrial, *, ours: bool) -> None:
        """Note a trial that another program has changed, or one of ours that was launched or stored finished."""
        learned = lesson(self._planner.learns, trial, ours=ours)
        if learned is not None:
            self._errands.append(LearnTrials((learned,)))
