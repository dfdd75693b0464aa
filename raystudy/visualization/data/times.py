"""When trials ran, one after the other, and on which slots."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from raystudy.constraints import is_feasible
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.ledger import PAUSED
from raystudy.simulation import Simulation
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.reading import INFEASIBLE, number_of

__all__ = ["ClusterBar", "ClusterBars", "TimeBar", "TimeBars", "cluster_bars", "time_bars", "unit_of"]

#: The length of the bar of a trial that has none.
_SHORT = dt.timedelta(seconds=1)
#: A running trial that has taken so many times as long as any finished one is taken for dead.
_DEAD = 5


@dataclass(frozen=True, slots=True)
class TimeBar:
    """A trial with its time.

    Attributes:
        trial: The trial.
        start: When it began.
        end: When it ended; now, if it runs.
        kind: Its state, or INFEASIBLE if it is complete and violates a constraint.
    """

    trial: FrozenTrial
    start: dt.datetime
    end: dt.datetime
    kind: str


@dataclass(frozen=True, slots=True)
class TimeBars:
    """The bars by number of their trials, and what a reader must know."""

    bars: tuple[TimeBar, ...]
    notes: tuple[str, ...]


def time_bars(study: StudyReader, n_recent_trials: int | None, now: dt.datetime) -> TimeBars:
    """Return when each of the last trials ran.

    Args:
        study: The study.
        n_recent_trials: How many of them; None for all.
        now: The present, as a naive local time.

    Raises:
        ValueError: If ``n_recent_trials`` is not positive.
    """
    if n_recent_trials is not None and n_recent_trials <= 0:
        raise ValueError(f"n_recent_trials must be positive or None, and is {n_recent_trials}")
    everything = study.get_trials(deepcopy=False)
    until = _until(everything, now)
    trials = everything if n_recent_trials is None else everything[-n_recent_trials:]
    bars = tuple(_bar(trial, until) for trial in trials)
    n_reversed = sum(bar.end < bar.start for bar in bars)
    notes = (f"{number_of(n_reversed, 'trial')} with an end before its start",) if n_reversed else ()
    return TimeBars(bars, notes if bars else ("the study has no trials",))


def _until(trials: Sequence[FrozenTrial], now: dt.datetime) -> dt.datetime:
    """Return until when running trials are drawn: now, unless all of them seem to be dead."""
    longest = max((trial.duration for trial in trials if trial.duration is not None), default=None)
    running = [trial.datetime_start for trial in trials if trial.state is TrialState.RUNNING]
    if longest is None:
        is_alive = bool(running)
    else:
        is_alive = any(start is not None and now - start < _DEAD * longest for start in running)
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete is not None]
    return now if is_alive else max(ends, default=now)


def _bar(trial: FrozenTrial, until: dt.datetime) -> TimeBar:
    start = trial.datetime_start or until
    end = until + _SHORT if trial.state is TrialState.RUNNING else trial.datetime_complete or start + _SHORT
    violates = trial.state is TrialState.COMPLETE and not is_feasible(trial.constraints)
    return TimeBar(trial, start, end, INFEASIBLE if violates else trial.state.name)


@dataclass(frozen=True, slots=True)
class ClusterBar:
    """An attempt of a trial on a slot, in seconds since the beginning of the first one.

    Attributes:
        slot: The slot, from 0.
        number: Number of the trial.
        attempt: The attempt, from 1; 0 if the attempts of a trial are not known one by one.
        start_s: When it began.
        end_s: When it ended.
        ending: "complete", "paused", "pruned", "failed" or "running".
        epochs: How many epochs it trained; None if it is not known.
    """

    slot: int
    number: int
    attempt: int
    start_s: float
    end_s: float
    ending: str
    epochs: int | None


@dataclass(frozen=True, slots=True)
class ClusterBars:
    """The attempts of a study in the order of their starts.

    Attributes:
        bars: The attempts.
        n_slots: How many slots there are.
        end_s: When the last of them ended.
        busy: The share of the time, from 0 to 1, that the average slot was busy.
        title: Name of the plot.
        notes: What a reader must know.
    """

    bars: tuple[ClusterBar, ...]
    n_slots: int
    end_s: float
    busy: float
    title: str
    notes: tuple[str, ...]


def cluster_bars(of: StudyReader | Simulation, now: dt.datetime) -> ClusterBars:
    """Return what ran on each slot: as a simulation has it, or guessed from the times of a study's trials."""
    if isinstance(of, Simulation):
        bars = [
            ClusterBar(
                span.worker, span.number, span.attempt, span.start_s, span.end_s, span.ending, span.epochs
            )
            for span in of.timeline
        ]
        return _cluster_bars(bars, of.n_workers, number_of(of.n_workers, "virtual worker"), ())
    bars, n_paused = _guessed(time_bars(of, None, now).bars)
    n = 1 + max((bar.slot for bar in bars), default=-1)
    notes: tuple[str, ...] = (
        "the database does not say where trials ran: slots are guessed from their times",
    )
    if n_paused:
        notes += (
            f"{number_of(n_paused, 'trial')} held a slot for a part of its bar only, and waited meanwhile",
        )
    return _cluster_bars(bars, n, number_of(n, "slot"), notes)


def _cluster_bars(bars: list[ClusterBar], n_slots: int, title: str, notes: tuple[str, ...]) -> ClusterBars:
    end_s = max((bar.end_s for bar in bars), default=0.0)
    busy_s = sum(bar.end_s - bar.start_s for bar in bars)
    busy = busy_s / (n_slots * end_s) if n_slots and end_s > 0 else 0.0
    ordered = tuple(sorted(bars, key=lambda bar: (bar.start_s, bar.slot)))
    return ClusterBars(ordered, n_slots, end_s, busy, title, notes if bars else ("no trial has run",))


_ENDINGS = {
    "COMPLETE": "complete",
    INFEASIBLE: "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
}


def _guessed(bars: Sequence[TimeBar]) -> tuple[list[ClusterBar], int]:
    """Give each trial the lowest slot that is free when it begins; count those that have waited."""
    ran = sorted(
        (bar for bar in bars if bar.kind in _ENDINGS and bar.trial.datetime_start is not None),
        key=lambda bar: (bar.start, bar.trial.number),
    )
    free: list[int] = []
    busy: list[tuple[dt.datetime, int]] = []
    found = []
    for bar in ran:
        while busy and busy[0][0] <= bar.start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        slot = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (bar.end, slot))
        start, end = ((each - ran[0].start).total_seconds() for each in (bar.start, bar.end))
        found.append(ClusterBar(slot, bar.trial.number, 0, start, end, _ENDINGS[bar.kind], None))
    return found, sum(PAUSED in bar.trial.system_attrs for bar in ran)


def unit_of(length_s: float) -> tuple[float, str]:
    """Return seconds per unit of a time axis of so many seconds, and the name of the unit."""
    for scale, name in ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes")):
        if length_s >= 2 * scale:
            return scale, name
    return 1.0, "seconds"
