"""What the figures made by plotly have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

__all__ = ["BLUES", "MANY", "blank", "legend_of", "points", "show_range", "tick_labels"]

#: Above so many points the browser draws by WebGL.
MANY = 1_000
_LONG_NAME = 28
#: The paler end is left off: on white it could not be seen.
BLUES = ["rgb(198,219,239)", "rgb(107,174,214)", "rgb(33,113,181)", "rgb(8,48,107)"]


def blank(title: str, notes: Sequence[str], x: str | None = None, y: str | None = None) -> go.Figure:
    """Return a figure without traces; notes stand below its title."""
    text = {"text": title, "subtitle": {"text": "; ".join(notes)}} if notes else {"text": title}
    figure = go.Figure(layout={"title": text, "template": "plotly_white"})
    if x is not None or y is not None:
        figure.update_layout(xaxis_title=x, yaxis_title=y)
    return figure


def points(n: int, **options: Any) -> Any:
    """Return a trace of points or lines; above ``MANY`` of them drawn by WebGL."""
    return (go.Scattergl if n > MANY else go.Scatter)(**options)


def legend_of(figure: go.Figure) -> None:
    """Put the legend below the plot where its names are so long that they would leave no room beside it."""
    if max((len(trace.name or "") for trace in figure.data), default=0) > _LONG_NAME:
        figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"})


def show_range(figure: go.Figure, ends: tuple[float, float] | None) -> None:
    """Begin with a part of the y axis."""
    if ends is not None:
        figure.update_yaxes(range=list(ends))


def tick_labels(ticks: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Return the layout of an axis with these ticks."""
    return {"tickvals": [place for place, _ in ticks], "ticktext": [text for _, text in ticks]}
