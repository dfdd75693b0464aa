"""The rungs of a study in one picture: who came, who went on, who waited and who was dropped."""

from __future__ import annotations

import math
from collections.abc import Iterator

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from raystudy.orchestrator.rung_fates import Fate
from raystudy.study_reading import StudyReader
from raystudy.visualization.colours import FATES
from raystudy.visualization.data.rungs import RungColumn, Rungs, rungs

__all__ = ["plot_rungs"]


def plot_rungs(study: StudyReader) -> go.Figure:
    """Plot the values at each rung of each bracket, and how many trials went on from it.

    Brackets with the same rungs are put together.  Above, each point is a trial's value at a rung and a line leads
    to its value at the next one; below, the trials of each rung are counted by what became of them.

    Args:
        study: A study whose pruner has rungs (Hyperband or successive halving).

    Raises:
        ValueError: If no trial has reached a rung.
    """
    found = rungs(study)
    columns = found.columns
    figure = make_subplots(
        rows=2,
        cols=len(columns),
        row_heights=[0.7, 0.3],
        column_widths=[len(column.budgets) + 1 for column in columns],
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=0.11,
        subplot_titles=[column.title.replace("\n", "<br>") for column in columns],
    )
    size = 5 if found.is_crowded else 8
    for position, column in enumerate(columns, start=1):
        for trace in [_lines(column), *_points(column, size)]:
            figure.add_trace(trace, row=1, col=position)
        for trace in [*_counts(column), _totals(column)]:
            figure.add_trace(trace, row=2, col=position)
        ends = list(column.ends)
        figure.update_xaxes(
            type="log", range=ends, tickvals=column.budgets, ticktext=column.budgets, row=1, col=position
        )
        figure.update_xaxes(type="category", title_text="budget", row=2, col=position)
    _name_each_colour_once(figure)
    _lay_out(figure, study.study_name, found)
    return figure


def _lines(column: RungColumn) -> go.Scatter:
    """One trace for all lines of a bracket, with gaps: a thousand traces would be slow."""
    x: list[float | None] = []
    y: list[float | None] = []
    for (left, before), (right, after) in column.lines():
        x += [left, right, None]
        y += [_finite(before), _finite(after), None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": FATES[Fate.PROMOTED], "width": 1},
        opacity=max(0.25, min(0.7, 40 / (len(x) + 1))),
        hoverinfo="skip",
        showlegend=False,
    )


def _points(column: RungColumn, size: int) -> Iterator[go.Scatter]:
    places = column.places()
    for fate, colour in FATES.items():
        found = [(rung, e) for rung, entries in enumerate(column.rungs) for e in entries if e.fate is fate]
        yield go.Scatter(
            x=[places[entry.number, rung] for rung, entry in found],
            y=[_finite(entry.value) for _, entry in found],
            customdata=[(entry.number, column.budgets[rung]) for rung, entry in found],
            mode="markers",
            marker={"color": colour, "size": size, "line": {"width": 0.5, "color": "white"}},
            name=fate.value,
            legendgroup=fate.value,
            showlegend=False,
            hovertemplate=(
                f"trial %{{customdata[0]}}: %{{y}}<br>budget %{{customdata[1]}}: {fate.value}<extra></extra>"
            ),
        )


def _counts(column: RungColumn) -> Iterator[go.Bar]:
    budgets = [str(budget) for budget in column.budgets]
    for fate, colour in FATES.items():
        counts = [sum(entry.fate is fate for entry in entries) for entries in column.rungs]
        waited = [sum(entry.fate is fate and entry.waited for entry in entries) for entries in column.rungs]
        yield go.Bar(
            x=budgets,
            y=counts,
            customdata=waited,
            text=[count or "" for count in counts],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            marker={"color": colour},
            name=fate.value,
            legendgroup=fate.value,
            showlegend=False,
            hovertemplate=f"budget %{{x}}: %{{y}} {fate.value}, %{{customdata}} of them waited<extra></extra>",
        )


def _totals(column: RungColumn) -> go.Scatter:
    n_waited = [sum(entry.waited for entry in entries) for entries in column.rungs]
    return go.Scatter(
        x=[str(budget) for budget in column.budgets],
        y=[len(entries) for entries in column.rungs],
        text=[
            f"{len(entries)}<br>({n})" if n else str(len(entries))
            for entries, n in zip(column.rungs, n_waited, strict=True)
        ],
        mode="text",
        textposition="top center",
        textfont={"size": 10},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _name_each_colour_once(figure: go.Figure) -> None:
    named: set[str] = set()
    for trace in figure.data:
        if isinstance(trace, go.Scatter) and trace.name and trace.name not in named and len(trace.x):
            named.add(trace.name)
            trace.showlegend = True


def _lay_out(figure: go.Figure, study_name: str, found: Rungs) -> None:
    beyond = f"<br>({found.n_beyond} outside of this range)" if found.n_beyond else ""
    n_most = max(len(entries) for column in found.columns for entries in column.rungs)
    figure.update_yaxes(range=list(found.shown_values), row=1)
    figure.update_yaxes(title_text=f"value{beyond}", row=1, col=1)
    figure.update_yaxes(range=[0, 1.35 * n_most], row=2)
    figure.update_yaxes(title_text="trials<br>(that waited)", row=2, col=1)
    figure.update_layout(
        title=f"Rungs of {study_name}",
        barmode="stack",
        template="plotly_white",
        legend={"orientation": "h", "y": -0.14, "itemsizing": "constant"},
        uniformtext={"minsize": 8, "mode": "hide"},
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
