"""Each trial as a line over its values and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from raystudy.study_reading import StudyReader
from raystudy.visualization.data.coordinates import Coordinates, coordinates
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.matplotlib.canvas import BLUES, canvas

__all__ = ["plot_parallel_coordinate"]


def plot_parallel_coordinate(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Axes:
    """Plot each complete trial as a line over its values and parameters; better ones are darker and on top.

    Args and errors as for ``raystudy.visualization.plot_parallel_coordinate``.
    """
    found = coordinates(study, params, target, target_name)
    dimensions = found.dimensions
    width = max(7.0, 1.1 * len(dimensions) + 1.5)
    axes: Axes = canvas("Parallel Coordinate Plot", found.notes, size=(width, 4.8))
    if not dimensions:
        return axes
    axes.grid(False)
    places = np.column_stack([each.normalized(each.values) for each in dimensions])
    order = np.argsort(found.darkness, kind="stable")  # the darkest are drawn last
    lines = np.stack([np.broadcast_to(np.arange(len(dimensions)), places.shape), places], axis=-1)[order]
    styles = (
        "solid"
        if found.feasible is None
        else ["solid" if each else "dotted" for each in found.feasible[order]]
    )
    collection = LineCollection(
        list(lines),
        colors=BLUES(found.darkness[order]),
        linestyles=styles,
        linewidths=1.0,
        alpha=by_number(len(order), 0.8, 0.5, 0.35),
    )
    axes.add_collection(collection)
    for at, dimension in enumerate(dimensions):
        axes.axvline(at, color="0.5", linewidth=0.8)
        for place, text in dimension.apart(0.035):
            axes.annotate(
                text,
                (at, place),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize="x-small",
                bbox={"facecolor": "white", "alpha": 0.6, "linewidth": 0, "pad": 0.5},
            )
    axes.set(xlim=(-0.5, len(dimensions) - 0.9), ylim=(-0.05, 1.05), yticks=[])
    axes.set_xticks(range(len(dimensions)), [each.label for each in dimensions])
    axes.spines[:].set_visible(False)
    _explain_colours(axes, found)
    return axes


def _explain_colours(axes: Axes, found: Coordinates) -> None:
    cmap = BLUES.reversed() if found.dark_is_low else BLUES
    bar = axes.figure.colorbar(ScalarMappable(Normalize(*found.colour_range), cmap), ax=axes, pad=0.02)
    bar.set_label(found.colour_title)
    if found.is_rank:
        bar.set_ticks(np.unique(np.linspace(0, found.colours.max(), 11).round()).tolist())
    if found.feasible is not None:
        styles: Any = (("Feasible", "solid"), ("Infeasible", "dotted"))
        handles = [Line2D([], [], color=BLUES(1.0), linestyle=style, label=name) for name, style in styles]
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=2, frameon=False)
