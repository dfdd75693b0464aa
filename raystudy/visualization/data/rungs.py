"""The rungs of a study: who came, who went on, who waited and who was dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raystudy.frozen import StudyDirection
from raystudy.orchestrator.rung_fates import RungEntry, RungFates
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.reading import FloatArray

__all__ = ["CROWDED", "RungColumn", "Rungs", "rungs"]

#: A rung with more values than this is spread sideways, so that they do not hide one another.
CROWDED = 25
#: How far a crowded rung is spread, as a share of the way to the next one on the logarithmic axis.
_SPREAD = 0.35
#: Room at both ends of the logarithmic axis, in powers of ten.
_MARGIN = 0.18
#: Values farther than so many interquartile ranges from the middle half are left to zooming (Tukey).
_FAR = 3.0


@dataclass(frozen=True, slots=True)
class RungColumn:
    """The brackets with the same rungs, put together: rungs from the lowest to the highest."""

    budgets: tuple[int, ...]
    rungs: tuple[tuple[RungEntry, ...], ...]

    def places(self) -> dict[tuple[int, int], float]:
        """Return where each trial is drawn at each rung: its budget, spread where many have it."""
        ratio = self.budgets[1] / self.budgets[0] if len(self.budgets) > 1 else 2.0
        found = {}
        for rung, (budget, entries) in enumerate(zip(self.budgets, self.rungs, strict=True)):
            for entry in entries:
                # Steps of the golden section: neighbours in number are never close.
                share = (entry.number * 0.618034) % 1 - 0.5 if len(entries) > CROWDED else 0.0
                found[entry.number, rung] = budget * ratio ** (_SPREAD * share)
        return found

    @property
    def title(self) -> str:
        """Where its brackets begin, and with how many trials."""
        n = len(self.rungs[0])
        return f"from budget {self.budgets[0]}\n{n} trial{'s' if n != 1 else ''}"

    @property
    def ends(self) -> tuple[float, float]:
        """Powers of ten between which the budgets are drawn."""
        return math.log10(self.budgets[0]) - _MARGIN, math.log10(self.budgets[-1]) + _MARGIN

    def lines(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Return the (x, y) of both ends of each line from rung to rung, where both values are finite or not."""
        places = self.places()
        values = {(e.number, rung): e.value for rung, entries in enumerate(self.rungs) for e in entries}
        return [
            ((place, values[number, rung]), (places[number, rung + 1], values[number, rung + 1]))
            for (number, rung), place in places.items()
            if (number, rung + 1) in places
        ]


@dataclass(frozen=True, slots=True)
class Rungs:
    """What a plot of rungs shows.

    Attributes:
        columns: The brackets, those with the same rungs put together.
        shown_values: The range of values to begin with: without a few that would hide all differences.
        n_beyond: How many values are outside of it.
    """

    columns: tuple[RungColumn, ...]
    shown_values: tuple[float, float]
    n_beyond: int

    @property
    def is_crowded(self) -> bool:
        """Whether some rung has so many values that it is spread sideways."""
        return any(len(entries) > CROWDED for column in self.columns for entries in column.rungs)


def rungs(study: StudyReader) -> Rungs:
    """Return the rungs of a study.

    Raises:
        ValueError: If no trial has reached a rung.
    """
    columns = tuple(_columns(study.rungs()))
    if not columns:
        raise ValueError(
            f"plot_rungs: no trial of the study {study.study_name!r} has reached a rung; its pruner is "
            f"{study.pruner!r}, and HyperbandPruner and SuccessiveHalvingPruner have rungs"
        )
    values = np.array([e.value for column in columns for entries in column.rungs for e in entries])
    shown = _range(values, study.directions[0])
    return Rungs(columns, shown, int(np.sum(~((values >= shown[0]) & (values <= shown[1])))))


def _columns(rungs: Sequence[RungFates]) -> list[RungColumn]:
    brackets: dict[int, list[RungFates]] = {}
    for rung in rungs:
        brackets.setdefault(rung.bracket, []).append(rung)
    alike: dict[tuple[int, ...], list[list[RungFates]]] = {}
    for bracket in brackets.values():
        alike.setdefault(tuple(rung.budget for rung in bracket), []).append(bracket)
    return [
        RungColumn(
            budgets,
            tuple(
                tuple(entry for bracket in group for entry in bracket[rung].entries)
                for rung in range(len(budgets))
            ),
        )
        for budgets, group in sorted(alike.items(), key=lambda item: item[0])
        if any(rung.entries for bracket in group for rung in bracket)
    ]


def _range(values: FloatArray, direction: StudyDirection) -> tuple[float, float]:
    """Return the range to begin with: without a few values that are so bad that they would hide all differences."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = np.quantile(finite, [0.25, 0.75])
    far = _FAR * (high - low)
    kept = (
        finite[finite >= low - far] if direction is StudyDirection.MAXIMIZE else finite[finite <= high + far]
    )
    bottom, top = kept.min(), kept.max()
    margin = 0.05 * (top - bottom) or 0.5
    return float(bottom - margin), float(top + margin)
