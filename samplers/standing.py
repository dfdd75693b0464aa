"""How good trials are that were trained for different budgets: a standing, by which all of them can be ranked.

The standing of a trial is what is expected of it at the highest budget that enough trials have reached, as a normal
score (lower is better): 0 is the median of those trials, -1 a deviation better.  A trial that was stopped or waits
at a lower budget is carried upward, level by level, by the regression of the scores of those that went on; where the
order at a low budget says little about that above, the regression is flat, and a trial that was stopped there stands
behind the better half of those that went on, whatever it had reported.  So a low budget is weak evidence, and the
weaker the less it has proved to say.

A *level* is a budget at which trials were stopped or wait, or the end of a trial.  That only the better trials of a
level go on does not bias the regression, which is on the very value by which they were chosen.

Sources: Falkner et al. (2018), ICML (BOHB: the model of the highest budget with enough points); Blom (1958) for the
scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.roles import Role

__all__ = ["Standings", "levels", "standings"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Trials that make a level worth modelling.
_ENOUGH = 8
#: A regression starts from this slope, which counts as much as ``_PRIOR_WEIGHT`` trials of score 1 or -1.
_PRIOR_SLOPE = 0.5
_PRIOR_WEIGHT = 2.0
#: Steps closer than this factor are one level.
_SAME_LEVEL = 1.5


def levels(steps: FloatArray) -> list[int]:
    """Return the levels among the steps at which trials were stopped or wait, increasing.

    Where trials stop at any step (or at steps near to a rung), those closer than a factor of 1.5 count as one level.
    """
    found: list[int] = []
    for step in np.unique(steps[np.isfinite(steps)]).tolist():
        if not found or step + 1 >= _SAME_LEVEL * (found[-1] + 1):
            found.append(int(step))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """The observed trials of a study, ranked twice; lower is better.

    Attributes:
        numbers: (m,) int64, their numbers, increasing.
        expected: (m,) float64, their standings; positive infinity for a trial that has finished without any value.
        known: (m,) float64, the same for those only that have reached the modelled budget, NaN for the others.
    """

    numbers: IntArray
    expected: FloatArray
    known: FloatArray


def standings(history: History) -> Standings:
    """Return how the observed trials of a single-objective study stand; their values serve if all are complete."""
    rows = np.flatnonzero(history.roles == Role.OBSERVED)
    sign = -1.0 if history.directions[0] is StudyDirection.MAXIMIZE else 1.0
    is_complete = history.states[rows] == TrialState.COMPLETE
    final = np.where(is_complete, sign * history.values[rows, 0], np.nan)
    if is_complete.all():
        return Standings(rows, final, final)  # in the order of their scores, which would cost more
    waiting_at = history.observed_steps[rows][~is_complete]
    columns = [sign * history.values_from(level)[rows] for level in levels(waiting_at)]
    return Standings(rows, *_carried([_scores(column) for column in (*columns, final)]))


def _carried(scores: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return expected and known standings from the scores (m,) by level, lowest first, NaN where there is none."""
    counts = [np.isfinite(column).sum() for column in scores]
    top = next((k for k in reversed(range(len(scores))) if counts[k] >= _ENOUGH), int(np.argmax(counts)))
    standing = scores[top].copy()
    for column in reversed(scores[:top]):
        has = np.isfinite(column)
        went_on, left = has & np.isfinite(standing), has & ~np.isfinite(standing)
        standing[left] = _regression(column[went_on], standing[went_on], column[left])
    for column in scores[top + 1 :]:  # results without reports on the way have nothing but these
        alone = np.isfinite(column) & ~np.isfinite(standing)
        standing[alone] = column[alone]
    standing[np.isnan(standing)] = np.inf
    return standing, scores[top]


def _regression(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """Return what y is expected to be at points, by a ridge regression towards ``_PRIOR_SLOPE``, never falling."""
    x_mean, y_mean = (float(x.mean()), float(y.mean())) if len(x) else (0.0, 0.0)
    gap = x - x_mean
    slope = (gap @ (y - y_mean) + _PRIOR_WEIGHT * _PRIOR_SLOPE) / (gap @ gap + _PRIOR_WEIGHT)
    expected: FloatArray = y_mean + max(0.0, float(slope)) * (at - x_mean)
    return expected


def _scores(values: FloatArray) -> FloatArray:
    """Return the normal scores of the numbers among the values, ties in their order; NaN stays."""
    numbers = np.flatnonzero(~np.isnan(values))
    ranks = np.empty(len(numbers))
    ranks[np.argsort(values[numbers], kind="stable")] = np.arange(len(numbers))
    scores = np.full(len(values), math.nan)
    scores[numbers] = ndtri((ranks + 0.625) / (len(numbers) + 0.25))
    return scores
