"""Where new trials come from: waiting ones first, else the sampler; with their number, proposal and bracket.

The number is what the next free one should be; another program may take it first.  Then the creation is
refused, and the next creation inherits the place in the bracket.  So does it after another program has taken
the waiting trial that we wanted.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.acknowledging import Acknowledgement
from raystudy.orchestrator.ledger import BRACKET, CALL, PROPOSAL, LiveTrial
from raystudy.orchestrator.proposing import Proposer
from raystudy.pruners.base import Judge

__all__ = ["Intake", "NewTrial"]


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial to be stored; ``waiting`` if it is stored already, by whoever enqueued it."""

    ticket: int
    live: LiveTrial
    waiting: bool


class Intake:
    """The new trials of one call.

    Args:
        call_id: The call that new trials count for.
        proposer: The sampler with its history.
        planner: A restored judge that says which bracket a new trial joins.
        trials: All stored trials, by number.
        now: The local time.
    """

    def __init__(
        self,
        call_id: str,
        proposer: Proposer,
        planner: Judge,
        trials: Sequence[FrozenTrial],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._call_id = call_id
        self._proposer = proposer
        self._planner = planner
        self._now = now
        # Not their count: rows that somebody deleted leave gaps.
        self._next_number = max((trial.number for trial in trials), default=-1) + 1
        self._in_creation: set[int] = set()
        self._last_own = -1
        self._waiting = {t.trial_id: t for t in trials if t.state is TrialState.WAITING}
        self._wanted: set[int] = set()
        #: Places in brackets, as (bracket, number the planner knows), whose trials were refused.
        self._spare_places: deque[tuple[int | None, int]] = deque()

    def take(self, ticket: int) -> NewTrial | None:
        """Return the oldest waiting trial, or a new one with the next number; None if there is nothing to try."""
        waiting = bool(self._waiting)
        if not waiting and self._proposer.is_spent():
            return None
        if waiting:
            trial = self._waiting.pop(min(self._waiting))
            trial.state, trial.datetime_start = TrialState.RUNNING, self._now()
            self._wanted.add(trial.trial_id)
        else:
            trial = FrozenTrial(self._next_number, TrialState.RUNNING, datetime_start=self._now())
            self._in_creation.add(trial.number)
            self._next_number += 1
        proposal = self._proposer.propose(trial.number)
        bracket, planned_as = self._place(trial.number)
        trial.system_attrs = {**trial.system_attrs, CALL: self._call_id}
        if bracket is not None:
            trial.system_attrs[BRACKET] = bracket
        if proposal:
            trial.system_attrs[PROPOSAL] = {name: value for name, (value, _) in proposal.items()}
        live = LiveTrial(trial, bracket=bracket, planned_as=planned_as, proposal=proposal)
        return NewTrial(ticket, live, waiting)

    def prepare(self) -> None:
        """Have the proposal of the next trial drawn, unless one that was enqueued comes first."""
        if not self._waiting:
            self._proposer.prepare(self._next_number)

    def answered(self, new: NewTrial, acknowledgement: Acknowledgement) -> bool:
        """Note whether a trial is ours, or another program was faster."""
        self._in_creation.discard(new.live.trial.number)
        if new.waiting:
            ours = acknowledgement.claimed[0]
        else:
            created = acknowledgement.created[0]
            ours = created is not None
            if created is not None:
                new.live.trial.trial_id = created[0]
                self._last_own = max(self._last_own, created[1])
        if not ours:
            self._spare_places.append((new.live.bracket, new.live.planned_as))
        if not ours and acknowledgement.next_number is not None:
            # Never a number of ours, stored or on its way: that would pass for a repetition of the same creation.
            next_own = max(self._in_creation, default=self._last_own) + 1
            self._next_number = max(acknowledgement.next_number, next_own)
        return ours

    def note(self, trial: FrozenTrial) -> None:
        """Note a trial of another program as it is now."""
        self._next_number = max(self._next_number, trial.number + 1)
        if trial.state is not TrialState.WAITING:
            self._waiting.pop(trial.trial_id, None)
        elif trial.trial_id not in self._wanted:  # what was read before we took it comes after that
            self._waiting[trial.trial_id] = trial

    def _place(self, number: int) -> tuple[int | None, int]:
        """Return the bracket of a new trial, and the number under which the planner knows it."""
        if self._spare_places:
            return self._spare_places.popleft()
        if not self._planner.has_rungs:
            return None, number
        bracket = self._planner.next_bracket()
        self._planner.enrol(number, bracket)
        return bracket, number
