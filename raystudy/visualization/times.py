"""When trials ran, one after the other, and on which slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from raystudy.simulation import Simulation
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.reading import hover_text
from raystudy.visualization.data.times import ClusterBar, TimeBar, cluster_bars, time_bars, unit_of
from raystudy.visualization.figures import MANY, blank

__all__ = ["plot_cluster_timeline", "plot_timeline"]

#: More bars than these would be so thin that they fade; lines are never thinner than they can be seen.
_MOST_BARS = 300


def plot_timeline(study: StudyReader, n_recent_trials: int | None = None) -> go.Figure:
    """Plot when each trial began and ended, in the colour of its state.

    Args:
        study: The study.
        n_recent_trials: Only so many of the last trials; default: all.

    Raises:
        ValueError: If ``n_recent_trials`` is not positive.
    """
    found = time_bars(study, n_recent_trials, dt.datetime.now())  # noqa: DTZ005 - naive local, as trials' times are
    figure = blank("Timeline Plot", found.notes, "Datetime", "Trial")
    draw = _bars if len(found.bars) <= _MOST_BARS else _time_lines
    for kind in colours.STATES:
        members = [bar for bar in found.bars if bar.kind == kind]
        if members:
            figure.add_trace(draw(members, kind))
    figure.update_xaxes(type="date")
    figure.update_layout(showlegend=True, legend={"itemsizing": "constant"})
    return figure


def _bars(members: Sequence[TimeBar], kind: str) -> go.Bar:
    return go.Bar(
        name=kind,
        x=[(bar.end - bar.start).total_seconds() * 1000 for bar in members],
        y=[bar.trial.number for bar in members],
        base=[bar.start.isoformat() for bar in members],
        text=[hover_text(bar.trial) for bar in members],
        hovertemplate=f"%{{text}}<extra>{kind}</extra>",
        orientation="h",
        marker={"color": colours.STATES[kind], "line": {"width": 0}},
        textposition="none",
    )


def _time_lines(members: Sequence[TimeBar], kind: str) -> go.Scattergl:
    """Return one trace of lines with gaps: thousands of bars would be slow."""
    none = np.datetime64("NaT")
    ends = [(np.datetime64(bar.start), np.datetime64(bar.end), none) for bar in members]
    return go.Scattergl(
        name=kind,
        x=np.array(ends, dtype="datetime64[ms]").ravel(),
        y=np.repeat([bar.trial.number for bar in members], 3),
        mode="lines",
        line={"color": colours.STATES[kind], "width": 2},
        hovertemplate=f"Trial %{{y}}<br>%{{x}}<extra>{kind}</extra>",
    )


def plot_cluster_timeline(study: StudyReader | Simulation) -> go.Figure:
    """Plot what ran on each slot, attempt by attempt, in the colour of its end.

    Args:
        study: A simulation, whose workers are known, or a study, whose slots are guessed from the times of its
            trials: each has the lowest one that was free when it began.
    """
    found = cluster_bars(study, dt.datetime.now())  # noqa: DTZ005 - naive local, as trials' times are
    scale, unit = unit_of(found.end_s)
    figure = blank(f"{found.title}, {found.busy:.0%} busy", found.notes, f"time ({unit})", "slot")
    height = max(320, min(1200, 24 * found.n_slots))
    width = max(1.0, 0.7 * (height - 160) / max(found.n_slots, 1))
    for ending, colour in colours.ENDINGS.items():
        members = [bar for bar in found.bars if bar.ending == ending]
        if members:
            figure.add_trace(_slot_lines(members, ending, {"color": colour, "width": width}, scale))
    figure.update_yaxes(range=[found.n_slots - 0.4, -0.6], tickformat="d", zeroline=False)
    figure.update_layout(showlegend=True, height=height, legend={"itemsizing": "constant"})
    return figure


def _slot_lines(members: Sequence[ClusterBar], ending: str, line: dict[str, Any], scale: float) -> Any:
    kind = go.Scattergl if len(members) > MANY else go.Scatter
    return kind(
        name=f"{ending} ({len(members):,})",
        x=np.array([(bar.start_s, bar.end_s, np.nan) for bar in members]).ravel() / scale,
        y=np.repeat([bar.slot for bar in members], 3),
        text=np.repeat([_slot_text(bar) for bar in members], 3),
        mode="lines",
        line=line,
        hovertemplate=f"%{{text}}<extra>{ending}</extra>",
    )


def _slot_text(bar: ClusterBar) -> str:
    attempt = f", attempt {bar.attempt}" if bar.attempt else ""
    epochs = "" if bar.epochs is None else f"<br>{bar.epochs} epochs"
    return f"Trial {bar.number}{attempt}<br>slot {bar.slot}{epochs}<br>{bar.end_s - bar.start_s:.4g} s"
