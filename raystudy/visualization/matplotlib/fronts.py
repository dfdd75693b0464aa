"""The Pareto front of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes

from raystudy.frozen import FrozenTrial
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.fronts import front
from raystudy.visualization.data.reading import by_number
from raystudy.visualization.matplotlib.canvas import canvas

__all__ = ["plot_pareto_front"]

_SPACE = 3


def plot_pareto_front(
    study: StudyReader,
    *,
    target_names: Sequence[str] | None = None,
    include_dominated_trials: bool = True,
    constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    targets: Callable[[FrozenTrial], Sequence[float]] | None = None,
) -> Axes:
    """Plot the complete trials over two or three objectives, with the Pareto front in red.

    Args and errors as for ``raystudy.visualization.plot_pareto_front``.
    """
    found = front(study, target_names, include_dominated_trials, constraints_func, targets)
    is_space = len(found.names) == _SPACE
    projection: dict[str, Any] = {"subplot_kw": {"projection": "3d"}} if is_space else {}
    axes: Axes = canvas("Pareto-front Plot", found.notes, *found.names[:2], **projection)
    if is_space:
        axes.set_zlabel(found.names[2])  # type: ignore[attr-defined]
    trial = "Feasible Trial" if found.infeasible.trials else "Trial"
    groups = (
        (found.infeasible, "Infeasible Trial", colours.GREY),
        (found.dominated, trial, colours.VALUES),
        (found.best, "Best Trial", colours.BEST),
    )
    for group, label, colour in groups:
        n = len(group.trials)
        if n:
            size = 20 if group is found.best else by_number(n, 20, 8, 4)
            axes.scatter(*group.targets.T, c=colour, label=label, s=size)  # type: ignore[misc]
    if found.best.trials or found.infeasible.trials:
        axes.legend(frameon=is_space)
    return axes
