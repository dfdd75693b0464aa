"""Each trial as a line over its values and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from raystudy.study_reading import StudyReader
from raystudy.visualization.data.coordinates import Coordinates, coordinates
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, IntArray, Target, by_number
from raystudy.visualization.figures import BLUES, blank, points

__all__ = ["plot_parallel_coordinate"]

#: So many shades are told apart; the lines of one are a single trace.
_N_SHADES = 24
#: More axes than these get a width of their own: texts beside narrow ones would overlap.
_N_NARROW, _WIDTH = 8, 110


def plot_parallel_coordinate(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot each complete trial as a line over its values and parameters; better ones are darker and on top.

    Where a trial does not have a parameter its line leads to the tick "None".  If there are constraints, the lines of
    trials that do not meet them, or have none, are dotted.

    Args:
        study: The study; with several objectives all values are shown, and lines are coloured by their Pareto rank.
        params: The parameters; default: all.
        target: What to plot in place of the values.
        target_name: Its name.

    Raises:
        ValueError: If no trial has one of the parameters.
    """
    found = coordinates(study, params, target, target_name)
    figure = blank("Parallel Coordinate Plot", found.notes)
    if not found.dimensions:
        return figure
    for trace in _lines(found):
        figure.add_trace(trace)
    if found.feasible is not None:
        for name, dash in (("Feasible", "solid"), ("Infeasible", "dot")):
            style = {"color": BLUES[-1], "dash": dash, "width": 2}
            figure.add_scatter(x=[None], y=[None], mode="lines", line=style, name=name, hoverinfo="skip")
    figure.add_trace(_colour_bar(found))
    _lay_out(figure, found)
    return figure


def _lines(found: Coordinates) -> list[Any]:
    shades = np.minimum((found.darkness * _N_SHADES).astype(np.int64), _N_SHADES - 1)
    is_solid = np.ones(len(shades), dtype=np.bool_) if found.feasible is None else found.feasible
    table = _Table(found)
    traces = []
    for shade in np.unique(shades):  # the darkest are drawn last
        for solid in (False, True):
            rows = np.flatnonzero((shades == shade) & (is_solid == solid))
            if len(rows):
                traces.append(table.trace(rows, (shade + 0.5) / _N_SHADES, "solid" if solid else "dot"))
    return traces


class _Table:
    """All lines, from which traces take theirs."""

    def __init__(self, found: Coordinates) -> None:
        dimensions = found.dimensions
        gap = np.full(len(found.numbers), np.nan)
        self._found = found
        self._x = np.array([*range(len(dimensions)), np.nan])
        self._y = np.column_stack([*(each.normalized(each.values) for each in dimensions), gap])
        labels = [[f"{each.label}: {text}" for text in each.shown()] for each in dimensions]
        self._texts = np.array([*labels, [""] * len(gap)], dtype=object).T
        n = len(gap)
        self._opacity = by_number(n, 0.7, 0.5, 0.35)

    def trace(self, rows: IntArray, darkness: float, dash: str) -> Any:
        """Return the lines of some trials, with gaps between them: thousands of traces would be slow."""
        numbers = np.repeat(self._found.numbers[rows], len(self._x))
        return points(
            len(self._found.numbers),
            x=np.tile(self._x, len(rows)),
            y=self._y[rows].ravel(),
            text=self._texts[rows].ravel(),
            customdata=numbers,
            mode="lines",
            line={"color": sample_colorscale(BLUES, [darkness])[0], "dash": dash, "width": 1.2},
            opacity=self._opacity,
            showlegend=False,
            hovertemplate="Trial %{customdata}<br>%{text}<extra></extra>",
        )


def _colour_bar(found: Coordinates) -> go.Scatter:
    low, high = found.colour_range
    bar: dict[str, Any] = {"title": found.colour_title}
    if found.is_rank:
        bar["tickvals"] = np.unique(np.linspace(0, found.colours.max(), 11).round()).tolist()
    return go.Scatter(
        x=[None, None],
        y=[None, None],
        mode="markers",
        marker={
            "color": [low, high],
            "cmin": low,
            "cmax": high,
            "colorscale": BLUES,
            "reversescale": found.dark_is_low,
            "showscale": True,
            "colorbar": bar,
        },
        showlegend=False,
        hoverinfo="skip",
    )


def _lay_out(figure: go.Figure, found: Coordinates) -> None:
    dimensions = found.dimensions
    at = list(range(len(dimensions)))
    figure.update_layout(
        xaxis={
            "tickvals": at,
            "ticktext": [dimension.label for dimension in dimensions],
            "range": [-0.4, len(dimensions) - 0.8],
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"range": [-0.08, 1.08], "visible": False, "fixedrange": True},
        shapes=[_axis_line(each) for each in at],
        annotations=[note for each in at for note in _ticks(found, each)],
        hovermode="closest",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        width=None if len(at) <= _N_NARROW else _WIDTH * len(at),
    )


def _axis_line(at: int) -> dict[str, Any]:
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": {"color": "#888", "width": 1}}


def _ticks(found: Coordinates, at: int) -> list[dict[str, Any]]:
    dimension = found.dimensions[at]
    return [
        {
            "x": at,
            "y": place,
            "text": text,
            "showarrow": False,
            "xanchor": "right",
            "xshift": -4,
            "font": {"size": 10, "color": "#333"},
            "bgcolor": "rgba(255,255,255,0.7)",
        }
        for place, text in dimension.apart(0.035)
    ]
