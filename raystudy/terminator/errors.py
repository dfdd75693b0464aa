"""How exactly the objective is known."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.terminator.base import (
    BaseErrorEvaluator,
    BaseImprovementEvaluator,
    complete_of,
    warn_deprecated,
)
from raystudy.terminator.surrogate import values_of

__all__ = [
    "CrossValidationErrorEvaluator",
    "MedianErrorEvaluator",
    "StaticErrorEvaluator",
    "report_cross_validation_scores",
]

_SCORES = "terminator:cv_scores"


def report_cross_validation_scores(trial: Any, scores: Sequence[float]) -> None:
    """Keep the scores of the folds with a trial, for ``CrossValidationErrorEvaluator``.

    Raises:
        ValueError: If there are fewer than two.
    """
    warn_deprecated("report_cross_validation_scores")
    if len(scores) <= 1:
        raise ValueError(f"expected the scores of at least two folds, got {list(scores)}")
    trial.storage.set_trial_system_attr(trial._trial_id, _SCORES, [float(score) for score in scores])


class CrossValidationErrorEvaluator(BaseErrorEvaluator):
    """The statistical error of a cross-validation, by the scores of the best trial.

    It is the root of (1 / k + 1 / (k - 1)) times the variance of k scores: Nadeau and Bengio (2003), "Inference for
    the Generalization Error", for training sets k - 1 times as large as test sets.
    """

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the error; raise ValueError if no trial is complete, or the best one has told no scores."""
        complete = complete_of(trials)
        best = complete[int(np.argmax(values_of(complete, study_direction)))]
        scores = best.system_attrs.get(_SCORES)
        if scores is None:
            raise ValueError(
                f"trial {best.number}, the best one, has no cross-validation scores; call "
                "report_cross_validation_scores(trial, scores) in the objective"
            )
        k = len(scores)
        return math.sqrt((1.0 / k + 1.0 / (k - 1)) * float(np.var(scores)))


class StaticErrorEvaluator(BaseErrorEvaluator):
    """An error that is known beforehand.

    Args:
        constant: The error.
    """

    def __init__(self, constant: float) -> None:
        self._constant = constant

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:  # noqa: ARG002
        """Return the error."""
        return self._constant


class MedianErrorEvaluator(BaseErrorEvaluator):
    """A small part of the median improvement that was possible after the first trials.

    Args:
        paired_improvement_evaluator: What says how much that was; the terminator's.
        warm_up_trials: Trials before those, >= 0.
        n_initial_trials: Number of those trials, > 0.
        threshold_ratio: Which part of the median, > 0.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        paired_improvement_evaluator: BaseImprovementEvaluator,
        warm_up_trials: int = 10,
        n_initial_trials: int = 20,
        threshold_ratio: float = 0.01,
    ) -> None:
        if warm_up_trials < 0 or n_initial_trials <= 0 or not 0.0 < threshold_ratio < math.inf:
            raise ValueError(
                "MedianErrorEvaluator: need warm_up_trials >= 0, n_initial_trials > 0 and a finite "
                f"threshold_ratio > 0, got {warm_up_trials}, {n_initial_trials} and {threshold_ratio}"
            )
        self._evaluator = paired_improvement_evaluator
        self._warm_up = warm_up_trials
        self._n_initial = n_initial_trials
        self._ratio = threshold_ratio
        self._threshold: float | None = None

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the error, below zero while there are too few trials; the first one found stays."""
        if self._threshold is None:
            complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
            if len(complete) < self._warm_up + self._n_initial:
                return -sys.float_info.min  # less than any improvement
            first = sorted(complete, key=lambda trial: trial.number)[self._warm_up :]
            improvements = sorted(
                self._evaluator.evaluate(first[:count], study_direction)
                for count in range(1, self._n_initial + 1)
            )
            median = improvements[len(improvements) // 2]
            self._threshold = min(sys.float_info.max, median * self._ratio)
        return self._threshold
