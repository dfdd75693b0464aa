"""Headroom: the proposal of the next trial is drawn while trials run, so that a freed slot does not wait for it.

It is done for samplers that say that it pays (``prepares_ahead``), where several trials run at once: what is drawn does
not know of the trial that ends and frees the slot, which is no more than it does not know of the other trials that run.
With one slot each proposal is drawn after the commit of the trial before it.  What was prepared is recorded and stored
only once a trial has it, so that nothing is left of it when the call ends, or dies.
"""

from __future__ import annotations

from raystudy.orchestrator.intake import Intake
from raystudy.orchestrator.phases import Phase
from raystudy.orchestrator.scheduling import Scheduler

__all__ = ["Headroom"]


class Headroom:
    """Says when to prepare; a shell calls it when it has carried out everything else.

    Args:
        scheduler: The core of the call.
        intake: Where its new trials come from.
    """

    def __init__(self, scheduler: Scheduler, intake: Intake) -> None:
        self._scheduler = scheduler
        self._intake = intake

    def use(self) -> None:
        """Have the proposal of the next trial drawn, if there is to be one and others run until then."""
        core = self._scheduler
        if core.slots > 1 and core.wants_more() and core.count(Phase.RUNNING) > 0:
            self._intake.prepare()
