"""Pareto fronts, and the hypervolume as points come one after the other.

Notation: ``n`` points, ``k`` objectives; *losses* are (n, k), lower is better.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers.pareto import dominance_ranks, hypervolume
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.reading import BoolArray, FloatArray, feasible, signs_of

__all__ = ["Front", "Group", "front", "hypervolumes"]

_PLANE, _SPACE = 2, 3
#: Points in a block.
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Group:
    """Some trials of a front plot with their (n, 2) or (n, 3) targets."""

    trials: tuple[FrozenTrial, ...]
    targets: FloatArray


@dataclass(frozen=True, slots=True)
class Front:
    """What a plot of the Pareto front shows.

    Attributes:
        names: Names of the two or three axes.
        best: The feasible trials that no other dominates.
        dominated: The other feasible ones; empty if they are not to be shown.
        infeasible: Those that violate a constraint.
        has_constraints: Whether there are constraints at all.
        shows_dominated: Whether dominated trials are to be shown.
        notes: What a reader must know.
    """

    names: tuple[str, ...]
    best: Group
    dominated: Group
    infeasible: Group
    has_constraints: bool
    shows_dominated: bool
    notes: tuple[str, ...]


def front(
    study: StudyReader,
    target_names: Sequence[str] | None,
    include_dominated_trials: bool,
    constraints_func: Callable[[FrozenTrial], Sequence[float]] | None,
    targets: Callable[[FrozenTrial], Sequence[float]] | None,
) -> Front:
    """Return the complete trials of a study by whether they are on its Pareto front.

    Raises:
        ValueError: If not two or three numbers are to be plotted, or the names are not as many.
    """
    n_objectives = len(study.directions)
    if targets is None and n_objectives not in (_PLANE, _SPACE):
        raise ValueError(
            f"plot_pareto_front shows two or three objectives, and the study has {n_objectives}: choose by "
            "targets=lambda trial: trial.values[:2]"
        )
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    is_kept, has_constraints = _feasible(trials, constraints_func)
    ranks = np.full(len(trials), -1)
    if is_kept.any():
        values = np.array([trial.values for trial, kept in zip(trials, is_kept, strict=True) if kept])
        ranks[is_kept] = dominance_ranks(values * signs_of(study.directions), enough=1)
    best = _group(trials, ranks == 0, targets)
    dominated = _group(trials, (ranks > 0) & include_dominated_trials, targets)
    infeasible = _group(trials, ~is_kept, targets)
    names = _axis_names(
        study, target_names, _n_targets(best, infeasible, target_names, targets, n_objectives)
    )
    return Front(
        names,
        best,
        dominated,
        infeasible,
        has_constraints,
        include_dominated_trials,
        () if best.trials else (f"no trial is complete{' and feasible' if has_constraints else ''}",),
    )


def _feasible(
    trials: Sequence[FrozenTrial], constraints_func: Callable[[FrozenTrial], Sequence[float]] | None
) -> tuple[Any, bool]:
    if constraints_func is None:
        return feasible(trials), any(trial.system_attrs and trial.constraints for trial in trials)
    kept = [all(each <= 0.0 for each in constraints_func(trial)) for trial in trials]
    return np.array(kept, dtype=np.bool_), bool(trials)


def _group(trials: Sequence[FrozenTrial], chosen: Any, targets: Callable[[FrozenTrial], Any] | None) -> Group:
    members = tuple(trials[at] for at in np.flatnonzero(chosen).tolist())
    found = [trial.values if targets is None else targets(trial) for trial in members]
    for each in found:
        if not isinstance(each, Sequence):
            raise ValueError(
                f"targets must return a sequence of numbers, and returned a {type(each).__name__}"
            )
    return Group(members, np.array([list(each or ()) for each in found], dtype=np.float64))


def _n_targets(
    best: Group,
    infeasible: Group,
    target_names: Sequence[str] | None,
    targets: Callable[[FrozenTrial], Sequence[float]] | None,
    n_objectives: int,
) -> int:
    for group in (best, infeasible):
        if group.trials:
            n = int(group.targets.shape[1])
            break
    else:
        if target_names is None and targets is not None:
            raise ValueError(
                "no trial is complete, so that targets cannot be counted: give target_names, too"
            )
        n = n_objectives if target_names is None else len(target_names)
    if n not in (_PLANE, _SPACE):
        raise ValueError(f"plot_pareto_front shows two or three targets, not {n}")
    return n


def _axis_names(study: StudyReader, target_names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    if target_names is None:
        return tuple(study.metric_names or [f"Objective {at}" for at in range(n)])
    if len(target_names) != n:
        raise ValueError(f"target_names needs {n} names, and has {len(target_names)}")
    return tuple(target_names)


def hypervolumes(losses: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the hypervolume of the first 1, 2, ..., n points, (n,), up to a reference point (k,)."""
    gains = np.zeros(len(losses))
    candidates = np.flatnonzero((losses <= reference).all(axis=1))
    if losses.shape[1] == _PLANE:
        gains[candidates] = _gains_in_plane(losses[candidates], reference)
    else:
        gains[candidates] = _gains(losses[candidates], reference)
    return np.cumsum(gains)


def _gains_in_plane(losses: FloatArray, reference: FloatArray) -> list[float]:
    """Return what each point adds to the volume of those before it; the front is a staircase, sorted by x."""
    xs: list[float] = []
    ys: list[float] = []
    limit_x, limit_y = reference.tolist()
    found = []
    for x, y in losses.tolist():
        at = bisect_left(xs, x)
        upper = ys[at - 1] if at else limit_y
        if (upper <= y and at) or (at < len(xs) and xs[at] == x and ys[at] <= y):
            found.append(0.0)
            continue
        gain, left, stop = 0.0, x, at
        while stop < len(xs) and ys[stop] >= y:  # the new point dominates these
            gain += (xs[stop] - left) * (upper - y)
            left, upper = xs[stop], ys[stop]
            stop += 1
        right = xs[stop] if stop < len(xs) else limit_x
        found.append(gain + (right - left) * (upper - y))
        xs[at:stop], ys[at:stop] = [x], [y]
    return found


def _gains(losses: FloatArray, reference: FloatArray) -> FloatArray:
    """Return what each point adds to the volume of those before it."""
    gains = np.zeros(len(losses))
    kept = np.empty((0, losses.shape[1]))
    for begin in range(0, len(losses), _AT_ONCE):
        points = losses[begin : begin + _AT_ONCE]
        # Most points are dominated by those of earlier blocks, which are compared with all of a block at once.
        for at in np.flatnonzero(~_dominated(kept, points)).tolist():
            point = points[at]
            if (kept <= point).all(axis=1).any():
                continue
            shared = hypervolume(np.maximum(kept, point), reference) if len(kept) else 0.0
            gains[begin + at] = np.prod(reference - point) - shared
            kept = np.concatenate([kept[(kept < point).any(axis=1)], point[None]])
    return gains


def _dominated(kept: FloatArray, points: FloatArray) -> BoolArray:
    """Say which points are nowhere better than one of others, (n,)."""
    # One objective after the other: to reduce over a short last axis takes several times as long.
    is_lower: BoolArray = np.ones((len(kept), len(points)), dtype=np.bool_)
    for theirs, ours in zip(kept.T, points.T, strict=True):
        np.logical_and(is_lower, theirs[:, None] <= ours, out=is_lower)
    found: BoolArray = np.any(is_lower, axis=0)
    return found
