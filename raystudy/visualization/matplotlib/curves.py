"""What trials have reported, as curves."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.curves import by_kind, curves
from raystudy.visualization.data.reading import by_number
from raystudy.visualization.matplotlib.canvas import canvas, legend, limit, segments

__all__ = ["plot_intermediate_values"]

#: A legend of more trials would not fit.
_MOST_NAMES = 15


def plot_intermediate_values(study: StudyReader) -> Axes:
    """Plot what the trials have reported; those that failed are left out.

    Up to a hundred trials are drawn one by one; more of them by what became of them.
    """
    found = curves(study)
    axes: Axes = canvas("Intermediate Values Plot", found.notes, "Step", "Intermediate Value")
    if found.are_single:
        for at, each in enumerate(found.curves):
            colour = colours.PALETTE[at % len(colours.PALETTE)] if each.is_feasible else colours.GREY
            axes.plot(
                each.steps, each.values, marker=".", alpha=0.8, color=colour, label=f"Trial{each.number}"
            )
    else:
        faint = by_number(len(found.curves), 0.6, 0.4, 0.35)
        for kind, members in by_kind(found.curves):
            lines = segments([each.steps for each in members], [each.values for each in members])
            label = f"{kind} ({len(members):,})"
            colour = colours.STATES[kind]
            axes.add_collection(
                LineCollection(lines, colors=colour, alpha=faint, linewidths=0.8, label=label)
            )
            short = [each for each in members if len(each.steps) == 1]  # these have no line
            steps, values = (
                [each[0] for each in parts] for parts in ([s.steps for s in short], [s.values for s in short])
            )
            axes.scatter(steps, values, s=4, color=colour, alpha=faint)
        axes.autoscale_view()
    limit(axes, found.shown_values)
    if len(found.curves) <= _MOST_NAMES or not found.are_single:
        legend(axes)
    return axes
