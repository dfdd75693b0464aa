"""The rungs of a study in one picture: who came, who went on, who waited and who was dropped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from raystudy.frozen import StudyDirection
from raystudy.orchestrator.rung_fates import Fate, RungEntry, RungFates
from raystudy.study import Study

__all__ = ["plot_rungs"]

#: Okabe and Ito's colours, which people with any colour vision can tell apart.
_COLOURS = {
    Fate.ENDED: "#b0b0b0",
    Fate.WAITS: "#e69f00",
    Fate.WENT_ON: "#56b4e9",
    Fate.PROMOTED: "#0072b2",
    Fate.COMPLETE: "#009e73",
}
#: A rung with more values than this is spread sideways, so that they do not hide one another.
_CROWDED = 25
#: How far a crowded rung is spread, as a share of the way to the next one on the logarithmic axis.
_SPREAD = 0.35
#: Room at both ends of the logarithmic axis, in powers of ten.
_MARGIN = 0.18
#: Values farther than so many interquartile ranges from the middle half are left to zooming (Tukey).
_FAR = 3.0


@dataclass(frozen=True, slots=True)
class _Column:
    """The brackets with the same rungs, put together: rungs from the lowest to the highest."""

    budgets: tuple[int, ...]
    rungs: tuple[tuple[RungEntry, ...], ...]

    def places(self) -> dict[tuple[int, int], float]:
        """Return where each trial is drawn at each rung: its budget, spread where many have it."""
        ratio = self.budgets[1] / self.budgets[0] if len(self.budgets) > 1 else 2.0
        found = {}
        for rung, (budget, entries) in enumerate(zip(self.budgets, self.rungs, strict=True)):
            for entry in entries:
                # Steps of the golden section: neighbours in number are never close.
                share = (entry.number * 0.618034) % 1 - 0.5 if len(entries) > _CROWDED else 0.0
                found[entry.number, rung] = budget * ratio ** (_SPREAD * share)
        return found


def plot_rungs(study: Study) -> go.Figure:
    """Plot the values at each rung of each bracket, and how many trials went on from it.

    Brackets with the same rungs are put together.  Above, each point is a trial's value at a rung and a line leads
    to its value at the next one; below, the trials of each rung are counted by what became of them.

    Args:
        study: A study whose pruner has rungs (Hyperband or successive halving).

    Raises:
        ValueError: If no trial has reached a rung.
    """
    columns = _columns(study.rungs())
    if not columns:
        raise ValueError(
            f"plot_rungs: no trial of the study {study.study_name!r} has reached a rung; its pruner is "
            f"{study.pruner!r}, and HyperbandPruner and SuccessiveHalvingPruner have rungs"
        )
    figure = make_subplots(
        rows=2,
        cols=len(columns),
        row_heights=[0.7, 0.3],
        column_widths=[len(column.budgets) + 1 for column in columns],
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=0.11,
        subplot_titles=[_title(column) for column in columns],
    )
    size = 5 if any(len(entries) > _CROWDED for column in columns for entries in column.rungs) else 8
    for position, column in enumerate(columns, start=1):
        for trace in [_lines(column), *_points(column, size)]:
            figure.add_trace(trace, row=1, col=position)
        for trace in [*_counts(column), _totals(column)]:
            figure.add_trace(trace, row=2, col=position)
        ends = [math.log10(column.budgets[0]) - _MARGIN, math.log10(column.budgets[-1]) + _MARGIN]
        figure.update_xaxes(
            type="log", range=ends, tickvals=column.budgets, ticktext=column.budgets, row=1, col=position
        )
        figure.update_xaxes(type="category", title_text="budget", row=2, col=position)
    _name_each_colour_once(figure)
    _lay_out(figure, study, columns)
    return figure


def _columns(rungs: Sequence[RungFates]) -> list[_Column]:
    brackets: dict[int, list[RungFates]] = {}
    for rung in rungs:
        brackets.setdefault(rung.bracket, []).append(rung)
    alike: dict[tuple[int, ...], list[list[RungFates]]] = {}
    for bracket in brackets.values():
        alike.setdefault(tuple(rung.budget for rung in bracket), []).append(bracket)
    return [
        _Column(
            budgets,
            tuple(
                tuple(entry for bracket in group for entry in bracket[rung].entries)
                for rung in range(len(budgets))
            ),
        )
        for budgets, group in sorted(alike.items(), key=lambda item: item[0])
        if any(rung.entries for bracket in group for rung in bracket)
    ]


def _title(column: _Column) -> str:
    n = len(column.rungs[0])
    return f"from budget {column.budgets[0]}<br>{n} trial{'s' if n != 1 else ''}"


def _lines(column: _Column) -> go.Scatter:
    """One trace for all lines of a bracket, with gaps: a thousand traces would be slow."""
    places = column.places()
    values = {(e.number, rung): e.value for rung, entries in enumerate(column.rungs) for e in entries}
    x: list[float | None] = []
    y: list[float | None] = []
    for (number, rung), place in places.items():
        if (number, rung + 1) in places:
            x += [place, places[number, rung + 1], None]
            y += [_finite(values[number, rung]), _finite(values[number, rung + 1]), None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": _COLOURS[Fate.PROMOTED], "width": 1},
        opacity=max(0.25, min(0.7, 40 / (len(x) + 1))),
        hoverinfo="skip",
        showlegend=False,
    )


def _points(column: _Column, size: int) -> Iterator[go.Scatter]:
    places = column.places()
    for fate, colour in _COLOURS.items():
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


def _counts(column: _Column) -> Iterator[go.Bar]:
    budgets = [str(budget) for budget in column.budgets]
    for fate, colour in _COLOURS.items():
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


def _totals(column: _Column) -> go.Scatter:
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


def _lay_out(figure: go.Figure, study: Study, columns: Sequence[_Column]) -> None:
    values = np.array([e.value for column in columns for entries in column.rungs for e in entries])
    shown = _range(values, study.directions[0])
    n_beyond = int(np.sum(~((values >= shown[0]) & (values <= shown[1]))))
    beyond = f"<br>({n_beyond} outside of this range)" if n_beyond else ""
    n_most = max(len(entries) for column in columns for entries in column.rungs)
    figure.update_yaxes(range=shown, row=1)
    figure.update_yaxes(title_text=f"value{beyond}", row=1, col=1)
    figure.update_yaxes(range=[0, 1.35 * n_most], row=2)
    figure.update_yaxes(title_text="trials<br>(that waited)", row=2, col=1)
    figure.update_layout(
        title=f"Rungs of {study.study_name}",
        barmode="stack",
        template="plotly_white",
        legend={"orientation": "h", "y": -0.14, "itemsizing": "constant"},
        uniformtext={"minsize": 8, "mode": "hide"},
    )


def _range(values: npt.NDArray[np.float64], direction: StudyDirection) -> list[float]:
    """Return the range to begin with: without a few values that are so bad that they would hide all differences."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return [0.0, 1.0]
    low, high = np.quantile(finite, [0.25, 0.75])
    far = _FAR * (high - low)
    kept = (
        finite[finite >= low - far] if direction is StudyDirection.MAXIMIZE else finite[finite <= high + far]
    )
    bottom, top = kept.min(), kept.max()
    margin = 0.05 * (top - bottom) or 0.5
    return [float(bottom - margin), float(top + margin)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
