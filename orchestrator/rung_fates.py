"""What became of each trial at each rung, read from what is stored: for plots and for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.ledger import PAUSED, PROMOTED, RULINGS
from raystudy.pruners.grounds import RungTable

__all__ = ["Fate", "RungEntry", "RungFates", "rung_fates"]


class Fate(Enum):
    """What became of a trial at a rung that it has reached."""

    #: It was complete before another rung.
    COMPLETE = "complete"
    #: It went on without waiting.
    WENT_ON = "went on at once"
    #: It waited and was promoted.
    PROMOTED = "promoted"
    #: It waits.
    WAITS = "waits"
    #: It was dropped or stopped here, or failed on the way to the next rung.
    ENDED = "dropped"


@dataclass(frozen=True, slots=True)
class RungEntry:
    """A trial at a rung; ``waited`` whether it ever did so there."""

    number: int
    value: float
    fate: Fate
    waited: bool


@dataclass(frozen=True, slots=True)
class RungFates:
    """A rung and its trials, the best first."""

    bracket: int
    rung: int
    budget: int
    entries: tuple[RungEntry, ...]

    def count(self, *fates: Fate) -> int:
        """Return how many trials have met one of these fates."""
        return sum(entry.fate in fates for entry in self.entries)

    @property
    def n_waited(self) -> int:
        """How many trials have waited here."""
        return sum(entry.waited for entry in self.entries)

    def __str__(self) -> str:
        parts = [f"{len(self.entries)} reported", f"{self.n_waited} waited"]
        parts += [f"{self.count(fate)} {fate.value}" for fate in Fate if self.count(fate)]
        return f"rung {self.rung} (budget {self.budget}): {', '.join(parts)}"


def rung_fates(tables: Sequence[RungTable], trials: Sequence[FrozenTrial]) -> list[RungFates]:
    """Return the trials of each rung with what became of them.

    Args:
        tables: The rungs, as ``rung_tables`` gives them.
        trials: All trials of the study.
    """
    by_number = {trial.number: trial for trial in trials}
    highest: dict[int, int] = {}
    for table in tables:
        highest |= {number: max(table.rung, highest.get(number, 0)) for number, _ in table.values}
    return [
        RungFates(
            table.bracket,
            table.rung,
            table.budget,
            tuple(
                _entry(by_number[number], value, table.rung, is_highest=highest[number] == table.rung)
                for number, value in table.values
            ),
        )
        for table in tables
    ]


def _entry(trial: FrozenTrial, value: float, rung: int, *, is_highest: bool) -> RungEntry:
    rulings: Sequence[Mapping[str, Any]] = trial.system_attrs.get(RULINGS, ())
    decided = [str(ruling["what"]) for ruling in rulings if ruling.get("rung") == rung]
    waits = is_highest and trial.state is TrialState.RUNNING and trial.system_attrs.get(PAUSED) is not None
    waited = waits or "pause" in decided or "promote" in decided
    promoted_rung = trial.system_attrs.get(PROMOTED)
    if not is_highest or (promoted_rung is not None and promoted_rung >= rung):
        fate = Fate.PROMOTED if waited else Fate.WENT_ON
    elif trial.state is TrialState.COMPLETE:
        fate = Fate.COMPLETE
    elif trial.state is TrialState.RUNNING:
        fate = _fate_of_running(decided[-1] if decided else None, waits)
    else:
        fate = Fate.ENDED
    return RungEntry(trial.number, value, fate, waited)


def _fate_of_running(last: str | None, waits: bool) -> Fate:
    if last == "promote":
        return Fate.PROMOTED
    if waits or last == "pause":
        return Fate.WAITS
    return Fate.ENDED if last in ("stop", "drop") else Fate.WENT_ON
