"""What forests learn from: trials as rows, parameters as columns of the unit interval.

A numeric parameter is one column, its domain mapped to [0, 1] on a linear scale (on a log scale, too: trees do not
mind, and variances are those over the domain as Optuna measures it).  A categorical is one column for each choice, 1 in
that of the choice and 0 in the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.importance.base import Target
from raystudy.importance.observed import Observed, checked_names, observe
from raystudy.study_reading import StudyReader

__all__ = ["Sample", "encoded", "read_sample"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """The trials that have all of the parameters, and finite targets, by number."""

    space: dict[str, Distribution]  #: By name, sorted.
    internals: FloatArray  #: (n, len(space))
    targets: FloatArray  #: (n,)


def read_sample(study: StudyReader, params: list[str] | None, target: Target | None) -> Sample:
    """Read what a forest is fitted to.

    Args:
        study: The study.
        params: The parameters; default: those that all COMPLETE trials have with one and the same distribution.
        target: What is to be explained.

    Raises:
        TypeError: If ``params`` is no list of names.
        ValueError: If there are several objectives and no target, if no COMPLETE trial has all of ``params``, or if
            those that do have them with various distributions.
    """
    if target is None and len(study.directions) > 1:
        raise ValueError(
            f"expected a target, because the study has {len(study.directions)} objectives: give one of them, such as "
            "target=lambda trial: trial.values[0]"
        )
    names = checked_names(params)
    observed = observe(study, target)
    space = _shared(observed) if names is None else _asked(observed, names)
    has_all = observed.is_usable
    for name in space:
        has_all &= _has(observed, name)
    internals = np.full((len(observed.targets), len(space)), np.nan)
    for column, name in enumerate(space):
        for _, trials, values in observed.values_of(name):
            internals[trials, column] = values
    return Sample(space, internals[has_all], observed.targets[has_all, 0])


def encoded(space: Mapping[str, Distribution], internals: FloatArray) -> tuple[FloatArray, list[IntArray]]:
    """Return the features (n, d) of internal values (n, len(space)), and which columns belong to each parameter."""
    columns: list[FloatArray] = []
    groups: list[IntArray] = []
    for values, distribution in zip(internals.T, space.values(), strict=True):
        first = len(columns)
        if isinstance(distribution, CategoricalDistribution):
            columns += [(values == choice).astype(np.float64) for choice in range(len(distribution.choices))]
        else:
            low, high = float(distribution.low), float(distribution.high)
            columns.append((values - low) / ((high - low) or 1.0))
        groups.append(np.arange(first, len(columns)))
    return np.column_stack(columns), groups


def _has(observed: Observed, name: str) -> BoolArray:
    has = np.zeros(len(observed.targets), dtype=bool)
    for _, trials, _ in observed.values_of(name):
        has[trials] = True
    return has


def _shared(observed: Observed) -> dict[str, Distribution]:
    n = len(observed.targets)
    counts = np.diff(observed.ends)
    return {name: each for (name, each), count in zip(observed.space, counts, strict=True) if count == n}


def _asked(observed: Observed, names: list[str]) -> dict[str, Distribution]:
    has_all = np.ones(len(observed.targets), dtype=bool)
    for name in names:
        has_all &= _has(observed, name)
    if names and not has_all.any():
        raise ValueError(f"params: no COMPLETE trial has all of {names}; there are {observed.names}")
    space = {}
    for name in sorted(names):
        met = [each for each, trials, _ in observed.values_of(name) if has_all[trials].any()]
        if len(met) > 1:
            raise ValueError(
                f"params: expected one distribution of {name!r}, got {len(met)} (a dynamic search space): {met}; "
                "leave it out, or use PedAnovaImportanceEvaluator"
            )
        space[name] = met[0]
    return space
