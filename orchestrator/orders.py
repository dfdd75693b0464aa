"""What a driver asks of its shell.

*Orders* are carried out one after the other.  *Errands* may be run at any moment, also while an objective
runs in the thread that carries out the orders.
"""

from __future__ import annotations

from dataclasses import dataclass

from raystudy.orchestrator.events import CloseIntake, StopRunning
from raystudy.orchestrator.lookout import LookAround
from raystudy.pruners.base import PastTrial
from raystudy.trial import Assignment

__all__ = ["Errand", "LearnTrials", "Order", "StopTrial"]


@dataclass(frozen=True, slots=True)
class StopTrial:
    """Have the desk settle a trial that another program has finished, and stop its attempt if one runs."""

    number: int
    bracket: int | None


@dataclass(frozen=True, slots=True)
class LearnTrials:
    """Have the desk learn what has become of trials; only for judges that learn."""

    trials: tuple[PastTrial, ...]


Order = Assignment | CloseIntake | StopRunning
Errand = LookAround | StopTrial | LearnTrials
