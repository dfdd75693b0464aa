"""Writes applied to trials that are held as objects: what ``commit`` means, without a database."""

from __future__ import annotations

from dataclasses import replace

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages.base import ClaimTrial, FinishTrial, Params, Report, SetAttrs, SetParams

__all__ = ["apply", "claim", "keep_params", "snapshot"]


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
