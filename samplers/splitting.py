"""Which observed trials TPE takes for the good ones.

Feasible trials come first: those of one objective by their standing (see ``standing``), those of several by
fronts (see ``pareto``).  The others follow by how much they violate their constraints.

Sources: Bergstra et al. (2011), NeurIPS 24 (the best tenth); Ozaki et al. (2022), JAIR 73 (several objectives);
arXiv 2606.09889 (constraints, as Optuna 5 minds them).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from raystudy.frozen import StudyDirection
from raystudy.samplers.history import History
from raystudy.samplers.pareto import best_subset
from raystudy.samplers.roles import Role
from raystudy.samplers.standing import standings

__all__ = ["Gamma", "quarter_of_root", "split_observed"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
#: From the number of observed trials to the number of good ones.
Gamma = Callable[[int], int]

_MAX_BELOW = 25


def best_tenth(n: int) -> int:
    """Return ceil(n / 10), at most 25."""
    return min(math.ceil(0.1 * n), _MAX_BELOW)


def best_fifth(n: int) -> int:
    """Return ceil(n / 5), at most 25: of a branch that few trials have taken, a tenth would be one or two."""
    return min(math.ceil(0.2 * n), _MAX_BELOW)


def best_tenth_of_several(n: int) -> int:
    """Return ceil(n / 10): a front may be long."""
    return math.ceil(0.1 * n)


def quarter_of_root(n: int) -> int:
    """Return ceil(sqrt(n) / 4), at most 25: the rule of Bergstra's hyperopt."""
    return min(math.ceil(0.25 * math.sqrt(n)), _MAX_BELOW)


def split_observed(
    history: History, gamma: Gamma | None = None, among: BoolArray | None = None
) -> list[tuple[IntArray, IntArray]]:
    """Split the observed trials into the best ones and the rest; of one objective, ties go to the older.

    Where trials of one objective have come to different budgets, it is done twice: for all by what is expected of
    them, and for those only that have reached the modelled budget (see ``standing``).  The first is blind to good
    trials that start slowly, since most of the rest were stopped early; the second knows few trials.

    Args:
        history: The history.
        gamma: How many are the best; default: a tenth, for one objective at most 25.
        among: (n,) the trials to split; default: all.

    Returns:
        One or two pairs: the numbers of the best trials (in the second view at least 2), and of the others,
        increasing.
    """
    if len(history.directions) > 1:
        return [_split_by_fronts(history, gamma or best_tenth_of_several, among)]
    gamma = gamma or best_tenth
    found = standings(history)
    is_one = np.ones(len(found.numbers), dtype=bool) if among is None else among[found.numbers]
    numbers, expected, reached = found.numbers[is_one], found.expected[is_one], found.known[is_one]
    is_known, violations = ~np.isnan(reached), history.violations[numbers]
    views = [_split(numbers, _ranked(expected, violations), gamma(len(numbers)), least=1)]
    if not is_known.all():
        known, keys = numbers[is_known], _ranked(reached[is_known], violations[is_known])
        views.append(_split(known, keys, gamma(len(known)), least=2))
    return views


def _split_by_fronts(history: History, gamma: Gamma, among: BoolArray | None) -> tuple[IntArray, IntArray]:
    """Split trials of several objectives: complete ones first, then those without values by their numbers."""
    is_one = history.roles == Role.OBSERVED
    numbers = np.flatnonzero(is_one if among is None else is_one & among)
    violations, values = history.violations[numbers], history.values[numbers]
    n_below, is_complete = gamma(len(numbers)), ~np.isnan(values).any(axis=1)
    front = np.flatnonzero(is_complete & (violations == 0.0))
    signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in history.directions]
    keys = _ranked(np.where(is_complete, 0.0, 1.0), violations)
    keys[front[best_subset(values[front] * signs, n_below)]] = -1.0
    return _split(numbers, keys, n_below, least=1)


def _ranked(standing: FloatArray, violations: FloatArray) -> FloatArray:
    """Return keys by which feasible trials come first, by their standing, then the others by their violation."""
    infeasible = violations > 0.0
    if not infeasible.any():
        return standing
    ranks = np.empty(len(standing))
    order = np.lexsort((np.where(infeasible, violations, standing), infeasible))
    ranks[order] = np.arange(len(standing))
    return ranks


def _split(numbers: IntArray, keys: FloatArray, n_below: int, least: int) -> tuple[IntArray, IntArray]:
    is_best = np.zeros(len(numbers), dtype=bool)
    is_best[_smallest(keys, max(least, n_below))] = True
    return numbers[is_best], numbers[~is_best]


def _smallest(keys: FloatArray, count: int) -> IntArray:
    """Return the positions of the ``count`` smallest keys (all, if there are fewer), ties by position."""
    if count >= len(keys):
        return np.arange(len(keys))
    if count == 0:
        return np.arange(0)
    threshold = np.partition(keys, count - 1)[count - 1]
    smaller = np.flatnonzero(keys < threshold)
    ties = np.flatnonzero(keys == threshold)[: count - len(smaller)]
    return np.concatenate([smaller, ties])
