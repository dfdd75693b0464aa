"""When trials ran, one after the other, and on which slots."""

from __future__ import annotations

import datetime as dt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import MaxNLocator

from raystudy.simulation import Simulation
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.times import cluster_bars, time_bars, unit_of
from raystudy.visualization.matplotlib.canvas import canvas, legend

__all__ = ["plot_cluster_timeline", "plot_timeline"]

_POINTS_PER_INCH = 72


def plot_timeline(study: StudyReader, n_recent_trials: int | None = None) -> Axes:
    """Plot when each trial began and ended, in the colour of its state.

    Args and errors as for ``raystudy.visualization.plot_timeline``.
    """
    found = time_bars(study, n_recent_trials, dt.datetime.now())  # noqa: DTZ005 - naive local, as trials' times are
    axes: Axes = canvas("Timeline Plot", found.notes, "Datetime", "Trial")
    width = max(0.8, min(8.0, 3.4 * _POINTS_PER_INCH * 0.8 / max(len(found.bars), 1)))
    for kind, colour in colours.STATES.items():
        members = [bar for bar in found.bars if bar.kind == kind]
        if members:
            starts, ends = (
                date2num(times) for times in zip(*((b.start, b.end) for b in members), strict=True)
            )
            lines: dict[str, Any] = {"colors": colour, "linewidth": width, "label": kind}
            axes.hlines([bar.trial.number for bar in members], starts, ends, **lines)
    if found.bars:
        locator = AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)
    return axes


def plot_cluster_timeline(study: StudyReader | Simulation) -> Axes:
    """Plot what ran on each slot, attempt by attempt, in the colour of its end.

    Args as for ``raystudy.visualization.plot_cluster_timeline``.
    """
    found = cluster_bars(study, dt.datetime.now())  # noqa: DTZ005 - naive local, as trials' times are
    scale, unit = unit_of(found.end_s)
    height = max(3.2, min(12.0, 0.22 * found.n_slots + 1))
    title = f"{found.title}, {found.busy:.0%} busy"
    axes: Axes = canvas(title, found.notes, f"time ({unit})", "slot", size=(8.0, height))
    width = max(0.5, 0.7 * (height - 1.2) * _POINTS_PER_INCH / max(found.n_slots, 1))
    for ending, colour in colours.ENDINGS.items():
        members = [bar for bar in found.bars if bar.ending == ending]
        starts, ends = (
            [at / scale for at in times]
            for times in ([b.start_s for b in members], [b.end_s for b in members])
        )
        if members:
            lines: dict[str, Any] = {
                "colors": colour,
                "linewidth": width,
                "label": f"{ending} ({len(members):,})",
            }
            axes.hlines([bar.slot for bar in members], starts, ends, **lines)
    axes.set_ylim(found.n_slots - 0.4, -0.6)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="y")
    _legend(axes)
    return axes


def _legend(axes: Axes) -> None:
    legend(axes)
    drawn = axes.get_legend()
    for line in drawn.legend_handles if drawn is not None else ():
        line.set_linewidth(6)  # type: ignore[union-attr]
