"""The value of each trial over each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.ranges import log_ticks
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.data.slices import Slice, slices
from raystudy.visualization.figures import BLUES, blank, points, show_range, tick_labels

__all__ = ["plot_slice"]

_N_WIDE = 3


def plot_slice(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot the values of the complete trials over each parameter; later trials are darker.

    Args:
        study: The study.
        params: The parameters; default: all.
        target: What to plot in place of the value; needed for several objectives.
        target_name: Its name.

    Raises:
        ValueError: If no trial has one of the parameters, or there are several objectives and no target.
    """
    found = slices(study, params, target, target_name)
    figure = blank("Slice Plot", found.notes)
    n = len(found.slices)
    if n > 1:
        layout = figure.layout
        figure = make_subplots(rows=1, cols=n, shared_yaxes=True, horizontal_spacing=0.15 / n)
        figure.update_layout(layout)
    for at, each in enumerate(found.slices, start=1):
        place = {"row": 1, "col": at} if n > 1 else {}
        for trace in _traces(each, with_scale=at == 1):
            figure.add_trace(trace, **place)
        figure.update_xaxes(title_text=each.name, **place)
        if each.labels is not None:
            figure.update_xaxes(type="category", categoryorder="array", categoryarray=each.labels, **place)
        elif each.is_log:
            figure.update_xaxes(type="log", **tick_labels(log_ticks(min(each.x), max(each.x))), **place)
        if at == 1:
            figure.update_yaxes(title_text=target_name, **place)
    show_range(figure, found.shown_values)
    if n > _N_WIDE:
        figure.update_layout(width=300 * n)  # narrower ones could not be read
    return figure


def _traces(each: Slice, *, with_scale: bool) -> list[Any]:
    x, values, numbers = each.some(is_feasible=True)
    size = by_number(len(each.x), 7, 5, 3)
    traces = [
        points(
            len(x),
            x=x,
            y=values,
            mode="markers",
            marker={
                "color": numbers,
                "colorscale": BLUES,
                "size": size,
                "line": {"width": by_number(len(each.x), 0.5, 0, 0), "color": "grey"},
                "showscale": with_scale,
                "colorbar": {"title": "Trial", "x": 1.0, "xpad": 40},
            },
            customdata=numbers,
            hovertemplate="Trial %{customdata}<br>%{x}: %{y}<extra></extra>",
            name="Feasible Trial",
            showlegend=False,
        )
    ]
    x, values, numbers = each.some(is_feasible=False)
    if x:
        traces.append(
            points(
                len(x),
                x=x,
                y=values,
                mode="markers",
                marker={"color": colours.GREY, "size": size},
                customdata=numbers,
                hovertemplate="Trial %{customdata}<br>%{x}: %{y}<extra>infeasible</extra>",
                name="Infeasible Trial",
                showlegend=False,
            )
        )
    return traces
