"""Where a simulation takes place: virtual workers, their clock, and what they leave behind."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from raystudy.trial import News

__all__ = ["Shelf", "VirtualClock", "WorkSpan", "Workplace"]


@dataclass(slots=True)
class VirtualClock:
    """The time of a simulation.

    Attributes:
        begin: When it begins, as a naive local time.
        elapsed_s: Seconds since then.
    """

    begin: dt.datetime
    elapsed_s: float = 0.0

    def now(self) -> dt.datetime:
        """Return the time of day, to the microsecond."""
        return self.begin + dt.timedelta(seconds=self.elapsed_s)

    def timestamp(self) -> float:
        """Return the seconds since the beginning, by which leases run."""
        return self.elapsed_s


@dataclass(frozen=True, slots=True)
class Workplace:
    """What there is to work with.

    Attributes:
        n_workers: How many attempts run at once.
        epoch_s: Seconds from one report to the next, where a curve does not say.
        start_s: Seconds that a worker needs to start an attempt, the first and every later one of a trial.
        max_steps: A training ends after so many reports; None for the length of its curve.
        timeout_s: After so many seconds no trial is begun, and running ones end at their next report.
        checkpoints: Whether trials save a checkpoint with each report, and so can pause.
    """

    n_workers: int
    epoch_s: float
    start_s: float
    max_steps: int | None
    timeout_s: float | None
    checkpoints: bool

    def __post_init__(self) -> None:
        """Raise ValueError if a number is out of its range."""
        for name, value, least in (
            ("n_workers", self.n_workers, 1),
            ("epoch_s", self.epoch_s, 0),
            ("start_s", self.start_s, 0),
            ("max_steps", self.max_steps, 1),
            ("timeout", self.timeout_s, 0),
        ):
            if value is not None and not least <= value < math.inf:
                raise ValueError(f"expected {name} to be a finite number >= {least}, got {value!r}")


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """One attempt on one worker.

    Attributes:
        worker: The worker, from 0.
        number: Number of the trial.
        attempt: The attempt, from 1.
        start_s: When it began, in seconds since the beginning.
        end_s: When it ended.
        epochs: How many steps it trained.
        ending: How it ended: "complete", "paused", "pruned" or "failed".
    """

    worker: int
    number: int
    attempt: int
    start_s: float
    end_s: float
    epochs: int
    ending: str


@dataclass(slots=True)
class Shelf:
    """The checkpoints of one trial: their contents are imagined, what they know of the trial is not."""

    step: int | None = None
    known: dict[int, float] = field(default_factory=dict)

    def save(self, state: object, step: int | None, reports: Mapping[int, float], news: News) -> None:  # noqa: ARG002
        """Keep a checkpoint in place of the one before."""
        self.step, self.known = step, dict(reports)

    def load(self) -> None:
        """Return None: there is no state."""

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint, or None."""
        return self.step

    def reports(self) -> dict[int, float]:
        """Return the reports known to the newest checkpoint."""
        return self.known

    def news(self) -> News:
        """Return nothing: no report is lost in a simulation."""
        return News()

    def note_reports(self, reports: Mapping[int, float]) -> None:
        """Add reports to the newest checkpoint."""
        self.known.update(reports)
