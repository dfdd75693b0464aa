"""What was still to be gained after each trial, as a terminator sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raystudy.frozen import TrialState
from raystudy.study_reading import StudyReader
from raystudy.terminator import (
    BaseErrorEvaluator,
    BaseImprovementEvaluator,
    BestValueStagnationEvaluator,
    CrossValidationErrorEvaluator,
    RegretBoundEvaluator,
    StaticErrorEvaluator,
)
from raystudy.visualization.data.reading import FloatArray, IntArray, evenly, number_of

__all__ = ["Improvements", "improvements"]

#: An evaluator sees the study after so many of its trials: some of them fit a model to all trials each time.
_MOST_TRIALS = 200
#: Room above and below the lines, as a share of the range.
_PADDING = 0.05


@dataclass(frozen=True, slots=True)
class Improvements:
    """The improvement that is still expected.

    Attributes:
        numbers: (n,) numbers of the trials after which it was asked for, from the first complete one on.
        values: (n,) the expected improvement.
        errors: (n,) the error of the values, or None.
        n_early: How many of the trials came before an end was considered, at the least.
        notes: What a reader must know.
    """

    numbers: IntArray
    values: FloatArray
    errors: FloatArray | None
    n_early: int
    notes: tuple[str, ...]

    @property
    def shown_values(self) -> tuple[float, float]:
        """The range to begin with: high improvements of the first trials are left out."""
        later = self.values[self.n_early :]
        lines = [self.values, later if len(later) else self.values]
        if self.errors is not None:
            lines = [np.append(line, self.errors) for line in lines]
        low, high = float(lines[0].min()), float(lines[1].max())
        padding = _PADDING * (high - low)
        return low - padding, high + padding


def improvements(
    study: StudyReader,
    improvement_evaluator: BaseImprovementEvaluator | None,
    error_evaluator: BaseErrorEvaluator | None,
    *,
    plot_error: bool,
    min_n_trials: int,
) -> Improvements:
    """Return what an evaluator expected after each trial.

    Raises:
        ValueError: If the study has several objectives.
    """
    if len(study.directions) > 1:
        raise ValueError(f"terminators need one objective, and the study has {len(study.directions)}")
    improvement = RegretBoundEvaluator() if improvement_evaluator is None else improvement_evaluator
    error = error_evaluator
    if error is None:
        is_count = isinstance(improvement, BestValueStagnationEvaluator)
        error = StaticErrorEvaluator(0.0) if is_count else CrossValidationErrorEvaluator()
    trials = study.get_trials(deepcopy=False)
    is_complete = [trial.state is TrialState.COMPLETE for trial in trials]
    complete = [trial for trial, kept in zip(trials, is_complete, strict=True) if kept]
    if not complete:
        return Improvements(np.empty(0, np.int64), np.empty(0), None, 0, ("no trial is complete",))
    first = is_complete.index(True)
    n_complete = np.cumsum(is_complete)
    asked = first + evenly(len(trials) - first, _MOST_TRIALS)
    direction = study.directions[0]
    # Between two complete trials there is nothing new to be told.
    known = {
        n: (
            improvement.evaluate(complete[:n], direction),
            error.evaluate(complete[:n], direction) if plot_error else 0.0,
        )
        for n in dict.fromkeys(n_complete[asked].tolist())
    }
    table = np.array([known[n] for n in n_complete[asked].tolist()])
    n_all = len(trials) - first
    note = f"asked after {len(asked)} of {number_of(n_all, 'trial')}"
    return Improvements(
        np.array([trials[at].number for at in asked.tolist()], dtype=np.int64),
        table[:, 0],
        table[:, 1] if plot_error else None,
        int(np.searchsorted(asked - first, min_n_trials)),
        (note,) if len(asked) < n_all else (),
    )
