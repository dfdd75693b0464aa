"""What a driver asks of its shell.

*Orders* are carried out one after the other.  *Errands* may be run at any moment, also while an objective
runs in the thread that carries out the orders.
"""

from __future__ import annotations

from dataclasses import dataclass

from raystudy.orchestrator.events import CloseIntake, StopRunning
from raystudy.orchestrator.lookout import LookAround
from raystudy.trial import Assignment

__all__ = ["Errand", "Order", "StopTrial"]


@dataclass(frozen=True, slots=True)
class StopTrial:
    """Have the desk settle a trial that another program has finished, and stop its attempt if one runs."""

    number: int
    bracket: int | None


Order = Assignment | CloseIntake | StopRunning
Errand = LookAround | StopTrial
