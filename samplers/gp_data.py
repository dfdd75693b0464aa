"""What a Gaussian process learns from: a study's trials as points, losses, constraints and failures.

Trials that were stopped at other budgets count by their standing (``standing``); with several objectives only trials
with values count.  The cost of a proposal grows with the cube of the number of trials, which is therefore bounded.

Notation: ``d`` parameters, ``n`` modelled trials, ``k`` objectives.  Points are internal values, (d, n).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.failures import Survival
from raystudy.samplers.history import History, Role
from raystudy.samplers.pareto import best_subset
from raystudy.samplers.standing import standings

__all__ = ["Trials"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Trials that are modelled, and failed ones beside them.
_MOST_TRIALS = 300
_MOST_FAILED = 150
#: The newest trials, of which the failing share is taken.
_RECENT = 20


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """The trials of one study, in one space."""

    points: FloatArray  #: (d, n)
    losses: FloatArray  #: (n, k), lower is better; infinite ones are the worst, or the best.
    is_feasible: BoolArray  #: (n,) whether all constraints are met.
    constraints: list[FloatArray]  #: (n,) each, met where it is at most 0, NaN where it was not set.
    pending: FloatArray  #: (d, p)
    failed: FloatArray  #: (d, q), none if the parameters do not tell who fails.
    taken: FloatArray  #: (d, t) points that were tried or are being tried.
    failing: float  #: The share of the newest trials that have failed.
    chance: float  #: That of survival where it is greatest.

    @classmethod
    def of(cls, space: Mapping[str, Distribution], history: History, *, with_failed: bool) -> Trials:
        """Return the trials of a history that have all parameters of a space.

        Args:
            space: The space, rows of the points are in its order.
            history: The history.
            with_failed: Whether failed trials count.
        """
        columns: FloatArray = np.stack([history.column(name) for name in space])
        is_usable: BoolArray = np.logical_not(np.isnan(columns).any(axis=0))
        is_pending = is_usable & (history.roles == Role.PENDING)
        is_failed = is_usable & (history.states == TrialState.FAIL) & with_failed
        survival = Survival.of(space, history) if is_failed.any() else None
        is_observed = is_usable & (history.roles == Role.OBSERVED)
        numbers, losses = _losses(history, is_usable)
        is_chosen = _most_telling(losses, history.violations[numbers])
        numbers, losses = numbers[is_chosen], losses[is_chosen]
        return cls(
            points=columns[:, numbers],
            losses=losses,
            is_feasible=history.violations[numbers] == 0.0,
            constraints=_constraints(history, numbers),
            pending=columns[:, is_pending],
            failed=columns[:, np.flatnonzero(is_failed & (survival is not None))[-_MOST_FAILED:]],
            taken=columns[:, is_pending | is_failed | is_observed],
            failing=float(is_failed[np.flatnonzero(is_failed | is_observed)[-_RECENT:]].sum()) / _RECENT,
            chance=1.0 if survival is None else math.exp(survival.log_chance(columns[:, numbers]).max()),
        )


def _losses(history: History, is_usable: BoolArray) -> tuple[IntArray, FloatArray]:
    """Return the numbers of the usable trials that have a loss, and their losses (n, k)."""
    if len(history.directions) == 1:
        found = standings(history)
        has = is_usable[found.numbers]
        return found.numbers[has], found.expected[has, None]
    signs = np.array([-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in history.directions])
    has = is_usable & (history.roles == Role.OBSERVED) & ~np.isnan(history.values).any(axis=1)
    return np.flatnonzero(has), history.values[has] * signs


def _constraints(history: History, numbers: IntArray) -> list[FloatArray]:
    """Return the values of the constraints that any of the trials has; of several that are alike, one."""
    columns = list(history.constraints.values()) or [history.violations]
    found = {values.tobytes(): values for column in columns if not np.isnan(values := column[numbers]).all()}
    return [values for values in found.values() if (values > 0.0).any() or (values < 0.0).any()]


def _most_telling(losses: FloatArray, violations: FloatArray) -> BoolArray:
    """Choose all trials, or if they are too many the better half of ``_MOST_TRIALS`` and the newest of the others."""
    is_chosen = np.full(len(losses), len(losses) <= _MOST_TRIALS)
    if is_chosen.all():
        return is_chosen
    half, order = _MOST_TRIALS // 2, np.argsort(violations, kind="stable")
    feasible = order[: int((violations == 0.0).sum())]
    # By their ranks: infinite losses would have no volume beside each other.
    ranks = np.argsort(np.argsort(losses[feasible], axis=0, kind="stable"), axis=0).astype(np.float64)
    best = np.concatenate([feasible[best_subset(ranks, half)], order[len(feasible) :]])
    is_chosen[best[:half]] = True
    is_chosen[np.flatnonzero(~is_chosen)[-half:]] = True
    return is_chosen
