"""The Pareto front of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from raystudy.frozen import FrozenTrial
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.fronts import Group, front
from raystudy.visualization.data.reading import by_number, hover_text
from raystudy.visualization.figures import BLUES, blank, points

__all__ = ["plot_pareto_front"]

_PLANE = 2
_REDS = ["rgb(252,187,161)", "rgb(251,106,74)", "rgb(203,24,29)", "rgb(103,0,13)"]


def plot_pareto_front(
    study: StudyReader,
    *,
    target_names: Sequence[str] | None = None,
    include_dominated_trials: bool = True,
    constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    targets: Callable[[FrozenTrial], Sequence[float]] | None = None,
) -> go.Figure:
    """Plot the complete trials over two or three objectives, with the Pareto front in red.

    Args:
        study: The study.
        target_names: Names of the axes; default: the study's ``metric_names``.
        include_dominated_trials: Whether to show trials that are not on the front.
        constraints_func: Takes a trial and returns numbers, of which none is above 0 if it is feasible; default: the
            constraints that the trials have.
        targets: Takes a trial and returns the two or three numbers to plot; default: its values.

    Raises:
        ValueError: If not two or three numbers are to be plotted, or the names are not as many.
    """
    found = front(study, target_names, include_dominated_trials, constraints_func, targets)
    trial = "Feasible Trial" if found.has_constraints else "Trial"
    figure = blank("Pareto-front Plot", found.notes)
    if found.has_constraints:
        figure.add_trace(_trace(found.infeasible, found.names, "Infeasible Trial", {"color": colours.GREY}))
    shaded = {"colorscale": BLUES, "colorbar": {"title": "Trial"}}
    figure.add_trace(_trace(found.dominated, found.names, trial, shaded))
    bar = {"title": "Best Trial", "x": 1.1 if found.shows_dominated else 1, "xpad": 40}
    figure.add_trace(
        _trace(found.best, found.names, "Best Trial", {"colorscale": _REDS, "colorbar": bar}, on_top=True)
    )
    if len(found.names) == _PLANE:
        figure.update_layout(xaxis_title=found.names[0], yaxis_title=found.names[1])
    else:
        axes = zip(("xaxis_title", "yaxis_title", "zaxis_title"), found.names, strict=True)
        far = {"eye": {"x": 1.5, "y": 1.5, "z": 1.1}, "center": {"x": 0, "y": 0, "z": -0.15}}
        figure.update_layout(scene={**dict(axes), "camera": far}, margin={"b": 20})
    return figure


def _trace(
    group: Group, names: Sequence[str], kind: str, marker: dict[str, Any], *, on_top: bool = False
) -> Any:
    numbers = np.array([trial.number for trial in group.trials], dtype=np.int64)
    n = len(numbers)
    size = by_number(0 if on_top else n, 7, 5, 4)
    if "colorscale" in marker:
        marker = {**marker, "color": numbers, "line": {"width": 0.5, "color": "grey"}}
    x, y, *z = group.targets.T if n else [[]] * len(names)
    options: dict[str, Any] = {
        "x": x,
        "y": y,
        "text": np.array(list(map(hover_text, group.trials)), dtype=object),
        "mode": "markers",
        "hovertemplate": f"%{{text}}<extra>{kind}</extra>",
        "name": kind,
        "showlegend": False,
    }
    if z or len(names) > _PLANE:
        return go.Scatter3d(**options, z=z[0], marker={**marker, "size": size / 2})
    return points(n, **options, marker={**marker, "size": size})
