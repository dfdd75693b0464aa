"""What a running trial and its driver exchange: an assignment, news, a link and a vault."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import Verdict

__all__ = ["Assignment", "News", "Proposal", "TrialLink", "Vault"]

Proposal = Mapping[str, tuple[ParamValue, Distribution]]


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that an attempt needs to know of its trial.

    Attributes:
        number: Number of the trial.
        trial_id: Its id in the storage.
        attempt: 1 for the first run of the objective, then 2, 3, ...
        bracket: The bracket that it is enrolled in, or None.
        n_objectives: How many values the objective returns.
        proposed: Values drawn by the sampler, used where they lie inside the suggested bounds.
        fixed: Values that hold whatever the bounds: enqueued ones, and those of earlier attempts.
        reports: Intermediate values of earlier attempts, by step.
        user_attrs: User attributes set so far.
        constraints: Constraints set so far.
        datetime_start: When the trial was created, naive local time.
    """

    number: int
    trial_id: int
    attempt: int
    bracket: int | None
    n_objectives: int
    proposed: Proposal = field(default_factory=dict)
    fixed: Mapping[str, ParamValue] = field(default_factory=dict)
    reports: Mapping[int, float] = field(default_factory=dict)
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
    datetime_start: dt.datetime | None = None


@dataclass(slots=True)
class News:
    """What a trial has to tell beside a report: parameters, user attributes and constraints since the last one."""

    params: dict[str, tuple[ParamValue, Distribution]] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.params or self.user_attrs or self.constraints)


class TrialLink(Protocol):
    """The way from a running trial to its driver and its judge."""

    def suggest(self, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Return a value for a parameter that the proposal does not hold; ``params`` are news as those of a report."""

    def report(self, step: int, value: float, news: News | None, resumable: bool, /) -> Verdict:
        """Deliver a report and return the verdict on the trial."""

    def study(self) -> Any:
        """Return the study of the trial, or what stands for it in this process."""

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Take a parameter that need not wait for the next report (a link may ignore it)."""

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Take user attributes that need not wait for the next report (a link may ignore them)."""

    def constraints(self, constraints: Mapping[str, float]) -> None:
        """Take constraints that need not wait for the next report (a link may ignore them)."""


class Vault(Protocol):
    """Where the checkpoints of one trial are kept."""

    def save(self, state: object, step: int | None, reports: Mapping[int, float], news: News) -> None:
        """Store a state or a directory durably, with all that the trial has told or will tell with its next report."""

    def load(self) -> object | None:
        """Return the newest state, or the path of the newest directory, or None."""

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""

    def reports(self) -> dict[int, float]:
        """Return the reports known to the newest checkpoint."""

    def news(self) -> News:
        """Return the parameters and attributes known to the newest checkpoint."""

    def note_reports(self, reports: Mapping[int, float]) -> None:
        """Add reports to the newest checkpoint."""
