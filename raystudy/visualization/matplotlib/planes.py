"""Pairs of parameters as planes: contours of the values, and their ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.planes import Axis, Planes, contours, ranks
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.data.surfaces import smooth
from raystudy.visualization.matplotlib.canvas import BLUES, canvas, log_scale

__all__ = ["plot_contour", "plot_rank"]

_LEVELS = 12


def plot_contour(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Any:
    """Plot the value over pairs of parameters as contours; better values are darker.

    Args and errors as for ``raystudy.visualization.plot_contour``.

    Returns:
        The axes, or an array of them if there are more than two parameters.
    """
    planes = contours(study, params, target, target_name)
    if len(planes.axes) <= 1:
        return canvas("Contour Plot", planes.notes)
    cmap = BLUES.reversed() if planes.dark_is_low else BLUES
    scale = Normalize(*planes.colour_range)

    def draw(axes: Axes, x: Axis, y: Axis) -> None:
        axes.grid(False)
        found = None if x is y else smooth(planes, x, y)
        if found is None:
            return
        levels = np.linspace(scale.vmin or 0.0, scale.vmax or 1.0, _LEVELS)
        axes.contourf(found.x, found.y, found.z, levels, cmap=cmap, norm=scale, extend="both")
        axes.contour(found.x, found.y, found.z, levels, colors="k", linewidths=0.3)
        n = len(planes.shown)
        for colour, wanted in (("black", True), ("#cccccc", False)):
            rows = _rows(planes, x, y, wanted)
            dots: dict[str, Any] = {
                "s": by_number(n, 12, 4, 1.5),
                "c": colour,
                "alpha": by_number(n, 1, 0.6, 0.4),
            }
            axes.scatter(x.places[rows], y.places[rows], **dots, linewidths=0)

    axes = _planes("Contour Plot", planes, draw)
    _bar(axes, ScalarMappable(scale, cmap)).set_label(target_name)
    return axes


def plot_rank(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Any:
    """Plot the complete trials over pairs of parameters, coloured by the ranks of their values.

    Args and errors as for ``raystudy.visualization.plot_rank``.

    Returns:
        The axes, or an array of them if there are more than two parameters.
    """
    found = ranks(study, params, target, target_name)
    planes, title = found.planes, f"Rank ({target_name})"
    if not planes.axes:
        return canvas(title, planes.notes)

    def draw(axes: Axes, x: Axis, y: Axis) -> None:
        n = len(planes.shown)
        size, edge = by_number(n, 20, 8, 3), by_number(n, 0.5, 0, 0)
        rows = _rows(planes, x, y, False)
        axes.scatter(x.places[rows], y.places[rows], s=size, c=colours.GREY)
        rows = _rows(planes, x, y, True)
        colour: dict[str, Any] = {"c": found.shares[rows], "cmap": "RdYlBu_r", "vmin": 0.0, "vmax": 1.0}
        axes.scatter(x.places[rows], y.places[rows], s=size, linewidths=edge, edgecolors="grey", **colour)

    axes = _planes(title, planes, draw)
    bar = _bar(axes, ScalarMappable(Normalize(0.0, 1.0), "RdYlBu_r"))
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=found.ticks)
    return axes


def _rows(planes: Planes, x: Axis, y: Axis, is_feasible: bool) -> Any:
    present = ~(np.isnan(x.places) | np.isnan(y.places))
    return planes.shown[(present & (planes.feasible == is_feasible))[planes.shown]]


def _planes(title: str, planes: Planes, draw: Callable[[Axes, Axis, Axis], None]) -> Any:
    """Return one or a square of axes, each with its plane."""
    pairs = planes.pairs()
    n = len(pairs)
    size = (7.0, 4.8) if n == 1 else (1.9 * n + 2.0, 1.7 * n + 1.0)
    axes = canvas(title, planes.notes, shape=(n, n), size=size, sharex="col", sharey="row")
    grid = np.array([[axes]]) if isinstance(axes, Axes) else axes
    for row, line in enumerate(pairs):
        for column, (x, y) in enumerate(line):
            place = grid[row, column]
            draw(place, x, y)
            if row == n - 1:
                _name(place.xaxis, place.set_xlim, x)
            if column == 0:
                _name(place.yaxis, place.set_ylim, y)
    return axes


def _name(side: Any, set_limits: Callable[..., Any], axis: Axis) -> None:
    if axis.is_log:
        log_scale(side, *axis.range)
    if axis.labels is not None:
        side.set_ticks(range(len(axis.labels)), axis.labels)
    if axis.range[0] < axis.range[1]:
        set_limits(*axis.range)
    side.set_label_text(axis.name)


def _bar(axes: Any, colours_of: ScalarMappable) -> Any:
    figure = axes.figure if isinstance(axes, Axes) else axes.flat[0].figure
    return figure.colorbar(colours_of, ax=axes, pad=0.02)
