"""What trials have reported, as curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data import curves as data
from raystudy.visualization.data.reading import by_number
from raystudy.visualization.figures import blank, points, show_range

__all__ = ["plot_intermediate_values"]


def plot_intermediate_values(study: StudyReader) -> go.Figure:
    """Plot what the trials have reported; those that failed are left out.

    Up to a hundred trials are drawn one by one; more of them by what became of them.
    """
    found = data.curves(study)
    figure = blank("Intermediate Values Plot", found.notes, "Step", "Intermediate Value")
    if found.are_single:
        for at, curve in enumerate(found.curves):
            colour = colours.PALETTE[at % len(colours.PALETTE)] if curve.is_feasible else colours.GREY
            figure.add_scatter(
                x=curve.steps,
                y=curve.values,
                mode="lines+markers",
                marker={"maxdisplayed": 10, "color": colour},
                line={"color": colour, "width": 1.5},
                name=f"Trial{curve.number}",
            )
        figure.update_layout(showlegend=False)
    else:
        for kind, members in data.by_kind(found.curves):
            figure.add_trace(_together(kind, members, len(found.curves)))
        figure.update_layout(showlegend=True, legend={"itemsizing": "constant"})
    show_range(figure, found.shown_values)
    return figure


def _together(kind: str, members: Sequence[data.Curve], n_all: int) -> Any:
    """Return one trace for many curves, with gaps between them: thousands of traces would be slow."""
    gap = [np.nan]
    numbers = np.concatenate([np.full(len(each.steps) + 1, each.number) for each in members])
    return points(
        len(numbers),
        x=np.concatenate([part for each in members for part in (each.steps, gap)]),
        y=np.concatenate([part for each in members for part in (each.values, gap)]),
        customdata=numbers,
        mode="lines",
        line={"color": colours.STATES[kind], "width": 1},
        opacity=by_number(n_all, 0.6, 0.4, 0.35),
        name=f"{kind} ({len(members):,})",
        hovertemplate=f"Trial%{{customdata}}<br>step %{{x}}: %{{y}}<extra>{kind}</extra>",
    )
