"""What the plots made by matplotlib have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.ticker import NullLocator

from raystudy.visualization.data.ranges import log_ticks

__all__ = ["BLUES", "canvas", "legend", "limit", "log_scale", "note", "segments"]

#: From pale to dark; the paler end of the usual map is left off: on white it could not be seen.
BLUES: Colormap = LinearSegmentedColormap.from_list("blues", ["#c6dbef", "#6baed6", "#2171b5", "#08306b"])
_STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
}


def canvas(
    title: str,
    notes: Sequence[str],
    x: str | None = None,
    y: str | None = None,
    *,
    shape: tuple[int, int] = (1, 1),
    size: tuple[float, float] = (7.0, 4.8),
    **options: Any,
) -> Any:
    """Return the new axes of a figure, an array of them unless its shape is (1, 1); notes stand at its foot.

    Only these axes get the style: the user's own settings stay as they are.
    """
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(*shape, figsize=size, squeeze=shape == (1, 1), **options)
    if isinstance(axes, Axes):
        axes.set_title(title)
        axes.set(xlabel=x or "", ylabel=y or "")
    else:
        figure.suptitle(title)
    note(axes, notes)
    return axes


def note(axes: Any, notes: Sequence[str]) -> None:
    """Write notes at the foot of the figure of some axes."""
    if notes:
        figure = axes.figure if isinstance(axes, Axes) else axes.flat[0].figure
        figure.supxlabel("; ".join(notes), fontsize="x-small", color="0.35", x=0.01, ha="left")


def legend(axes: Axes) -> None:
    """Put a legend beside the plot, or above it where the names are so long that they would leave no room."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    if max(map(len, labels)) > _LONG_NAME:
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.06), frameon=False, fontsize="small")
    else:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)


_LONG_NAME = 28


def limit(axes: Axes, ends: tuple[float, float] | None) -> None:
    """Show a part of the y axis only."""
    if ends is not None:
        axes.set_ylim(*ends)


def log_scale(side: Any, low: float, high: float) -> None:
    """Make an axis (``axes.xaxis`` or ``axes.yaxis``) logarithmic, with so few ticks that they stand apart."""
    side.axes.set(**{f"{side.axis_name}scale": "log"})
    ticks = log_ticks(low, high)
    side.set_ticks([place for place, _ in ticks], [text for _, text in ticks])
    side.set_minor_locator(NullLocator())


def segments(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    """Return pairs of arrays as lines for a ``LineCollection``."""
    return [np.column_stack(pair) for pair in zip(x, y, strict=True)]
