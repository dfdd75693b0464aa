"""What is known of one trial at one moment: its state, parameters, values and reports."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.suggesting import SuggestMethods

__all__ = ["FrozenTrial", "StudyDirection", "TrialState", "Verdict", "create_trial"]


class TrialState(IntEnum):
    """State of a trial as databases hold it; the numbers are Optuna's."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3
    WAITING = 4

    def is_finished(self) -> bool:
        """Whether a trial in this state never changes again."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class StudyDirection(IntEnum):
    """Whether small or large objective values are better; the numbers are Optuna's."""

    NOT_SET = 0
    MINIMIZE = 1
    MAXIMIZE = 2


class Verdict(Enum):
    """What a trial is told in reply to a report."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


@dataclass
class FrozenTrial(SuggestMethods):
    """One trial, detached from its study.  Times are naive local times, as in Optuna.

    It can be given to an objective in place of a live trial: ``suggest_*`` return the parameters held here,
    ``report`` does nothing and ``should_prune`` is False.  That is how a best trial is trained again.
    """

    number: int
    state: TrialState
    values: list[float] | None = None
    datetime_start: dt.datetime | None = None
    datetime_complete: dt.datetime | None = None
    params: dict[str, ParamValue] = field(default_factory=dict)
    distributions: dict[str, Distribution] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    intermediate_values: dict[int, float] = field(default_factory=dict)
    trial_id: int = -1

    @property
    def _trial_id(self) -> int:
        return self.trial_id

    @property
    def value(self) -> float | None:
        """The objective value of a single-objective trial, or None.

        Raises:
            RuntimeError: If the trial has several values.
        """
        if self.values is None:
            return None
        if len(self.values) > 1:
            raise RuntimeError(f"trial {self.number} has {len(self.values)} values; read .values")
        return self.values[0]

    @property
    def last_step(self) -> int | None:
        """The largest reported step, or None before the first report."""
        return max(self.intermediate_values, default=None)

    @property
    def duration(self) -> dt.timedelta | None:
        """Time from start to finish, or None for an unfinished trial."""
        if self.datetime_start is None or self.datetime_complete is None:
            return None
        return self.datetime_complete - self.datetime_start

    def report(self, value: float, step: int) -> None:
        """Do nothing: a frozen trial takes no reports."""

    def save_checkpoint(self, state: object, step: int | None = None) -> None:
        """Do nothing: a frozen trial keeps no checkpoints."""

    def load_checkpoint(self) -> None:
        """Return None: the objective starts from the beginning."""

    def set_user_attr(self, key: str, value: Any) -> None:
        """Set a user attribute of this object, not of the stored trial."""
        self.user_attrs[key] = value

    def should_prune(self) -> bool:
        """Return False: a frozen trial is never pruned."""
        return False

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        if name not in self.params:
            raise ValueError(f"trial {self.number} has no parameter {name!r}; it has {sorted(self.params)}")
        value = self.params[name]
        if not distribution.contains(distribution.to_internal_repr(value)):
            raise ValueError(
                f"parameter {name!r} of trial {self.number} is {value!r}, outside of {distribution}"
            )
        return value


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
) -> FrozenTrial:
    """Return a trial made by hand, for ``study.add_trial``; its number is given when it is added.

    Raises:
        ValueError: If value and values are both given, or the parts contradict each other.
    """
    if value is not None and values is not None:
        raise ValueError("give value or values, not both")
    values = [value] if value is not None else values
    params, distributions = params or {}, distributions or {}
    _check_params(params, distributions)
    _check_values(state, values)
    now = dt.datetime.now()  # noqa: DTZ005 - local and naive, as Optuna's
    return FrozenTrial(
        number=-1,
        state=state,
        values=values,
        datetime_start=None if state is TrialState.WAITING else now,
        datetime_complete=now if state.is_finished() else None,
        params=params,
        distributions=distributions,
        user_attrs=user_attrs or {},
        system_attrs=system_attrs or {},
        intermediate_values=intermediate_values or {},
    )


def _check_params(params: dict[str, ParamValue], distributions: dict[str, Distribution]) -> None:
    if params.keys() != distributions.keys():
        raise ValueError(
            f"params {sorted(params)} and distributions {sorted(distributions)} need the same names"
        )
    for name, param in params.items():
        if not distributions[name].contains(distributions[name].to_internal_repr(param)):
            raise ValueError(f"parameter {name!r}={param!r} is outside of {distributions[name]}")


def _check_values(state: TrialState, values: list[float] | None) -> None:
    if state is TrialState.COMPLETE and (values is None or any(math.isnan(v) for v in values)):
        raise ValueError(f"a COMPLETE trial needs values that are numbers, got {values}")
    if state is TrialState.FAIL and values is not None:
        raise ValueError(f"a FAIL trial has no values, got {values}")
