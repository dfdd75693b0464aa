"""What is assumed of pending trials: whether each is taken for a good one until its result is known.

Sources: Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize optimization" (constant
liars and the believer), here with the model of TPE: a trial is believed good where good ones are likelier.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.parzen import ParzenEstimator

__all__ = ["LIARS", "Liar", "believed_good", "mean_is_good"]

Liar = Literal["worst", "mean", "best", "believer"]
LIARS: tuple[str, ...] = get_args(Liar)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def mean_is_good(history: History, below: IntArray) -> bool:
    """Whether the mean of all complete, feasible and finite results is as good as one of the trials ``below``."""
    signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in history.directions]
    losses = history.values * signs
    is_result = (history.states == TrialState.COMPLETE) & (history.violations == 0.0)
    results = losses[is_result & np.isfinite(losses).all(axis=1)]
    if not len(results):
        return False
    return bool((results.mean(axis=0) <= losses[below[is_result[below]]]).all(axis=1).any())


def believed_good(good: ParzenEstimator, rest: ParzenEstimator, points: FloatArray) -> BoolArray:
    """Say for points (d, m) whether good trials are more frequent there than others, by what the model knows.

    The estimators are those of the observed trials; with shares ``p`` and ``1 - p`` of them, a point is good with
    probability ``p l / (p l + (1 - p) g)`` (Bergstra et al., 2011, section 4).
    """
    n_good, n_rest = good.mu.shape[1], rest.mu.shape[1]
    is_good: BoolArray = math.log(n_good) + good.log_pdf(points) > math.log(n_rest) + rest.log_pdf(points)
    return is_good
