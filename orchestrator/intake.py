"""Where new trials come from: waiting ones first, else the sampler; with their number, proposal and bracket.

The number is what the next free one should be; another program may take it first.  Then the creation is
refused, the study is looked at anew, and the next creation inherits the place in the bracket.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raystudy.exceptions import StorageUnavailable
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.ledger import BRACKET, CALL, PROPOSAL, LiveTrial
from raystudy.orchestrator.proposing import Proposer
from raystudy.pruners.base import Judge
from raystudy.storages.base import Storage

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
        storage: For reading what other programs do.
        study_id: The study.
        call_id: The call that new trials count for.
        proposer: The sampler with its history.
        planner: A restored judge that says which bracket a new trial joins.
        trials: All stored trials, by number.
        now: The local time.
    """

    def __init__(
        self,
        storage: Storage,
        study_id: int,
        call_id: str,
        proposer: Proposer,
        planner: Judge,
        trials: Sequence[FrozenTrial],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._storage = storage
        self._study_id = study_id
        self._call_id = call_id
        self._proposer = proposer
        self._planner = planner
        self._now = now
        self._next_number = _after(trials)
        self._last_id = max((trial.trial_id for trial in trials), default=-1)
        self._waiting = deque(t for t in trials if t.state is TrialState.WAITING)
        self._foreign = {t.trial_id for t in trials if t.state is TrialState.RUNNING and not self._is_ours(t)}
        #: Places in brackets, as (bracket, number the planner knows), whose trials were refused.
        self._spare_places: deque[tuple[int | None, int]] = deque()

    def take(self, ticket: int) -> NewTrial:
        """Return the oldest waiting trial, or a new one with the next number."""
        waiting = bool(self._waiting)
        if waiting:
            trial = self._waiting.popleft()
            trial.state, trial.datetime_start = TrialState.RUNNING, self._now()
        else:
            trial = FrozenTrial(self._next_number, TrialState.RUNNING, datetime_start=self._now())
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

    def accepted(self, new: NewTrial) -> None:
        """Note that a trial is ours."""
        self._last_id = max(self._last_id, new.live.trial.trial_id)

    def refused(self, new: NewTrial) -> None:
        """Note that another program was faster."""
        self._spare_places.append((new.live.bracket, new.live.planned_as))
        self._next_number = _after(self._storage.read_trials(self._study_id))

    def look_around(self) -> list[FrozenTrial]:
        """Return what other programs have done since the last time, waiting trials left out."""
        try:
            changes = self._storage.read_changes(self._study_id, self._last_id, self._foreign)
        except StorageUnavailable:
            return []  # an outage stops no running trial; the next look finds the same
        found = []
        for trial in changes:
            self._last_id = max(self._last_id, trial.trial_id)
            self._next_number = max(self._next_number, trial.number + 1)
            self._foreign.discard(trial.trial_id)
            if self._is_ours(trial):
                continue
            if trial.state is TrialState.WAITING:
                self._waiting.append(trial)
                continue
            if trial.state is TrialState.RUNNING:
                self._foreign.add(trial.trial_id)
            found.append(trial)
        return found

    def _is_ours(self, trial: FrozenTrial) -> bool:
        return trial.system_attrs.get(CALL) == self._call_id

    def _place(self, number: int) -> tuple[int | None, int]:
        """Return the bracket of a new trial, and the number under which the planner knows it."""
        if self._spare_places:
            return self._spare_places.popleft()
        if not self._planner.has_rungs:
            return None, number
        bracket = self._planner.next_bracket()
        self._planner.enrol(number, bracket)
        return bracket, number


def _after(trials: Sequence[FrozenTrial]) -> int:
    # Not their count: rows that somebody deleted leave gaps.
    return max((trial.number for trial in trials), default=-1) + 1
