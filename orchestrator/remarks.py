"""What a driver tells the user of single trials: a line each, the same advice only once."""

from __future__ import annotations

from collections.abc import Callable

from raystudy.frozen import FrozenTrial
from raystudy.orchestrator.attempt import Outcome
from raystudy.orchestrator.events import Ending
from raystudy.orchestrator.ledger import LiveTrial

__all__ = ["Remarks"]


class Remarks:
    """Lines for the user.

    Args:
        say: Called with each line.
        pauses: Whether the pruner has trials wait.
    """

    def __init__(self, say: Callable[[str], None], *, pauses: bool) -> None:
        self._say = say
        self._said_cannot_wait = not pauses
        self._said_spent = False

    def ended(self, outcome: Outcome, live: LiveTrial) -> None:
        """Explain an attempt that did not end as its trial might have."""
        for note in outcome.notes:
            self._say(f"trial {outcome.number}: {note}")
        if outcome.ending is Ending.LOST:
            self._say(f"trial {outcome.number}: attempt {outcome.attempt} was lost: {outcome.reason}")
        elif outcome.reason:
            self._say(f"trial {outcome.number} failed: {outcome.reason}")
        cannot_wait = (
            live.bracket is not None and outcome.ending is Ending.PRUNED and not outcome.checkpointed
        )
        if cannot_wait and not self._said_cannot_wait:
            self._said_cannot_wait = True
            self._say(
                f"trial {outcome.number} saved no checkpoint, so it is stopped for good instead of waiting at its "
                "rung; call trial.save_checkpoint(...) before trial.report(...) to have good trials promoted later"
            )

    def spent(self) -> None:
        """Say, once, why no trial is created."""
        if not self._said_spent:
            self._said_spent = True
            self._say("the sampler knows of no point that was not tried; trials end with those that run")

    def overtaken(self, trial: FrozenTrial) -> None:
        """Say whose result counts."""
        values = "" if trial.values is None else f" with {', '.join(f'{value:g}' for value in trial.values)}"
        self._say(
            f"trial {trial.number} was finished by another program ({trial.state.name}{values}); "
            "its result stands"
        )
