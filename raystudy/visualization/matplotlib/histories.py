"""How values and hypervolumes improve with the trials, and how values are distributed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data import histories as data
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target, by_number
from raystudy.visualization.matplotlib.canvas import canvas, legend, limit

__all__ = ["plot_edf", "plot_hypervolume_history", "plot_optimization_history"]


def plot_optimization_history(
    study: StudyReader | Iterable[StudyReader],
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
    error_bar: bool = False,
) -> Axes:
    """Plot the value of each complete trial, and the best until then.

    Args and errors as for ``raystudy.visualization.plot_optimization_history``.
    """
    found = data.histories(study, target, target_name, error_bar)
    shown, notes = data.shown_values(found)
    axes: Axes = canvas("Optimization History Plot", notes, "Trial", target_name)
    for at, history in enumerate(found):
        dots = colours.PALETTE[2 * at % len(colours.PALETTE)]
        line = colours.PALETTE[(2 * at + 1) % len(colours.PALETTE)]
        _draw_history(axes, history, dots, line)
    limit(axes, shown)
    legend(axes)
    return axes


def _draw_history(axes: Axes, history: data.History, dots: str, line: str) -> None:
    n = len(history.numbers)
    size = by_number(n, 20, 8, 3)
    axes.scatter(
        history.numbers, history.values, s=size, c=dots, alpha=by_number(n, 1, 0.6, 0.5), label=history.label
    )
    if history.stds is not None:
        axes.errorbar(history.numbers, history.values, yerr=history.stds, fmt="none", ecolor=dots, capsize=3)
    if len(history.infeasible_numbers):
        grey: dict[str, Any] = {"s": size, "c": colours.GREY, "label": "Infeasible Trial"}
        axes.scatter(history.infeasible_numbers, history.infeasible_values, **grey)
    if len(history.best_numbers):
        axes.plot(history.best_numbers, history.best_values, color=line, label=history.best_label)
        if history.best_stds is not None:
            lower, upper = (history.best_values + sign * history.best_stds for sign in (-1, 1))
            axes.fill_between(history.best_numbers, lower, upper, color=line, alpha=0.2, linewidth=0)


def plot_hypervolume_history(study: StudyReader, reference_point: Sequence[float]) -> Axes:
    """Plot the hypervolume of the feasible trials after each complete trial.

    Args and errors as for ``raystudy.visualization.plot_hypervolume_history``.
    """
    found = data.hypervolume_history(study, reference_point)
    axes: Axes = canvas("Hypervolume History Plot", found.notes, "Trial", "Hypervolume")
    marker = "o" if by_number(len(found.numbers), 1, 0, 0) else ""
    axes.plot(found.numbers, found.values, color=colours.VALUES, marker=marker, markersize=4)
    return axes


def plot_edf(
    study: StudyReader | Iterable[StudyReader],
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Axes:
    """Plot the empirical distribution function of the values: the share of the complete trials at or below each.

    Args and errors as for ``raystudy.visualization.plot_edf``.
    """
    found = data.distributions(study, target, target_name)
    title = "Empirical Distribution Function Plot"
    axes: Axes = canvas(title, found.notes, target_name, "Cumulative Probability")
    axes.set_ylim(0, 1)
    for at, (name, shares) in enumerate(found.curves):
        axes.plot(found.x, shares, color=colours.PALETTE[at % len(colours.PALETTE)], label=name)
    if len(found.curves) > 1:
        legend(axes)
    return axes
