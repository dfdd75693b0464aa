"""What trials have reported, as curves over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.ranges import beyond, readable_range
from raystudy.visualization.data.reading import (
    INFEASIBLE,
    FloatArray,
    IntArray,
    evenly,
    feasible,
    number_of,
)

__all__ = ["Curve", "Curves", "by_kind", "curves"]

#: So many curves are drawn one by one, as many together, of larger studies the best of them and a selection.
_MOST_SINGLE, _MOST_CURVES, _N_BEST = 100, 600, 100


@dataclass(frozen=True, slots=True)
class Curve:
    """The reports of one trial, by step."""

    number: int
    steps: IntArray
    values: FloatArray
    state: TrialState
    is_feasible: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves that are drawn, by number of their trials.

    Attributes:
        curves: The curves.
        are_single: Whether they are few enough to be told apart.
        shown_values: Lower and upper end of the values to begin with, None for all of them.
        notes: What a reader must know.
    """

    curves: tuple[Curve, ...]
    are_single: bool
    shown_values: tuple[float, float] | None
    notes: tuple[str, ...]


def curves(study: StudyReader) -> Curves:
    """Return what the trials of a study have reported, but for those that failed."""
    states = (TrialState.PRUNED, TrialState.COMPLETE, TrialState.RUNNING)
    trials = [trial for trial in study.get_trials(deepcopy=False, states=states) if trial.intermediate_values]
    if not trials:
        return Curves((), True, None, ("no trial has reported a value",))
    chosen, notes = _selected(trials, study.directions[0])
    found = [_curve(trial, bool(kept)) for trial, kept in zip(chosen, feasible(chosen), strict=True)]
    values = np.concatenate([each.values for each in found])
    shown = readable_range(values, maximize=study.directions[0] is StudyDirection.MAXIMIZE)
    n_beyond = int(beyond(values, shown).sum())
    notes += (f"{number_of(n_beyond, 'value')} outside of the range shown",) if n_beyond else ()
    return Curves(tuple(found), len(trials) <= _MOST_SINGLE, shown, notes)


def _selected(
    trials: list[FrozenTrial], direction: StudyDirection
) -> tuple[list[FrozenTrial], tuple[str, ...]]:
    """Return the trials to draw: of many, those whose last values are best, and others evenly over the numbers."""
    if len(trials) <= _MOST_CURVES:
        return trials, ()
    sign = -1.0 if direction is StudyDirection.MAXIMIZE else 1.0
    # Trials of equal length compete: the last values of short ones are no achievement.
    lengths = np.array([trial.last_step or 0 for trial in trials])
    last = sign * np.array([trial.intermediate_values[trial.last_step or 0] for trial in trials])
    best = np.lexsort((np.nan_to_num(last, nan=np.inf), -lengths))[:_N_BEST]
    rest = np.setdiff1d(np.arange(len(trials)), best)
    chosen = np.sort(np.concatenate([best, rest[evenly(len(rest), _MOST_CURVES - _N_BEST)]]))
    note = (
        f"{len(chosen):,} of {number_of(len(trials), 'trial')} drawn: the {_N_BEST} best, and others evenly"
    )
    return [trials[at] for at in chosen.tolist()], (note,)


def _curve(trial: FrozenTrial, is_feasible: bool) -> Curve:
    reports = sorted(trial.intermediate_values.items())
    return Curve(
        trial.number,
        np.array([step for step, _ in reports], dtype=np.int64),
        np.array([value for _, value in reports], dtype=np.float64),
        trial.state,
        is_feasible,
    )


def by_kind(found: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """Return the curves by what became of their trials; those that are drawn on top come last."""
    order = (TrialState.PRUNED.name, INFEASIBLE, TrialState.RUNNING.name, TrialState.COMPLETE.name)
    members: dict[str, list[Curve]] = {kind: [] for kind in order}
    for each in found:
        members[each.state.name if each.is_feasible else INFEASIBLE].append(each)
    return [(kind, those) for kind, those in members.items() if those]
