"""Functions of users that choose who lives on, or make children, in place of a genetic sampler's own.

They get trials as Optuna's do, made from the history: with number, parameters, values and, if it violates its
constraints, one constraint, ``violation``, that is the sum of those above zero; without attributes and reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.constraints import constraints_to_attrs
from raystudy.distributions import Distribution
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.nsgaii.operators import GeneticStudy

__all__ = ["ChildStrategy", "EliteStrategy", "child_by", "elites_by"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: From the study and all who compete to those who live on.
EliteStrategy = Callable[[GeneticStudy, list[FrozenTrial]], list[FrozenTrial]]
#: From the study, the parameters that all trials share and the elites to values of these parameters.
ChildStrategy = Callable[[GeneticStudy, dict[str, Distribution], list[FrozenTrial]], dict[str, Any]]


def elites_by(strategy: EliteStrategy, study: GeneticStudy, history: History, numbers: IntArray) -> IntArray:
    """Return the positions, among these trials, of those that a user's function chooses, increasing.

    Raises:
        ValueError: If it chooses nobody, or a trial that was not offered.
    """
    chosen = [trial.number for trial in strategy(study, _trials(history, numbers))]
    positions = np.flatnonzero(np.isin(numbers, chosen))
    if not chosen or len(positions) < len(set(chosen)):
        raise ValueError(
            "elite_population_selection_strategy: expected some of the trials that it was given, "
            f"{numbers.tolist()}, got {chosen}"
        )
    return positions


def child_by(
    strategy: ChildStrategy,
    study: GeneticStudy,
    space: Mapping[str, Distribution],
    history: History,
    numbers: IntArray,
) -> FloatArray:
    """Return the child (d,) that a user's function makes, as internal values; NaN where it gives none in the domain."""
    shared = {name: each for name, each in history.joint_space().items() if not each.single()}
    params = strategy(study, shared, _trials(history, numbers))
    child = np.full(len(space), np.nan)
    for at, (name, distribution) in enumerate(space.items()):
        if name in params:
            internal = distribution.to_internal_repr(params[name])
            child[at] = internal if distribution.contains(internal) else np.nan
    return child


def _trials(history: History, numbers: Iterable[int]) -> list[FrozenTrial]:
    return [_trial(history, int(number)) for number in numbers]


def _trial(history: History, number: int) -> FrozenTrial:
    space, violation = dict(history.space(number)), float(history.violations[number])
    params = {
        name: each.to_external_repr(float(history.column(name)[number])) for name, each in space.items()
    }
    return FrozenTrial(
        number,
        TrialState.COMPLETE,
        values=history.values[number].tolist(),
        params=params,
        distributions=space,
        system_attrs=constraints_to_attrs({"violation": violation} if violation > 0.0 else {}),
    )
