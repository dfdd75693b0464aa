"""Trials that are made by hand, and what must hold of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from raystudy.constraints import constraints_to_attrs
from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["check_trial", "create_trial"]


def create_trial(
    *,
    state: TrialState = TrialState.COMPLETE,
    value: float | None = None,
    values: list[float] | None = None,
    params: dict[str, ParamValue] | None = None,
    distributions: dict[str, Distribution] | None = None,
    user_attrs: dict[str, Any] | None = None,
    system_attrs: dict[str, Any] | None = None,
    intermediate_values: dict[int, float] | None = None,
    constraints: dict[str, float] | None = None,
) -> FrozenTrial:
    """Return a trial made by hand, for ``study.add_trial``; its number is given when it is added.

    Raises:
        ValueError: If value and values are both given, or the parts contradict each other.
    """
    if value is not None and values is not None:
        raise ValueError("create_trial: give value or values, not both")
    start, complete = _times_of_trial_made_now(state)
    trial = FrozenTrial(
        number=-1,
        state=state,
        values=[value] if value is not None else values,
        datetime_start=start,
        datetime_complete=complete,
        params=params or {},
        distributions=distributions or {},
        user_attrs=user_attrs or {},
        system_attrs={**(system_attrs or {}), **constraints_to_attrs(constraints or {})},
        intermediate_values=intermediate_values or {},
    )
    check_trial(trial)
    return trial


def _times_of_trial_made_now(state: TrialState) -> tuple[dt.datetime | None, dt.datetime | None]:
    now = dt.datetime.now()  # noqa: DTZ005 - local and naive, as Optuna's
    return (None if state is TrialState.WAITING else now), (now if state.is_finished() else None)


def check_trial(trial: FrozenTrial) -> None:
    """Raise ValueError if the parts of a trial contradict each other."""
    _check_params(trial.params, trial.distributions)
    _check_values(trial.state, trial.values)
    _check_times(trial)


def _check_params(params: Mapping[str, ParamValue], distributions: Mapping[str, Distribution]) -> None:
    if params.keys() != distributions.keys():
        raise ValueError(
            f"params {sorted(params)} and distributions {sorted(distributions)} need the same names"
        )
    for name, param in params.items():
        if not distributions[name].contains(distributions[name].to_internal_repr(param)):
            raise ValueError(f"parameter {name!r}={param!r} is outside of {distributions[name]}")


def _check_values(state: TrialState, values: Sequence[float] | None) -> None:
    if state is TrialState.COMPLETE and (not values or any(math.isnan(v) for v in values)):
        raise ValueError(f"a COMPLETE trial needs values that are numbers, got {values}")
    if state is TrialState.FAIL and values is not None:
        raise ValueError(f"a FAIL trial has no values, got {values}")


def _check_times(trial: FrozenTrial) -> None:
    state, start, complete = trial.state, trial.datetime_start, trial.datetime_complete
    if state is not TrialState.WAITING and start is None:
        raise ValueError(f"a {state.name} trial needs datetime_start, got None")
    if state.is_finished() != (complete is not None):
        need = "needs datetime_complete" if complete is None else "has no datetime_complete"
        raise ValueError(f"a {state.name} trial {need}, got {complete}")
