"""New trials of ask-and-tell, and what other programs do to the study: each question is one to the database."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from raystudy.constraints import constraints_to_attrs
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.ledger import (
    BRACKET,
    CALL,
    PROPOSAL,
    LiveTrial,
    Proposal,
    attr_write,
    past_trial,
    past_trials,
)
from raystudy.orchestrator.proposing import Proposer
from raystudy.orchestrator.telling import ASKED
from raystudy.pruners.base import Judge, Learning, PastTrial
from raystudy.storages.base import ClaimTrial, CreateTrial, FinishTrial, SetAttrs, Storage, Write
from raystudy.storages.columns import Columns

__all__ = ["AskIntake", "asked_past"]


def asked_past(storage: Storage, study_id: int, columns: Columns, judge: Judge) -> list[PastTrial]:
    """Return what the judge of asked trials is restored from.

    Args:
        storage: The storage.
        study_id: The study.
        columns: Its trials, with their attributes ``CALL``, ``BRACKET`` and ``PROMOTED``.
        judge: The judge, which says what it needs.
    """
    if judge.learns is Learning.TRIALS:
        return [past_trial(trial, trial) for trial in storage.read_trials(study_id)]
    return past_trials(columns, ASKED, judge)


class AskIntake:
    """Where asked trials come from.

    Args:
        storage: The storage.
        study_id: The study.
        proposer: The sampler with its history.
        columns: The trials that are stored.
    """

    def __init__(self, storage: Storage, study_id: int, proposer: Proposer, columns: Columns) -> None:
        self._storage = storage
        self._study_id = study_id
        self._proposer = proposer
        self._last_id = columns.last_id
        self._unfinished = set(columns.unfinished_ids)
        self._waiting: dict[int, FrozenTrial] = {}
        self.last_number = int(columns.numbers.max(initial=-1))

    def changes(self) -> Sequence[FrozenTrial]:
        """Return the trials that are new, and those that have not ended when they were read last."""
        trials = self._storage.read_changes(self._study_id, self._last_id, self._unfinished)
        if (user := self._proposer.user) is not None:
            study = self._storage.read_study(self._study_id)
            user.study.refresh(study.user_attrs, study.system_attrs)
        for trial in trials:
            self._note(trial)
            if trial.state is TrialState.WAITING:
                self._waiting[trial.number] = trial
        return trials

    def take(self, bracket: int | None) -> LiveTrial | None:
        """Take the oldest waiting trial or create one, in a bracket; None if another program took the number."""
        while self._waiting:
            waiting = self._waiting.pop(min(self._waiting))
            proposal, now = self._proposer.propose(waiting.number), dt.datetime.now()  # noqa: DTZ005 - local
            claim = ClaimTrial(waiting.trial_id, now, _attributes(bracket, proposal))
            if self._storage.commit(self._study_id, [claim]).claimed[0]:
                return self._live(waiting.trial_id, bracket, proposal)
        if self._proposer.is_spent():
            warnings.warn(
                "every known point of the sampler's space was tried or is being tried: this trial may repeat one; "
                "ask sampler.is_exhausted(study) before study.ask()",
                UserWarning,
                stacklevel=5,
            )
        number, now = self.last_number + 1, dt.datetime.now()  # noqa: DTZ005 - local
        proposal = self._proposer.propose(number)
        write = CreateTrial(number, TrialState.RUNNING, now, system_attrs=_attributes(bracket, proposal))
        created = self._storage.commit(self._study_id, [write]).created[0]
        return None if created is None else self._live(created[0], bracket, proposal)

    def ending(self, trial: FrozenTrial, state: TrialState, values: list[float] | None) -> None:
        """Tell the sampler how a trial ends, and store what its constraints are then.

        Raises:
            Exception: What a function or a sampler of the user raises; the trial has its state and values even so.
        """
        try:
            self._proposer.end(trial, state, values)
        finally:
            trial.state, trial.values = state, values
            self.store_notes()
        if constraints := self._proposer.constraints_of(trial):
            attrs = constraints_to_attrs({**constraints, **trial.constraints})
            self._commit(SetAttrs(trial.trial_id, system_attrs=attrs))

    def store_notes(self) -> None:
        """Store the attributes that a user's sampler has set."""
        for note in self._proposer.take_notes():
            if note.trial_id is None:
                self._storage.set_study_attrs(self._study_id, {}, {note.key: note.value})
            else:
                self._commit(attr_write(note.trial_id, note))

    def _live(self, trial_id: int, bracket: int | None, proposal: Proposal) -> LiveTrial:
        trial = self._storage.read_trial(trial_id)
        self._note(trial)
        live = LiveTrial(trial, bracket=bracket, proposal=proposal)
        if self._proposer.user is not None:
            self._begin(live)
        return live

    def _begin(self, live: LiveTrial) -> None:
        """Have a user's sampler draw for a new trial; if it raises, the trial has failed."""
        trial_id = live.trial.trial_id
        try:
            live.proposal = self._proposer.begin(live.trial)
        except BaseException:
            now = dt.datetime.now()  # noqa: DTZ005 - local
            self._commit(FinishTrial(trial_id, TrialState.FAIL, None, now))
            raise
        finally:
            self.store_notes()
        drawn = {name: value for name, (value, _) in live.proposal.items()}
        self._commit(SetAttrs(trial_id, system_attrs={PROPOSAL: drawn}))

    def _commit(self, write: Write) -> None:
        self._storage.commit(self._study_id, [write])

    def _note(self, trial: FrozenTrial) -> None:
        self._last_id = max(self._last_id, trial.trial_id)
        self.last_number = max(self.last_number, trial.number)
        if trial.state.is_finished():
            self._unfinished.discard(trial.trial_id)
        else:
            self._unfinished.add(trial.trial_id)


def _attributes(bracket: int | None, proposal: Proposal) -> Mapping[str, Any]:
    """Return what is stored with a new trial."""
    attrs: dict[str, Any] = {CALL: ASKED}
    if bracket is not None:
        attrs[BRACKET] = bracket
    if proposal:
        attrs[PROPOSAL] = {name: value for name, (value, _) in proposal.items()}
    return attrs
