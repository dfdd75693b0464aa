"""Writes applied to trials that are held as objects: what ``commit`` means, without a database.

A connection that is cut during COMMIT leaves the writer in doubt, and it writes all of it again.  ``repetitions``
tells such a commit from one that another program has forestalled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import (
    ClaimTrial,
    CreateTrial,
    Fence,
    FinishTrial,
    Params,
    Report,
    SetAttrs,
    SetParams,
    Write,
)
from raystudy.storages.calls import CALL

__all__ = [
    "Repetitions",
    "apply",
    "best_id",
    "claim",
    "keep_params",
    "repetitions",
    "snapshot",
]

# MySQL keeps whole seconds in Optuna's schema.
_RESOLUTION = dt.timedelta(seconds=1)


def claim(trial: FrozenTrial | None, write: ClaimTrial) -> bool:
    """Move a waiting trial to RUNNING; return whether it was waiting."""
    if trial is None or trial.state is not TrialState.WAITING:
        return False
    trial.state = TrialState.RUNNING
    trial.datetime_start = write.datetime_start
    trial.system_attrs.update(write.system_attrs)
    return True


def apply(trial: FrozenTrial, write: SetParams | SetAttrs | Report | FinishTrial) -> None:
    """Apply a write to an unfinished trial."""
    if isinstance(write, FinishTrial):
        trial.state = write.state
        trial.values = None if write.values is None else list(map(float, write.values))
        trial.datetime_complete = write.datetime_complete
    elif isinstance(write, SetParams):
        keep_params(trial, write.params)
    elif isinstance(write, SetAttrs):
        trial.user_attrs.update(write.user_attrs)
        trial.system_attrs.update(write.system_attrs)
    else:
        trial.intermediate_values.setdefault(write.step, float(write.value))


def keep_params(trial: FrozenTrial, params: Params) -> None:
    """Record parameters; a name that is recorded already keeps its value."""
    for name, (value, distribution) in params.items():
        if name not in trial.params:
            trial.params[name], trial.distributions[name] = value, distribution


def snapshot(trial: FrozenTrial) -> FrozenTrial:
    """Return the trial itself if it is finished, and so never changes again; otherwise a copy."""
    if trial.state.is_finished():
        return trial
    return replace(
        trial,
        params=dict(trial.params),
        distributions=dict(trial.distributions),
        user_attrs=dict(trial.user_attrs),
        system_attrs=dict(trial.system_attrs),
        intermediate_values=dict(trial.intermediate_values),
    )


@dataclass(frozen=True, slots=True)
class Repetitions:
    """What of a commit its owner has stored before: new trials by number, and ids of the claimed and finished."""

    created: dict[int, int] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)


def repetitions(
    writes: Iterable[Write],
    fence: Fence | None,
    find: Callable[[CreateTrial | ClaimTrial | FinishTrial], FrozenTrial | None],
) -> Repetitions:
    """Return which creations, claims and finishes were stored by an earlier commit of the same writes.

    Only the owner of a lease can tell: its trials bear the call, and hold exactly what the write says.

    Args:
        writes: All writes of the commit.
        fence: The lease under which they are made, or None.
        find: Returns the stored trial that a write means, or None if the write cannot be a repetition.
    """
    found = Repetitions()
    if fence is None:
        return found
    for write in writes:
        if not isinstance(write, (CreateTrial, ClaimTrial, FinishTrial)):
            continue
        trial = find(write)
        if trial is None or trial.system_attrs.get(CALL) != fence.call_id:
            continue
        if isinstance(write, FinishTrial):
            if _holds_result(trial, write):
                found.finished.add(trial.trial_id)
        elif _same_time(trial.datetime_start, write.datetime_start):
            if isinstance(write, CreateTrial):
                found.created[trial.number] = trial.trial_id
            elif trial.state is not TrialState.WAITING:
                found.claimed.add(trial.trial_id)
    return found


def _holds_result(trial: FrozenTrial, write: FinishTrial) -> bool:
    values = list(map(float, write.values or ()))
    same = trial.state is write.state and (trial.values or []) == values
    return same and _same_time(trial.datetime_complete, write.datetime_complete)


def _same_time(stored: dt.datetime | None, written: dt.datetime | None) -> bool:
    if stored is None or written is None:
        return stored is written
    rounded = stored.microsecond == 0 and abs(stored - written) < _RESOLUTION
    return stored == written or rounded


def best_id(trials: Iterable[FrozenTrial], direction: StudyDirection) -> int | None:
    """Return the id of the COMPLETE trial that is best in the first objective, the oldest of equals."""
    sign = -1.0 if direction is StudyDirection.MAXIMIZE else 1.0
    scored = [
        (sign * trial.values[0], trial.trial_id)
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.values
    ]
    return min(scored)[1] if scored else None
