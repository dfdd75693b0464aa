"""The rungs of a study in one picture: who came, who went on, who waited and who was dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from raystudy.study_reading import StudyReader
from raystudy.visualization.colours import FATES
from raystudy.visualization.data.rungs import RungColumn, rungs
from raystudy.visualization.matplotlib.canvas import canvas

__all__ = ["plot_rungs"]


def plot_rungs(study: StudyReader) -> Any:
    """Plot the values at each rung of each bracket, and how many trials went on from it.

    Args and errors as for ``raystudy.visualization.plot_rungs``.

    Returns:
        An array of axes, (2, columns): values above, numbers of trials below.
    """
    found = rungs(study)
    n = len(found.columns)
    notes = (f"{found.n_beyond} values outside of the range shown",) if found.n_beyond else ()
    widths = [len(column.budgets) + 1 for column in found.columns]
    grid = canvas(
        f"Rungs of {study.study_name}",
        notes,
        shape=(2, n),
        size=(max(7.0, 0.6 * sum(widths) + 2.0), 6.0),
        sharey="row",
        height_ratios=[7, 3],
        width_ratios=widths,
    )
    for (above, below), column in zip(grid.T, found.columns, strict=True):
        _draw_values(above, column, size=10 if found.is_crowded else 25)
        _draw_counts(below, column)
    grid[0, 0].set_ylim(*found.shown_values)
    grid[0, 0].set_ylabel("value")
    grid[1, 0].set_ylabel("trials\n(that waited)")
    n_most = max(len(entries) for column in found.columns for entries in column.rungs)
    grid[1, 0].set_ylim(0, 1.4 * n_most)
    seen = {entry.fate for column in found.columns for entries in column.rungs for entry in entries}
    handles = [Patch(color=colour, label=fate.value) for fate, colour in FATES.items() if fate in seen]
    grid[0, 0].figure.legend(handles=handles, loc="outside lower right", ncol=len(handles), frameon=False)
    return grid


def _draw_values(axes: Axes, column: RungColumn, size: float) -> None:
    lines = column.lines()
    opacity = max(0.25, min(0.7, 40 / (3 * len(lines) + 1)))
    axes.add_collection(LineCollection(lines, colors="#0072b2", linewidths=0.8, alpha=opacity))
    places = column.places()
    points = [(rung, entry) for rung, entries in enumerate(column.rungs) for entry in entries]
    x, y = [places[entry.number, rung] for rung, entry in points], [entry.value for _, entry in points]
    colours = [FATES[entry.fate] for _, entry in points]
    axes.scatter(x, y, s=size, c=colours, linewidths=0.3, edgecolors="white", zorder=2)
    axes.set_xscale("log")
    axes.set_xlim(*(10**end for end in column.ends))
    axes.set_xticks(column.budgets, [str(budget) for budget in column.budgets])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(column.title, fontsize="small", loc="center")


def _draw_counts(axes: Axes, column: RungColumn) -> None:
    places = np.arange(len(column.budgets))
    bottom = np.zeros(len(places), dtype=np.int64)
    for fate, colour in FATES.items():
        counts = np.array([sum(entry.fate is fate for entry in entries) for entries in column.rungs])
        axes.bar(places, counts, bottom=bottom, color=colour)
        bottom = bottom + counts
    for place, entries in zip(places, column.rungs, strict=True):
        n_waited = sum(entry.waited for entry in entries)
        text = f"{len(entries)}\n({n_waited})" if n_waited else str(len(entries))
        axes.annotate(
            text, (place, len(entries)), (0, 2), textcoords="offset points", ha="center", fontsize="x-small"
        )
    axes.set_xticks(places, [str(budget) for budget in column.budgets])
    axes.set_xlabel("budget")
