"""The figures of a running call, and the one line that shows them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.logging import WARNING, get_verbosity

__all__ = ["Progress", "ProgressLine"]


@dataclass
class Progress:
    """Counts of one call, kept up to date by its driver; small enough to be sent at every update.

    Args:
        target: How many trials the call adds, or None.
        direction: Direction of the first objective; the best value is shown for one objective only.
    """

    target: int | None
    direction: StudyDirection
    single: bool = True
    best: float | None = None
    best_number: int | None = None
    n_created: int = 0
    epochs: int = 0
    #: For how long the database has been out of reach, in seconds.
    outage_s: float | None = None
    states: Counter[TrialState] = field(default_factory=Counter)
    running: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)

    def created(self) -> None:
        """Count a new trial."""
        self.n_created += 1

    def started(self, number: int) -> None:
        """Count an attempt that runs now."""
        self.running.add(number)
        self.waiting.discard(number)

    def paused(self, number: int) -> None:
        """Count a trial that waits now."""
        self.running.discard(number)
        self.waiting.add(number)

    def finished(self, trial: FrozenTrial) -> None:
        """Count a finished trial of this call."""
        self.running.discard(trial.number)
        self.waiting.discard(trial.number)
        self.states[trial.state] += 1
        self.count_foreign(trial)

    def count_foreign(self, trial: FrozenTrial) -> None:
        """Let a trial that may be another program's compete for the best value."""
        if trial.state is not TrialState.COMPLETE or not self.single or not trial.values:
            return
        value = trial.values[0]
        sign = -1.0 if self.direction is StudyDirection.MAXIMIZE else 1.0
        if self.best is None or sign * value < sign * self.best:
            self.best, self.best_number = value, trial.number

    @property
    def n_finished(self) -> int:
        """How many trials of the call have finished."""
        return self.states.total()

    def line(self, elapsed_s: float) -> str:
        """Return the line: best value, counts, rate and time left."""
        best = "best -" if self.best is None else f"best {self.best:.6g} (trial {self.best_number})"
        rate = self.n_finished / elapsed_s if elapsed_s > 0 else 0.0
        total = "" if self.target is None else f"/{self.target}"
        parts = [
            f"{self.n_finished}{total} trials",
            best,
            f"running {len(self.running)}",
            f"paused {len(self.waiting)}",
            f"pruned {self.states[TrialState.PRUNED]}",
            f"failed {self.states[TrialState.FAIL]}",
            f"{rate:.2g} trials/s",
        ]
        done = self.n_finished + len(self.waiting)  # most of those that wait will end where they are
        if self.target is not None and done > 0:
            parts.append(f"ETA {_duration(elapsed_s * (self.target - done) / done)}")
        if self.outage_s is not None:
            parts.append(f"database out of reach for {self.outage_s:.0f} s")
        return " | ".join(parts)


class ProgressLine:
    """Shows the line: rewritten in place on a terminal, else a plain line every few seconds.

    Args:
        stream: Where to (default: standard error).
        enabled: False shows nothing.
        plain_every_s: Shortest time between two plain lines, in seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, *, enabled: bool = True, plain_every_s: float = 5.0
    ) -> None:
        self._stream = stream or sys.stderr
        self._enabled = enabled
        self._terminal = self._stream.isatty()
        self._every_s = 0.2 if self._terminal else plain_every_s
        self._begun = self._shown = time.monotonic()
        self._width = 0

    def show(self, progress: Progress, *, last: bool = False) -> None:
        """Show the line if it is time to, and in any case at the end."""
        now = time.monotonic()
        if not self._enabled or (now - self._shown < self._every_s and not last):
            return
        self._shown = now
        line = progress.line(now - self._begun)
        if self._terminal:
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if last else ""))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def say(self, message: str) -> None:
        """Print a message on a line of its own, unless the user asked for errors alone."""
        if get_verbosity() > WARNING:
            return
        if self._terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
        self._stream.write(message + "\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
