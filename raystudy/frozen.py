"""What is known of one trial at one moment: its state, parameters, values and reports."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field, fields
from enum import Enum, IntEnum
from typing import Any, Protocol, Self

from raystudy.constraints import constraints_from_attrs, constraints_to_attrs
from raystudy.distributions import Distribution, ParamValue
from raystudy.suggesting import BaseTrial

__all__ = ["FrozenTrial", "StoredParts", "StudyDirection", "TrialState", "UnjudgedTrial", "Verdict"]


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


class StoredParts(Protocol):
    """Many stored trials, of which one takes its parts when somebody looks at them.  Never changes."""

    def part(self, row: int, name: str) -> Any:
        """Return an own copy of what the trial of a row has under the name of a field of ``FrozenTrial``."""


class _PartlyRead:
    """Holds what is no field of ``FrozenTrial``: its annotation must stand outside of the dataclass."""

    #: Where the fields come from that are not yet decoded: many stored trials, and the row of this one.
    _stored: tuple[StoredParts, int] | None = None


class UnjudgedTrial(BaseTrial):
    """A trial that an objective is called with beside a search: reports go nowhere, and nothing is pruned."""

    def report(self, value: float, step: int) -> None:
        """Do nothing."""

    def should_prune(self) -> bool:
        """Return False."""
        return False

    def save_checkpoint(self, state: object, step: int | None = None) -> None:
        """Do nothing."""

    def load_checkpoint(self) -> None:
        """Return None: the objective starts from the beginning."""

    @property
    def verdict(self) -> Verdict:
        """CONTINUE."""
        return Verdict.CONTINUE

    @property
    def resume_step(self) -> None:
        """None: the objective starts from the beginning."""
        return None


@dataclass
class FrozenTrial(_PartlyRead, UnjudgedTrial):
    """One trial, detached from its study.  Times are naive local times, as in Optuna.

    A study of 100,000 trials is read in seconds because a trial made by ``of_stored`` decodes its fields, all
    but the number, the state and the id, when they are first looked at; it is equal to one made whole.

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

    @classmethod
    def of_stored(cls, number: int, state: TrialState, trial_id: int, parts: StoredParts, row: int) -> Self:
        """Return a trial that takes its other fields from ``parts`` when they are first looked at."""
        trial = cls.__new__(cls)
        trial.number = number
        trial.state = state
        trial.trial_id = trial_id
        trial._stored = parts, row
        return trial

    @property
    def constraints(self) -> dict[str, float]:
        """The constraints by name, as a copy; the trial is feasible if none is above 0."""
        return constraints_from_attrs(self.system_attrs)

    def as_stored(self) -> FrozenTrial:
        """Return a copy that a user may change, without decoding what nobody has looked at.

        For a trial that had finished when it was read, the copy is of what is stored: whoever shares such a
        trial must not change it.
        """
        if self._stored is not None:
            parts, row = self._stored
            if parts.part(row, "state").is_finished():
                return FrozenTrial.of_stored(self.number, self.state, self.trial_id, parts, row)
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenTrial:
        """Copy what a user can change; parameter values and distributions cannot be changed, and are shared."""
        copied = FrozenTrial(
            self.number,
            self.state,
            values=None if self.values is None else list(self.values),
            datetime_start=self.datetime_start,
            datetime_complete=self.datetime_complete,
            params=dict(self.params),
            distributions=dict(self.distributions),
            user_attrs=copy.deepcopy(self.user_attrs, memo),
            system_attrs=copy.deepcopy(self.system_attrs, memo),
            intermediate_values=dict(self.intermediate_values),
            trial_id=self.trial_id,
        )
        memo[id(self)] = copied
        return copied

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

    def set_user_attr(self, key: str, value: Any) -> None:
        """Set a user attribute of this object, not of the stored trial."""
        self.user_attrs[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """Set a constraint of this copy; errors as for ``Trial.set_constraint``."""
        self.system_attrs.update(constraints_to_attrs({**self.constraints, key: value}))

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        if name not in self.params:
            raise ValueError(f"trial {self.number} has no parameter {name!r}; it has {sorted(self.params)}")
        value = self.params[name]
        if not distribution.contains(distribution.to_internal_repr(value)):
            raise ValueError(
                f"parameter {name!r} of trial {self.number} is {value!r}, outside of {distribution}"
            )
        return value


class _StoredPart:
    """A field that a stored trial decodes when it is first looked at.

    The instance attribute, once it is there, comes first: the class attribute is no *data* descriptor.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, trial: FrozenTrial | None, owner: type[FrozenTrial]) -> Any:
        if trial is None:
            return self
        if trial._stored is None:
            raise AttributeError(
                f"{owner.__name__} has no attribute {self._name!r}", name=self._name, obj=trial
            )
        parts, row = trial._stored
        value = parts.part(row, self._name)
        setattr(trial, self._name, value)
        return value


# After the dataclass has been made: inside it, these would be taken for the defaults of the fields.
for _each in fields(FrozenTrial):
    if _each.name not in ("number", "state", "trial_id"):
        setattr(FrozenTrial, _each.name, _StoredPart(_each.name))
