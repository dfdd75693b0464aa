"""Which observed trials TPE takes for the good ones.

Feasible trials come first, by their standing (see ``standing``); the others follow by how much they violate their
constraints.

Sources: Bergstra et al. (2011), NeurIPS 24 (the best tenth); arXiv 2606.09889 (constraints, as Optuna 5 minds them).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from raystudy.samplers.history import History
from raystudy.samplers.standing import standings

__all__ = ["Gamma", "split_observed"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: From the number of observed trials to the number of good ones.
Gamma = Callable[[int], int]

_MAX_BELOW = 25


def best_tenth(n: int) -> int:
    """Return ceil(n / 10), at most 25."""
    return min(math.ceil(0.1 * n), _MAX_BELOW)


def split_observed(history: History, gamma: Gamma | None = None) -> list[tuple[IntArray, IntArray]]:
    """Split the observed trials of a single-objective study into the best ones and the rest; ties go to the older.

    Where trials have come to different budgets, it is done twice: for all by what is expected of them, and for
    those only that have reached the modelled budget (see ``standing``).  The first is blind to good trials that
    start slowly, since most of the rest were stopped early; the second knows few trials.

    Args:
        history: The history.
        gamma: How many are the best; default: ``best_tenth``.

    Returns:
        One or two pairs: the numbers of the best trials (in the second view at least 2), and of the others,
        increasing.
    """
    gamma = gamma or best_tenth
    found = standings(history)
    is_known = ~np.isnan(found.known)
    violations = history.violations[found.numbers]
    views = [_split(found.numbers, _ranked(found.expected, violations), gamma(len(found.numbers)), least=1)]
    if not is_known.all():
        known, keys = found.numbers[is_known], _ranked(found.known[is_known], violations[is_known])
        views.append(_split(known, keys, gamma(len(known)), least=2))
    return views


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
