"""What was still to be gained after each trial, as a terminator sees it."""

from __future__ import annotations

from matplotlib.axes import Axes

from raystudy.study_reading import StudyReader
from raystudy.terminator import BaseErrorEvaluator, BaseImprovementEvaluator
from raystudy.visualization import colours
from raystudy.visualization.data.improvements import improvements
from raystudy.visualization.matplotlib.canvas import canvas, legend, limit

__all__ = ["plot_terminator_improvement"]

_NAME = "Terminator Improvement"
_FAINT = 0.25


def plot_terminator_improvement(
    study: StudyReader,
    plot_error: bool = False,
    improvement_evaluator: BaseImprovementEvaluator | None = None,
    error_evaluator: BaseErrorEvaluator | None = None,
    min_n_trials: int = 20,
) -> Axes:
    """Plot how much improvement an evaluator still expected after each trial.

    Args and errors as for ``raystudy.visualization.plot_terminator_improvement``.
    """
    found = improvements(
        study, improvement_evaluator, error_evaluator, plot_error=plot_error, min_n_trials=min_n_trials
    )
    axes: Axes = canvas(f"{_NAME} Plot", found.notes, "Trial", _NAME)
    if not len(found.numbers):
        return axes
    n = found.n_early
    has_later = len(found.numbers) > n
    early = None if has_later else _NAME
    axes.plot(
        found.numbers[: n + 1],
        found.values[: n + 1],
        marker=".",
        color=colours.VALUES,
        alpha=_FAINT,
        label=early,
    )
    if has_later:
        axes.plot(found.numbers[n:], found.values[n:], marker=".", color=colours.VALUES, label=_NAME)
    if found.errors is not None:
        axes.plot(found.numbers, found.errors, marker=".", color=colours.BEST, label="Error")
    low, high = found.shown_values
    limit(axes, (low, high) if low < high else None)
    legend(axes)
    return axes
