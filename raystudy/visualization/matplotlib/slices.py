"""The value of each trial over each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.data.slices import Slice, slices
from raystudy.visualization.matplotlib.canvas import BLUES, canvas, limit, log_scale

__all__ = ["plot_slice"]

#: Labels with more letters than these in all would overlap if they stood level.
_MOST_LETTERS = 20


def plot_slice(
    study: StudyReader,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Any:
    """Plot the values of the complete trials over each parameter; later trials are darker.

    Args and errors as for ``raystudy.visualization.plot_slice``.

    Returns:
        The axes, or an array of them if there are several parameters.
    """
    found = slices(study, params, target, target_name)
    n = max(len(found.slices), 1)
    axes = canvas("Slice Plot", found.notes, shape=(1, n), size=(max(7.0, 2.2 * n + 1), 4.8), sharey=True)
    each_axes = [axes] if isinstance(axes, Axes) else list(axes.flat)
    drawn = [_draw(each, place) for each, place in zip(found.slices, each_axes, strict=False)]
    each_axes[0].set_ylabel(target_name)
    limit(each_axes[0], found.shown_values)
    if drawn:
        each_axes[0].figure.colorbar(drawn[0], ax=each_axes, label="Trial", pad=0.02)
    return axes if isinstance(axes, Axes) else axes.ravel()


def _draw(each: Slice, axes: Axes) -> Any:
    size = by_number(len(each.x), 25, 10, 4)
    edge: dict[str, Any] = {"edgecolors": "grey", "linewidths": by_number(len(each.x), 0.5, 0, 0)}
    axes.set_xlabel(each.name)
    if each.labels is not None:
        is_short = len("".join(each.labels)) < _MOST_LETTERS
        axes.set_xticks(range(len(each.labels)), each.labels, rotation=0 if is_short else 45)
        axes.set_xlim(-0.5, len(each.labels) - 0.5)
    elif each.is_log:
        log_scale(axes.xaxis, min(each.x), max(each.x))
    x, values, numbers = each.some(is_feasible=True)
    drawn = axes.scatter(_places(each, x), values, c=numbers, cmap=BLUES, s=size, **edge)
    x, values, _ = each.some(is_feasible=False)
    if x:
        axes.scatter(_places(each, x), values, c=colours.GREY, s=size, label="Infeasible Trial", zorder=0.9)
    return drawn


def _places(each: Slice, x: Sequence[Any]) -> list[float]:
    return list(x) if each.labels is None else [float(each.labels.index(label)) for label in x]
