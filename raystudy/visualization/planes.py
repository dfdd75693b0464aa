"""Pairs of parameters as planes: contours of the values, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.planes import Axis, Planes, Ranks, contours, ranks
from raystudy.visualization.data.ranges import log_ticks
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.data.surfaces import surface
from raystudy.visualization.figures import BLUES, blank, points, tick_labels

__all__ = ["plot_contour", "plot_rank"]

_RANKS = "RdYlBu_r"
#: More parameters than these get a size of their own: smaller planes could not be read.
_N_SMALL = 4
_N_LEVELS = 12


def plot_contour(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot the value over pairs of parameters as contours; better values are darker.

    Args:
        study: The study.
        params: The parameters, at least two; default: all.
        target: What to plot in place of the value; needed for several objectives.
        target_name: Its name.

    Raises:
        ValueError: If no trial has one of the parameters, or there are several objectives and no target.
    """
    planes = contours(study, params, target, target_name)
    has_scale = False

    def traces(x: Axis, y: Axis) -> list[Any]:
        nonlocal has_scale
        found = None if x is y else surface(planes, x, y)
        if found is None:
            return [go.Scatter()] if x is y else [go.Contour(), go.Scatter()]
        contour = go.Contour(
            x=found.x,
            y=found.y,
            z=found.z,
            colorbar={"title": target_name},
            colorscale=BLUES,
            connectgaps=True,
            contours={"coloring": "heatmap"},
            hoverinfo="none",
            line={"smoothing": 1.3, "width": 0.5},
            reversescale=planes.dark_is_low,
            showscale=not has_scale,
        )
        contour.update(_levels(planes))
        has_scale = True
        return [contour, *_points(planes, x, y)]

    if len(planes.axes) <= 1:
        return blank("Contour Plot", planes.notes)
    return _figure("Contour Plot", planes, traces)


def _levels(planes: Planes) -> dict[str, Any]:
    """Return levels for values of which a few are so bad that they would hide all differences."""
    if planes.near is None:
        return {}
    low, high = planes.near
    levels = {"start": low, "end": high, "size": (high - low) / _N_LEVELS, "coloring": "heatmap"}
    return {"zmin": low, "zmax": high, "zauto": False, "autocontour": False, "contours": levels}


def _points(planes: Planes, x: Axis, y: Axis) -> list[Any]:
    present = ~(np.isnan(x.places) | np.isnan(y.places))
    drawn = []
    n = len(planes.shown)
    for name, colour, wanted in (("Feasible Trial", "black", True), ("Infeasible Trial", "#cccccc", False)):
        rows = [at for at in planes.shown.tolist() if present[at] and planes.feasible[at] == wanted]
        drawn.append(
            points(
                n,
                x=[x.values[at] for at in rows],
                y=[y.values[at] for at in rows],
                mode="markers",
                marker={
                    "color": colour,
                    "size": by_number(n, 5, 3, 2),
                    "line": {"width": 0.5, "color": "grey"},
                },
                opacity=by_number(n, 1.0, 0.5, 0.4),
                name=name,
                showlegend=False,
            )
        )
    return drawn


def plot_rank(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot the complete trials over pairs of parameters, coloured by the ranks of their values.

    Args:
        study: The study.
        params: The parameters, in the order of the plot; default: all.
        target: What to plot in place of the value; needed for several objectives.
        target_name: Its name.

    Raises:
        ValueError: If no trial has one of the parameters, or there are several objectives and no target.
    """
    found = ranks(study, params, target, target_name)
    planes, title = found.planes, f"Rank ({target_name})"
    if not planes.axes:
        return blank(title, planes.notes)
    figure = _figure(title, planes, lambda x, y: _ranked(found, x, y, target_name))
    figure.update_traces(cliponaxis=False, selector={"type": "scatter"})
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker={
            "colorscale": _RANKS,
            "showscale": True,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"thickness": 10, "tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": found.ticks},
        },
        hoverinfo="none",
        showlegend=False,
    )
    return figure


def _ranked(found: Ranks, x: Axis, y: Axis, target_name: str) -> list[Any]:
    planes = found.planes
    present = ~(np.isnan(x.places) | np.isnan(y.places))
    n = len(planes.shown)
    drawn = []
    for is_feasible in (False, True):  # feasible ones are drawn on top
        rows = [at for at in planes.shown.tolist() if present[at] and planes.feasible[at] == is_feasible]
        if not rows:
            continue
        drawn.append(
            points(
                n,
                x=[x.values[at] for at in rows],
                y=[y.values[at] for at in rows],
                mode="markers",
                marker={
                    "color": found.shares[rows] if is_feasible else colours.GREY,
                    "colorscale": _RANKS,
                    "cmin": 0,
                    "cmax": 1,
                    "size": by_number(n, 6, 4, 3),
                    "line": {"width": by_number(n, 0.5, 0, 0), "color": "grey"},
                },
                hovertext=[_rank_text(found, at, target_name) for at in rows],
                hovertemplate="%{hovertext}<extra></extra>",
                name="Feasible Trial" if is_feasible else "Infeasible Trial",
                showlegend=False,
            )
        )
    return drawn


def _rank_text(found: Ranks, at: int, target_name: str) -> str:
    trial = found.trials[at]
    lines = [f"Trial #{trial.number}", *(f"{name}: {value}" for name, value in trial.params.items())]
    lines.append(f"<b>{target_name}: {found.planes.values[at]}</b>")
    if found.has_target:
        lines += [f"Objective #{i}: {value}" for i, value in enumerate(trial.values or ())]
    return "<br>".join(lines)


def _figure(title: str, planes: Planes, traces: Callable[[Axis, Axis], list[Any]]) -> go.Figure:
    """Return a figure with the traces of each plane."""
    pairs, n = planes.pairs(), len(planes.axes)
    figure = blank(title, planes.notes)
    if len(pairs) > 1:
        layout = figure.layout
        gap = 0.08 / n
        figure = make_subplots(
            n, n, shared_xaxes=True, shared_yaxes=True, horizontal_spacing=gap, vertical_spacing=gap
        )
        figure.update_layout(layout)
        if n > _N_SMALL:
            figure.update_layout(width=180 * n + 200, height=170 * n + 120)
    for row, line in enumerate(pairs, start=1):
        for column, (x, y) in enumerate(line, start=1):
            place = {"row": row, "col": column} if len(pairs) > 1 else {}
            for trace in traces(x, y):
                figure.add_trace(trace, **place)
            figure.update_xaxes(**_axis_layout(x, titled=row == len(pairs)), **place)
            figure.update_yaxes(**_axis_layout(y, titled=column == 1), **place)
    return figure


def _axis_layout(axis: Axis, *, titled: bool) -> dict[str, Any]:
    layout: dict[str, Any] = {"range": list(axis.range), "showgrid": False}
    if axis.labels is not None:
        layout |= {"type": "category", "categoryorder": "array", "categoryarray": axis.labels}
    elif axis.is_log:
        ends = [math.log10(end) for end in axis.range]
        layout |= {"type": "log", "range": ends, **tick_labels(log_ticks(*axis.range))}
    return layout | ({"title_text": axis.name} if titled else {})
