"""How many epochs were trained, and how many the pruner has saved."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.epochs import epochs_saved
from raystudy.visualization.figures import blank

__all__ = ["plot_epochs_saved"]


def plot_epochs_saved(study: StudyReader) -> go.Figure:
    """Plot the epochs that were trained, beside those that the same trials would have taken without a pruner.

    Above, both are added up over the trials; below, the trials are counted by how long they trained.  A full trial
    has the pruner's ``max_resource``, else as many epochs as the longest one.
    """
    found = epochs_saved(study)
    layout = blank(found.title, found.notes).layout
    figure = make_subplots(rows=2, cols=1, row_heights=[0.6, 0.4], vertical_spacing=0.16)
    figure.update_layout(layout)
    thinned = found.thinned()
    grey = {"color": "#7f7f7f", "dash": "dash"}
    without = found.full * (thinned + 1)
    figure.add_scatter(x=found.numbers[thinned], y=without, mode="lines", line=grey, name="without a pruner")
    figure.add_scatter(
        x=found.numbers[thinned],
        y=np.cumsum(found.trained)[thinned],
        mode="lines",
        line={"color": colours.VALUES},
        fill="tonexty",
        fillcolor="rgba(86,180,233,0.2)",
        name="trained",
    )
    lengths = found.lengths()
    for at, (name, colour) in enumerate((("complete", colours.VALUES), ("stopped", "#e69f00")), start=1):
        figure.add_trace(
            go.Bar(
                x=[str(each[0]) for each in lengths],
                y=[each[at] for each in lengths],
                text=[each[at] or "" for each in lengths],
                textangle=0,
                textposition="inside",
                name=name,
                marker={"color": colour},
                hovertemplate=f"%{{x}} epochs: %{{y}} {name}<extra></extra>",
            ),
            row=2,
            col=1,
        )
    figure.update_xaxes(title_text="trial", row=1)
    figure.update_yaxes(title_text="epochs", row=1, rangemode="tozero")
    figure.update_xaxes(title_text="epochs of a trial", type="category", row=2)
    figure.update_yaxes(title_text="trials", row=2)
    figure.update_layout(barmode="stack", uniformtext={"minsize": 8, "mode": "hide"}, height=600)
    return figure
