"""The live trials of a driver, and the names of the attributes under which a database keeps what they need.

Everything that a new driver must know of a trial stands in its rows: recovery is a fold over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from raystudy.constraints import constraints_to_attrs
from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.pruners.base import Judge, Learning, PastTrial
from raystudy.samplers.sampler_study import AttrNote
from raystudy.storages.base import SetAttrs
from raystudy.storages.calls import CALL
from raystudy.storages.columns import Columns
from raystudy.trial import Assignment

__all__ = [
    "ATTEMPT",
    "BRACKET",
    "CALL",
    "FIRST_STEP",
    "FOLDER",
    "PAUSED",
    "PROMOTED",
    "PROPOSAL",
    "PRUNER",
    "RULINGS",
    "SAMPLER",
    "SEED",
    "TOKEN",
    "LiveTrial",
    "Proposal",
    "attr_write",
    "live_trial",
    "past_trial",
    "past_trials",
]

#: Trial attribute: bracket (absent without brackets).
BRACKET = "raystudy:bracket"
#: Trial attribute: values drawn by the sampler, by parameter name.
PROPOSAL = "raystudy:proposal"
#: Trial attribute: number of the present attempt (absent: 1).
ATTEMPT = "raystudy:attempt"
#: Trial attribute: step at which the trial waits, or None while it does not.
PAUSED = "raystudy:paused"
#: Trial attribute: highest rung from which a paused trial was promoted.
PROMOTED = "raystudy:promoted"
#: Trial attribute: what the judge has decided on the trial, and on what grounds, in order.
RULINGS = "raystudy:rulings"
#: Study attributes: descriptions of sampler and pruner, the seed, the first step ever reported.
SAMPLER = "raystudy:sampler"
PRUNER = "raystudy:pruner"
SEED = "raystudy:seed"
#: Study attribute: what tells its folder of checkpoints from that of another study of the same name.
TOKEN = "raystudy:token"
#: Study attributes whose names begin so: the folders in which it has kept checkpoints, for who deletes it.
FOLDER = "raystudy:folder"
FIRST_STEP = "raystudy:first_step"

Proposal = dict[str, tuple[ParamValue, Distribution]]


@dataclass(slots=True)
class LiveTrial:
    """An unfinished trial of this driver; ``trial`` is kept up to date and handed out once it has finished."""

    trial: FrozenTrial
    attempt: int = 1
    bracket: int | None = None
    proposal: Proposal = field(default_factory=dict)
    #: What its last attempt returned.
    result: list[float] | None = None
    #: Step of the last rung at which it was judged.
    rung_step: int | None = None
    promoted_rung: int | None = None
    paused: bool = False
    #: What the judge has decided on it, and whether the last of that is still to be stored.
    rulings: list[Mapping[str, Any]] = field(default_factory=list)
    has_new_ruling: bool = False
    #: Number under which the planner enrolled it, where another program took the number first meant for it.
    planned_as: int = -1

    def assignment(self, n_objectives: int) -> Assignment:
        """Return what an attempt needs to know."""
        trial = self.trial
        return Assignment(
            number=trial.number,
            trial_id=trial.trial_id,
            attempt=self.attempt,
            bracket=self.bracket,
            n_objectives=n_objectives,
            proposed=self.proposal,
            fixed={**trial.system_attrs.get("fixed_params", {}), **trial.params},
            reports=dict(trial.intermediate_values),
            user_attrs=dict(trial.user_attrs),
            constraints=trial.constraints,
            datetime_start=trial.datetime_start,
        )

    def learn_params(self, params: Mapping[str, tuple[ParamValue, Distribution]]) -> Proposal:
        """Record parameters and return those that are new."""
        new = {name: pair for name, pair in params.items() if name not in self.trial.params}
        for name, (value, distribution) in new.items():
            self.trial.params[name] = value
            self.trial.distributions[name] = distribution
        return new

    def learn_user_attrs(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """Record user attributes and return those that are new or changed."""
        known = self.trial.user_attrs
        new = {key: value for key, value in attrs.items() if key not in known or known[key] != value}
        known.update(new)
        return new

    def learn_constraints(self, constraints: Mapping[str, float]) -> dict[str, Any]:
        """Record constraints and return the system attributes that are new or changed by them."""
        known = self.trial.constraints
        if constraints.items() <= known.items():
            return {}
        attrs = constraints_to_attrs({**known, **constraints, **known})
        self.trial.system_attrs.update(attrs)
        return attrs

    def note_ruling(self, why: Mapping[str, Any] | None) -> None:
        """Record what the judge has decided, if it has."""
        if why is not None:
            self.rulings.append(why)
            self.has_new_ruling = True

    def new_rulings(self) -> dict[str, Any]:
        """Return the attribute to store with the next change of state; empty if that is stored."""
        is_new, self.has_new_ruling = self.has_new_ruling, False
        return {RULINGS: list(self.rulings)} if is_new else {}

    def known_params(self) -> Proposal:
        """Return the parameters suggested so far, with their distributions."""
        return {name: (value, self.trial.distributions[name]) for name, value in self.trial.params.items()}

    def final_values(self, state: TrialState) -> list[float] | None:
        """Return the values of the trial when it ends in a state: its result, or what it has reported last.

        A pruned trial whose last report is no number has none.
        """
        if state is not TrialState.PRUNED:
            return self.result if state is TrialState.COMPLETE else None
        step = self.trial.last_step
        if step is None or math.isnan(self.trial.intermediate_values[step]):
            return None
        return [self.trial.intermediate_values[step]]


def attr_write(trial_id: int, note: AttrNote) -> SetAttrs:
    """Return the write that stores an attribute of a trial that a user's sampler has set."""
    attrs = {note.key: note.value}
    return SetAttrs(trial_id, user_attrs=attrs) if note.is_user else SetAttrs(trial_id, system_attrs=attrs)


def live_trial(trial: FrozenTrial, known_space: Mapping[str, Distribution]) -> LiveTrial:
    """Rebuild the record of an unfinished trial from its stored form."""
    attrs = trial.system_attrs
    drawn: Mapping[str, ParamValue] = attrs.get(PROPOSAL, {})
    return LiveTrial(
        trial,
        attempt=attrs.get(ATTEMPT, 1),
        bracket=attrs.get(BRACKET),
        proposal={name: (value, known_space[name]) for name, value in drawn.items() if name in known_space},
        rung_step=attrs.get(PAUSED),
        promoted_rung=attrs.get(PROMOTED),
        paused=attrs.get(PAUSED) is not None,
        rulings=list(attrs.get(RULINGS, ())),
        planned_as=trial.number,
    )


def past_trial(trial: FrozenTrial, whole: FrozenTrial | None = None) -> PastTrial:
    """Return what a judge learns of a trial; ``whole`` if it wants all of it."""
    values = trial.values
    return PastTrial(
        number=trial.number,
        bracket=trial.system_attrs.get(BRACKET),
        reports=dict(trial.intermediate_values),
        promoted_rung=trial.system_attrs.get(PROMOTED),
        state=trial.state,
        value=values[0] if values is not None and len(values) == 1 else None,
        trial=whole,
    )


def past_trials(columns: Columns, call_id: str | None, judge: Judge) -> list[PastTrial]:
    """Return what the judge of a call is restored from, without whole trials.

    Unfinished trials of other calls belong to other drivers, which judge them.

    Args:
        columns: The trials, with their attributes ``CALL``, ``BRACKET`` and ``PROMOTED``.
        call_id: The call; None for the trials that were asked for.
        judge: A judge of the same pruner, which says what it needs.
    """
    calls, brackets, promoted = (columns.system_attrs[key] for key in (CALL, BRACKET, PROMOTED))
    everyone = judge.learns is not Learning.NOTHING
    ours = sorted(calls.keys() | brackets.keys()) if judge.has_rungs else []
    rows = range(len(columns)) if everyone else ours
    reports = columns.reports_by_row() if rows else {}
    states, numbers = columns.states.tolist(), columns.numbers.tolist()
    values = columns.values[:, 0].tolist() if columns.values.shape[1] == 1 else [math.nan] * len(columns)
    return [
        PastTrial(
            number=numbers[row],
            bracket=brackets.get(row),
            reports=reports.get(row, {}),
            promoted_rung=promoted.get(row),
            state=TrialState(states[row]),
            value=None if math.isnan(values[row]) else values[row],
            is_over=calls.get(row) != call_id,
        )
        for row in rows
        if TrialState(states[row]).is_finished()
        or (states[row] == TrialState.RUNNING and calls.get(row) == call_id)
    ]
