"""How values and hypervolumes improve with the trials, and how values are distributed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data import histories as data
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.figures import blank, legend_of, points, show_range

__all__ = ["plot_edf", "plot_hypervolume_history", "plot_optimization_history"]

#: Markers of more trials would hide the line.
_FEW = 200


def plot_optimization_history(
    study: StudyReader | Iterable[StudyReader],
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
    error_bar: bool = False,
) -> go.Figure:
    """Plot the value of each complete trial, and the best until then.

    Args:
        study: A study, or several to be compared.
        target: What to plot in place of the value; needed for several objectives.  Then no best value is shown.
        target_name: Its name.
        error_bar: Whether to plot the mean and the standard deviation over several studies.

    Raises:
        ValueError: If a study has several objectives and there is no target.
    """
    found = data.histories(study, target, target_name, error_bar)
    shown, notes = data.shown_values(found)
    figure = blank("Optimization History Plot", notes, "Trial", target_name)
    for at, history in enumerate(found):
        dots = colours.PALETTE[2 * at % len(colours.PALETTE)]
        line = colours.PALETTE[(2 * at + 1) % len(colours.PALETTE)]
        _add_history(figure, history, dots, line)
    show_range(figure, shown)
    legend_of(figure)
    return figure


def _add_history(figure: go.Figure, history: data.History, dots: str, line: str) -> None:
    n = len(history.numbers)
    size = by_number(n, 6, 4, 3)
    stds = None if history.stds is None else {"type": "data", "array": history.stds, "visible": True}
    figure.add_trace(
        points(
            n,
            x=history.numbers,
            y=history.values,
            error_y=stds,
            mode="markers",
            marker={"color": dots, "size": size},
            opacity=by_number(n, 1.0, 0.6, 0.6),
            name=history.label,
        )
    )
    if len(history.best_numbers):
        best = {"x": history.best_numbers, "mode": "lines"}
        figure.add_trace(
            points(n, **best, y=history.best_values, line={"color": line}, name=history.best_label)
        )
        if history.best_stds is not None:
            upper, lower = (history.best_values + sign * history.best_stds for sign in (1, -1))
            figure.add_scatter(**best, y=upper, line={"width": 0.01, "color": line}, showlegend=False)
            figure.add_scatter(
                x=history.best_numbers,
                y=lower,
                mode="none",
                fill="tonexty",
                fillcolor="rgba(213,94,0,0.2)",
                showlegend=False,
            )
    figure.add_trace(
        points(
            n,
            x=history.infeasible_numbers,
            y=history.infeasible_values,
            mode="markers",
            marker={"color": colours.GREY, "size": size},
            name="Infeasible Trial",
            showlegend=len(history.infeasible_numbers) > 0,
        )
    )


def plot_hypervolume_history(study: StudyReader, reference_point: Sequence[float]) -> go.Figure:
    """Plot the hypervolume of the feasible trials after each complete trial.

    Args:
        study: A study with several objectives.
        reference_point: The point up to which volume counts, a number for each objective.

    Raises:
        ValueError: If the study has one objective, or the reference point another number of them.
    """
    found = data.hypervolume_history(study, reference_point)
    figure = blank("Hypervolume History Plot", found.notes, "Trial", "Hypervolume")
    n = len(found.numbers)
    mode = "lines+markers" if n <= _FEW else "lines"
    figure.add_trace(points(n, x=found.numbers, y=found.values, mode=mode, line={"color": colours.VALUES}))
    return figure


def plot_edf(
    study: StudyReader | Iterable[StudyReader],
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot the empirical distribution function of the values: the share of the complete trials at or below each.

    Args:
        study: A study, or several to be compared.
        target: What to plot in place of the value; needed for several objectives.
        target_name: Its name.

    Raises:
        ValueError: If a study has several objectives and there is no target.
    """
    found = data.distributions(study, target, target_name)
    title = "Empirical Distribution Function Plot"
    figure = blank(title, found.notes, target_name, "Cumulative Probability")
    for at, (name, shares) in enumerate(found.curves):
        colour = colours.PALETTE[at % len(colours.PALETTE)]
        figure.add_scatter(x=found.x, y=shares, name=name, mode="lines", line={"color": colour})
    if found.curves:
        figure.update_yaxes(range=[0, 1])
    legend_of(figure)
    return figure
