"""What was still to be gained after each trial, as a terminator sees it."""

from __future__ import annotations

import plotly.graph_objects as go

from raystudy.study_reading import StudyReader
from raystudy.terminator import BaseErrorEvaluator, BaseImprovementEvaluator
from raystudy.visualization import colours
from raystudy.visualization.data.improvements import improvements
from raystudy.visualization.figures import blank, show_range

__all__ = ["plot_terminator_improvement"]

_NAME = "Terminator Improvement"
_FAINT = 0.25


def plot_terminator_improvement(
    study: StudyReader,
    plot_error: bool = False,
    improvement_evaluator: BaseImprovementEvaluator | None = None,
    error_evaluator: BaseErrorEvaluator | None = None,
    min_n_trials: int = 20,
) -> go.Figure:
    """Plot how much improvement an evaluator still expected after each trial.

    Args:
        study: A study with one objective.
        plot_error: Whether to plot the error of the values, too: a terminator stops where the improvement is below.
        improvement_evaluator: Default: ``RegretBoundEvaluator()``.
        error_evaluator: Default: ``CrossValidationErrorEvaluator()``; for a count of trials without a better one, 0.
        min_n_trials: Before so many trials no end is considered; they are drawn faintly.

    Raises:
        ValueError: If the study has several objectives, or an evaluator cannot tell.
    """
    found = improvements(
        study, improvement_evaluator, error_evaluator, plot_error=plot_error, min_n_trials=min_n_trials
    )
    figure = blank(f"{_NAME} Plot", found.notes, "Trial", _NAME)
    if not len(found.numbers):
        return figure
    n = found.n_early
    has_later = len(found.numbers) > n
    parts = [(slice(None, n + 1), _FAINT, not has_later), (slice(n, None), 1.0, True)]
    for part, opacity, is_named in parts[: 2 if has_later else 1]:
        figure.add_scatter(
            x=found.numbers[part],
            y=found.values[part],
            mode="markers+lines",
            line={"color": colours.VALUES},
            opacity=opacity,
            name=_NAME,
            legendgroup="improvement",
            showlegend=is_named,
        )
    if found.errors is not None:
        colour = {"color": colours.BEST}
        figure.add_scatter(x=found.numbers, y=found.errors, mode="markers+lines", line=colour, name="Error")
    low, high = found.shown_values
    show_range(figure, (low, high) if low < high else None)
    return figure
