"""Where CMA-ES starts: the unit scale of its space, and the first distribution, as given or learned from another study.

Notation: ``d`` parameters, in the order of the space.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from cmaes import get_warm_start_mgd

from raystudy.distributions import (
    Distribution,
    ParamValue,
    distribution_to_json,
    json_to_distribution,
)
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers.cma_state import CmaStart
from raystudy.samplers.scales import NumericDistribution, UnitScale

__all__ = ["plain_trials", "scale_of", "start_of"]

FloatArray = npt.NDArray[np.float64]
Space = Mapping[str, NumericDistribution]

#: Without anything to go by: the middle, a sixth of the unit interval wide (Optuna's choice).
_MIDDLE, _SIGMA = 0.5, 1 / 6
#: The best tenth of the source trials is learned from (Nomura et al., 2021, section 4), so this many are needed.
_FEWEST_SOURCES = 10


def scale_of(space: Space, margin: bool) -> UnitScale:
    """Return the unit scale of a space; with a margin, the ends of a linear grid are the ends of the interval."""
    scale = UnitScale.of(list(space.values()))
    if not margin:
        return scale
    on_grid = _on_grid(scale)
    return replace(
        scale,
        origin=np.where(on_grid, scale.low, scale.origin),
        width=np.where(on_grid, scale.high - scale.low, scale.width),
    )


def start_of(
    space: Space,
    scale: UnitScale,
    *,
    x0: Mapping[str, ParamValue] | None,
    sigma0: float | None,
    sources: Sequence[Mapping[str, Any]] | None,
    maximize: bool,
) -> CmaStart:
    """Return the first distribution.

    Args:
        space: The parameters.
        scale: Their scale, from ``scale_of``.
        x0: External values of its mean; None: the middle.
        sigma0: Its step size on the unit scale; None: 1/6.
        sources: Trials of a similar study, from ``plain_trials``, in place of x0 and sigma0.
        maximize: Whether high values of these trials are good.

    Raises:
        ValueError: If x0 lacks a parameter or lies outside of the domain, or too few source trials fit the space.
    """
    steps = np.where(_on_grid(scale), scale.step / scale.width, 0.0)[:, 0]
    if sources is not None:
        return CmaStart(*_learned(space, scale, sources, -1.0 if maximize else 1.0), steps)
    mean = np.full(len(space), _MIDDLE) if x0 is None else _mean(space, scale, x0)
    return CmaStart(mean, _SIGMA if sigma0 is None else sigma0, None, steps)


def plain_trials(
    trials: Sequence[FrozenTrial | Mapping[str, Any]], consider_pruned: bool
) -> tuple[dict[str, Any], ...]:
    """Return what CMA-ES uses of source trials as plain JSON values; what is plain already stays.

    Returns:
        One entry for all the trials with the same distributions: these, by name as JSON texts, and a row for each
        trial, its value followed by its internal values in the order of the names.
    """
    groups: dict[tuple[tuple[str, str], ...], list[list[float]]] = {}
    plain = [dict(trial) for trial in trials if isinstance(trial, Mapping)]
    for trial in trials:
        value = None if isinstance(trial, Mapping) else _value_of(trial, consider_pruned)
        if value is None or isinstance(trial, Mapping):
            continue
        space = dict(sorted(trial.distributions.items()))
        texts = tuple((name, distribution_to_json(distribution)) for name, distribution in space.items())
        internals = [
            distribution.to_internal_repr(trial.params[name]) for name, distribution in space.items()
        ]
        # JSON knows no infinities.
        finite = max(-sys.float_info.max, min(sys.float_info.max, value))
        groups.setdefault(texts, []).append([finite, *internals])
    made = [{"distributions": dict(texts), "rows": rows} for texts, rows in groups.items()]
    return (*plain, *made)


def _value_of(trial: FrozenTrial, consider_pruned: bool) -> float | None:
    value = None
    if trial.state is TrialState.COMPLETE:
        value = trial.value
    elif trial.state is TrialState.PRUNED and consider_pruned and trial.last_step is not None:
        value = trial.intermediate_values[trial.last_step]
    return None if value is None or math.isnan(value) else value


def _learned(
    space: Space, scale: UnitScale, sources: Sequence[Mapping[str, Any]], sign: float
) -> tuple[FloatArray, float, FloatArray]:
    solutions = []
    for source in sources:
        theirs: dict[str, Distribution] = {
            name: json_to_distribution(text) for name, text in source["distributions"].items()
        }
        if set(theirs) != set(space):
            continue
        columns = [1 + list(theirs).index(name) for name in space]
        rows = np.array(source["rows"], dtype=np.float64)
        points = scale.to_unit(rows[:, columns].T).T
        inside = ((points >= 0.0) & (points <= 1.0)).all(axis=1)
        solutions += list(zip(points[inside], (sign * rows[inside, 0]).tolist(), strict=True))
    if len(solutions) < _FEWEST_SOURCES:
        raise ValueError(
            f"CmaEsSampler: expected at least {_FEWEST_SOURCES} source_trials with a value and exactly the parameters "
            f"{sorted(space)} inside of their domains, got {len(solutions)}; give more of them, or none"
        )
    mean, sigma, cov = get_warm_start_mgd(solutions)
    return mean, float(sigma), cov


def _mean(space: Space, scale: UnitScale, x0: Mapping[str, ParamValue]) -> FloatArray:
    missing = [name for name in space if name not in x0]
    if missing:
        raise ValueError(f"CmaEsSampler: x0 needs a value for each of {list(space)}, got none for {missing}")
    internals = [[distribution.to_internal_repr(x0[name])] for name, distribution in space.items()]
    mean = scale.to_unit(np.array(internals))[:, 0]
    for name, at in zip(space, mean.tolist(), strict=True):
        if not 0.0 <= at <= 1.0:
            raise ValueError(f"CmaEsSampler: x0[{name!r}]={x0[name]!r} lies outside of {space[name]}")
    return mean


def _on_grid(scale: UnitScale) -> npt.NDArray[np.bool_]:
    """Return which parameters have a grid on a linear scale, (d, 1)."""
    return (scale.step > 0) & ~scale.log[:, None]
