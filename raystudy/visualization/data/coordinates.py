"""Each trial as a line over its values and parameters: the dimensions of the parallel coordinate plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.pareto import dominance_ranks
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.ranges import beyond, readable_range
from raystudy.visualization.data.reading import (
    BoolArray,
    Column,
    FloatArray,
    IntArray,
    Target,
    check_target,
    columns,
    evenly,
    number_of,
    signs_of,
    valued_trials,
)

__all__ = ["MISSING", "Coordinates", "Dimension", "coordinates"]

#: The tick of the trials that do not have a parameter.
MISSING = "None"
_LONGEST_LABEL = 20
#: The share of an axis below its least value, at the end of which the missing values are.
_SHARE_OF_MISSING = 0.12
_N_TICKS = 5
#: Of larger studies so many lines are drawn, with so many of the best: more would be a single dark area.
_MOST_LINES, _N_BEST = 1_000, 100


@dataclass(frozen=True, slots=True)
class Dimension:
    """One axis.

    Attributes:
        label: Its name, cut short.
        values: (n,) the place of each trial: logarithms of base 10 on a logarithmic axis, positions of choices.
        range: The ends of the axis.
        is_log: Whether the places are logarithms.
        is_categorical: Whether the places are positions of choices.
        ticks: Places of the ticks.
        texts: What stands at the ticks.
        has_missing: Whether some trials do not have the parameter: then they are at the lowest tick.
    """

    label: str
    values: FloatArray
    range: tuple[float, float]
    is_log: bool
    is_categorical: bool
    ticks: tuple[float, ...]
    texts: tuple[str, ...]
    has_missing: bool

    def normalized(self, places: Any) -> FloatArray:
        """Return places as shares of the axis, from 0 to 1; 0.5 where all are the same."""
        low, high = self.range
        places = np.asarray(places, dtype=np.float64)
        return np.full(len(places), 0.5) if low == high else (places - low) / (high - low)

    def apart(self, distance: float) -> list[tuple[float, str]]:
        """Return ticks, from 0 to 1 along the axis, but for those nearer to the one before than a distance."""
        kept: list[tuple[float, str]] = []
        for place, text in zip(self.normalized(self.ticks).tolist(), self.texts, strict=True):
            if not kept or place - kept[-1][0] >= distance:
                kept.append((place, text))
        return kept

    def shown(self) -> list[str]:
        """Return the value of each trial as text."""
        known = dict(zip(self.ticks, self.texts, strict=True))
        places = np.power(10.0, self.values) if self.is_log else self.values
        return [
            known.get(at) or f"{place:.3g}"
            for at, place in zip(self.values.tolist(), places.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """What a parallel coordinate plot shows: n trials by number.

    Attributes:
        numbers: (n,) numbers of the trials.
        objectives: The axes of the values, at least one.
        params: The axes of the parameters, by name.
        colours: (n,) what colours the lines: the value, or the Pareto rank if there are several objectives.
        is_rank: Whether it is the rank.
        dark_is_low: Whether small colour values are good ones.
        colour_title: Name of the colours.
        feasible: (n,) whether a trial has constraints and meets them; None if no trial has any.
        notes: What a reader must know.
    """

    numbers: IntArray
    objectives: tuple[Dimension, ...]
    params: tuple[Dimension, ...]
    colours: FloatArray
    is_rank: bool
    dark_is_low: bool
    colour_title: str
    feasible: BoolArray | None
    notes: tuple[str, ...]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """All axes from left to right; none if there is nothing to show."""
        return self.objectives + self.params if len(self.numbers) and self.params else ()

    @property
    def colour_range(self) -> tuple[float, float]:
        """The least and the greatest colour value, or around the only one."""
        low, high = float(self.colours.min()), float(self.colours.max())
        return (low - 0.5, high + 0.5) if self.is_rank or low == high else (low, high)

    @property
    def darkness(self) -> FloatArray:
        """How dark each line is, (n,) from 0 to 1: the better, the darker."""
        low, high = self.colour_range
        share = (self.colours - low) / (high - low)
        return 1.0 - share if self.dark_is_low else share


def coordinates(
    study: StudyReader, params: Sequence[str] | None, target: Target | None, target_name: str
) -> Coordinates:
    """Return the dimensions of a study's complete trials with finite values.

    Raises:
        ValueError: If no trial has one of the parameters.
    """
    if target is None and len(study.directions) > 1:
        trials, table, colours, n_without = _several_objectives(study)
        names = study.metric_names or [f"Objective {at}" for at in range(table.shape[1])]
        notes: tuple[str, ...] = () if trials else ("no trial is complete with finite values",)
        notes += (f"{number_of(n_without, 'trial')} without finite values left out",) if n_without else ()
        title, dark_is_low = "Pareto Rank", True
    else:
        check_target([study], target, target_name)
        valued = valued_trials(study, target)
        trials, notes, colours, title = valued.trials, valued.notes, valued.values, target_name
        dark_is_low = target is not None or study.directions[0] is not StudyDirection.MAXIMIZE
        near = None if target is not None else readable_range(valued.values, maximize=not dark_is_low)
        kept = np.flatnonzero(~beyond(valued.values, near))
        if len(kept) < len(trials):
            notes += (f"{number_of(len(trials) - len(kept), 'trial')} with far values left out",)
        trials, colours = tuple(trials[at] for at in kept.tolist()), colours[kept]
        table, names = colours[:, None], [target_name]
    drawn, thinned = _drawn(colours if dark_is_low else -colours)
    trials, colours, table = tuple(trials[at] for at in drawn.tolist()), colours[drawn], table[drawn]
    return Coordinates(
        np.array([trial.number for trial in trials], dtype=np.int64),
        tuple(_plain(name, table[:, at]) for at, name in enumerate(names)),
        tuple(_dimension(column, trials) for column in columns(trials, params)),
        colours,
        is_rank=title == "Pareto Rank" and len(study.directions) > 1,
        dark_is_low=dark_is_low,
        colour_title=title,
        feasible=_feasible(trials),
        notes=notes + thinned,
    )


def _several_objectives(
    study: StudyReader,
) -> tuple[tuple[FrozenTrial, ...], FloatArray, FloatArray, int]:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials = tuple(trial for trial in complete if all(map(math.isfinite, trial.values or ())))
    values = np.array([trial.values for trial in trials], dtype=np.float64)
    values = values.reshape(len(trials), len(study.directions))
    ranks = dominance_ranks(values * signs_of(study.directions)).astype(np.float64)
    return trials, values, ranks, len(complete) - len(trials)


def _drawn(losses: FloatArray) -> tuple[IntArray, tuple[str, ...]]:
    """Return the trials that are drawn: of many the best, and others evenly over the ranks of their losses."""
    if len(losses) <= _MOST_LINES:
        return np.arange(len(losses)), ()
    order = np.argsort(losses, kind="stable")
    best, rest = order[:_N_BEST], order[_N_BEST:]
    drawn = np.sort(np.append(best, rest[evenly(len(rest), _MOST_LINES - _N_BEST)]))
    note = f"{len(drawn):,} of {number_of(len(losses), 'trial')} drawn: the {_N_BEST} best, and others evenly"
    return drawn, (note,)


def _feasible(trials: Sequence[FrozenTrial]) -> BoolArray | None:
    found = [trial.constraints for trial in trials]
    if not any(found):
        return None
    return np.array([bool(each) and all(x <= 0.0 for x in each.values()) for each in found], dtype=np.bool_)


def _plain(label: str, values: FloatArray) -> Dimension:
    ends = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    ticks = _spaced(*ends)
    return Dimension(label, values, ends, False, False, ticks, tuple(f"{x:.3g}" for x in ticks), False)


def _dimension(column: Column, trials: Sequence[FrozenTrial]) -> Dimension:
    if column.is_log:
        found = _logarithmic(column)
    elif column.is_categorical:
        found = _categorical(column, trials)
    else:
        values = np.array(column.values, dtype=np.float64)
        present = values[column.present]
        found = _with_missing(column, values, _spaced(present.min(), present.max()))
    label = column.name
    return replace(found, label=label if len(label) < _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 3]}...")


def _logarithmic(column: Column) -> Dimension:
    values = np.log10(np.array(column.values, dtype=np.float64))
    low, high = values[column.present].min(), values[column.present].max()
    ticks = [float(each) for each in range(math.ceil(low), math.floor(high) + 1)]
    ticks = sorted({float(low), *ticks, float(high)})
    return _with_missing(column, values, tuple(ticks), is_log=True)


def _with_missing(
    column: Column, values: FloatArray, ticks: tuple[float, ...], *, is_log: bool = False
) -> Dimension:
    present = values[column.present]
    low, high = float(present.min()), float(present.max())
    texts = tuple(f"{10**tick if is_log else tick:.3g}" for tick in ticks)
    has_missing = not column.present.all()
    if has_missing:
        below = (high - low) * _SHARE_OF_MISSING / (1.0 - _SHARE_OF_MISSING)
        low -= below if high > low else 1.0
        values = np.where(column.present, values, low)
        ticks, texts = (low, *ticks), (MISSING, *texts)
    return Dimension(column.name, values, (low, high), is_log, False, ticks, texts, has_missing)


def _categorical(column: Column, trials: Sequence[FrozenTrial]) -> Dimension:
    """Numbers are in their order; other choices in that in which the trials have them."""
    present = [value for value, has in zip(column.values, column.present.tolist(), strict=True) if has]
    vocabulary = list(dict.fromkeys(sorted(present) if column.is_numerical else present))  # type: ignore[type-var]
    places = {value: at for at, value in enumerate(vocabulary)}
    texts = tuple(str(value) for value in vocabulary)
    has_missing = len(present) < len(trials)
    if has_missing:
        texts = (MISSING, *(f"{text} (value)" if text == MISSING else text for text in texts))
    found = [
        places[value] + has_missing if has else 0
        for value, has in zip(column.values, column.present.tolist(), strict=True)
    ]
    ticks = tuple(float(each) for each in range(len(texts)))
    ends = float(min(found)), float(max(found))
    return Dimension(column.name, np.array(found, float), ends, False, True, ticks, texts, has_missing)


def _spaced(low: float, high: float) -> tuple[float, ...]:
    return (float(low),) if low == high else tuple(np.linspace(low, high, _N_TICKS).tolist())
