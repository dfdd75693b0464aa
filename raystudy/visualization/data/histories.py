"""How values and hypervolumes improve with the trials, and how values are distributed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from raystudy.frozen import StudyDirection, TrialState
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.fronts import hypervolumes
from raystudy.visualization.data.ranges import beyond, readable_range
from raystudy.visualization.data.reading import (
    FloatArray,
    IntArray,
    Target,
    check_target,
    feasible,
    number_of,
    signs_of,
    studies_of,
    valued_trials,
    values_of,
)

__all__ = [
    "Distributions",
    "History",
    "Hypervolumes",
    "distributions",
    "histories",
    "hypervolume_history",
    "shown_values",
]

#: At so many values the distribution function is drawn.
_N_STEPS = 100


@dataclass(frozen=True, slots=True)
class History:
    """The values of a study by trial; of several studies together if there are deviations.

    Attributes:
        label: Name of the values.
        numbers: (n,) numbers of the complete, feasible trials.
        values: (n,) their values.
        infeasible_numbers: (m,) numbers of the complete trials that violate a constraint.
        infeasible_values: (m,) their values.
        best_label: Name of the best values.
        best_numbers: (b,) numbers of all trials; empty if it is not known what is better.
        best_values: (b,) the best value of a feasible trial until then, infinite before the first.
        stds: (n,) standard deviations over the studies, or None.
        best_stds: (b,) standard deviations of the best values, or None.
        maximize: Whether large values are better.
    """

    label: str
    numbers: IntArray
    values: FloatArray
    infeasible_numbers: IntArray
    infeasible_values: FloatArray
    best_label: str
    best_numbers: IntArray
    best_values: FloatArray
    stds: FloatArray | None = None
    best_stds: FloatArray | None = None
    maximize: bool = False


def histories(
    study: StudyReader | Iterable[StudyReader], target: Target | None, target_name: str, error_bar: bool
) -> list[History]:
    """Return the history of each study; with ``error_bar`` one of all together.  Empty if no trial is complete."""
    studies = studies_of(study)
    check_target(studies, target, target_name)
    several = len(studies) > 1
    found = [
        _history(
            each,
            target,
            f"{target_name} of {each.study_name}" if several else target_name,
            f"Best Value of {each.study_name}" if several else "Best Value",
        )
        for each in studies
    ]
    if not any(len(each.numbers) + len(each.infeasible_numbers) for each in found):
        return []
    if not error_bar:
        return found
    return [_together(found, target_name)] if any(len(each.numbers) for each in found) else []


def shown_values(found: Sequence[History]) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Return the range of values to begin with, None for all, and what a reader must know."""
    if not found:
        return None, ("no trial is complete",)
    if not all(len(each.best_values) for each in found):
        return None, ()
    values = np.concatenate([np.append(each.values, each.infeasible_values) for each in found])
    shown = readable_range(values, maximize=found[0].maximize)
    n_beyond = int(beyond(values, shown).sum())
    return shown, (f"{number_of(n_beyond, 'value')} outside of the range shown",) if n_beyond else ()


def _history(study: StudyReader, target: Target | None, label: str, best_label: str) -> History:
    trials = study.get_trials(deepcopy=False)
    numbers = np.array([trial.number for trial in trials], dtype=np.int64)
    is_complete = np.array([trial.state is TrialState.COMPLETE for trial in trials], dtype=np.bool_)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    values, is_kept = values_of(complete, target), feasible(complete)
    complete_numbers = numbers[is_complete]
    best_numbers, best = numbers, np.empty(0)
    maximize = study.directions[0] is StudyDirection.MAXIMIZE
    if target is None:
        each = np.full(len(trials), -np.inf if maximize else np.inf)
        each[np.flatnonzero(is_complete)[is_kept]] = values[is_kept]
        best = (np.maximum if maximize else np.minimum).accumulate(each)
    else:
        best_numbers = numbers[:0]  # nobody says which values of a target are better
    return History(
        label,
        complete_numbers[is_kept],
        values[is_kept],
        complete_numbers[~is_kept],
        values[~is_kept],
        best_label,
        best_numbers,
        best,
        maximize=maximize,
    )


def _together(found: Sequence[History], target_name: str) -> History:
    wanted = np.unique(np.concatenate([each.numbers for each in found]))
    values, stds = _mean_and_std([(each.numbers, each.values) for each in found], wanted)
    has_best = any(len(each.best_numbers) for each in found)
    best, best_stds = _mean_and_std([(each.best_numbers, each.best_values) for each in found], wanted)
    nobody: IntArray = np.empty(0, dtype=np.int64)
    return History(
        target_name,
        wanted,
        values,
        nobody,
        np.empty(0),
        "Best Value",
        wanted if has_best else nobody,
        best if has_best else np.empty(0),
        stds,
        best_stds if has_best else None,
        found[0].maximize,
    )


def _mean_and_std(
    parts: Sequence[tuple[IntArray, FloatArray]], wanted: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the deviation of the finite values of each wanted number, NaN where there are none."""
    table = np.full((len(parts), len(wanted)), np.nan)
    for row, (numbers, values) in zip(table, parts, strict=True):
        is_wanted = np.isin(numbers, wanted) & ~np.isinf(values)
        row[np.searchsorted(wanted, numbers[is_wanted])] = values[is_wanted]
    counts = np.sum(~np.isnan(table), axis=0)
    with np.errstate(invalid="ignore"):
        means = np.nansum(table, axis=0) / counts
        return means, np.sqrt(np.nansum((table - means) ** 2, axis=0) / counts)


@dataclass(frozen=True, slots=True)
class Hypervolumes:
    """The hypervolume after each complete trial.

    Attributes:
        numbers: (n,) numbers of the complete trials.
        values: (n,) volume that the feasible ones among them dominate by then.
        notes: What a reader must know.
    """

    numbers: IntArray
    values: FloatArray
    notes: tuple[str, ...]


def hypervolume_history(study: StudyReader, reference_point: Sequence[float]) -> Hypervolumes:
    """Return the hypervolume after each complete trial, up to a reference point.

    Raises:
        ValueError: If the study has one objective, or the reference point another number of them.
    """
    if len(study.directions) == 1:
        raise ValueError(
            "a study with one objective has no hypervolume; plot_optimization_history shows how its value improves"
        )
    if len(reference_point) != len(study.directions):
        raise ValueError(
            f"reference_point needs a number for each of the {len(study.directions)} objectives, "
            f"and has {len(reference_point)}"
        )
    signs = signs_of(study.directions)
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    losses = np.array([trial.values for trial in trials], dtype=np.float64).reshape(len(trials), len(signs))
    counted = feasible(trials)
    values = np.zeros(len(trials))
    gains = hypervolumes(signs * losses[counted], signs * np.asarray(reference_point, dtype=np.float64))
    values[counted] = np.diff(gains, prepend=0.0)
    return Hypervolumes(
        np.array([trial.number for trial in trials], dtype=np.int64),
        np.cumsum(values),
        () if counted.any() else ("no trial is complete and feasible",),
    )


@dataclass(frozen=True, slots=True)
class Distributions:
    """Empirical distribution functions.

    Attributes:
        x: (100,) values, the same for all studies; empty if no trial is complete.
        curves: For each study its name and the share of its values at or below each x, (100,).
        notes: What a reader must know.
    """

    x: FloatArray
    curves: tuple[tuple[str, FloatArray], ...]
    notes: tuple[str, ...]


def distributions(
    study: StudyReader | Iterable[StudyReader], target: Target | None, target_name: str
) -> Distributions:
    """Return how the values of each study are distributed."""
    studies = studies_of(study)
    check_target(studies, target, target_name)
    valued = [(each.study_name, valued_trials(each, target)) for each in studies]
    notes = tuple(f"{name}: {note}" if len(studies) > 1 else note for name, v in valued for note in v.notes)
    counted = [(name, np.sort(found.values)) for name, found in valued if len(found.values)]
    if not counted:
        return Distributions(np.empty(0), (), notes)
    everything = np.concatenate([values for _, values in counted])
    maximize = studies[0].directions[0] is StudyDirection.MAXIMIZE
    ends = None if target is not None else readable_range(everything, maximize=maximize)
    n_beyond = int(beyond(everything, ends).sum())
    notes += (f"{number_of(n_beyond, 'value')} outside of the range shown",) if n_beyond else ()
    low, high = ends or (everything.min(), everything.max())
    x = np.linspace(low, high, _N_STEPS)
    return Distributions(
        x, tuple((n, np.searchsorted(values, x, side="right") / len(values)) for n, values in counted), notes
    )
