"""How important the parameters of a study are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from raystudy.importance import BaseImportanceEvaluator
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.importances import importances
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target
from raystudy.visualization.matplotlib.canvas import canvas, legend

__all__ = ["plot_param_importances"]

_THICKNESS = 0.8


def plot_param_importances(
    study: StudyReader,
    evaluator: BaseImportanceEvaluator | None = None,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> Axes:
    """Plot how important each parameter is, as ``raystudy.importance.get_param_importances`` says.

    Args and errors as for ``raystudy.visualization.plot_param_importances``.
    """
    found = importances(study, evaluator, params, target, target_name)
    order = list(dict.fromkeys(param for each in found for param in each.params))
    size = (7.5, max(3.5, 0.25 * len(order) * max(len(found), 1) + 1.5))
    notes = tuple(dict.fromkeys(note for each in found for note in each.notes))
    title = "Hyperparameter Importances"
    axes: Axes = canvas(title, notes, "Hyperparameter Importance", "Hyperparameter", size=size)
    thickness = _THICKNESS / max(len(found), 1)
    for at, each in enumerate(found):
        # The first objective has the uppermost of the bars of a parameter.
        shift = (len(found) - 1 - 2 * at) * thickness / 2
        places = np.array([order.index(param) + shift for param in each.params])
        colour = colours.PALETTE[at % len(colours.PALETTE)]
        bars = axes.barh(places, each.values, height=thickness, color=colour, label=each.name)
        axes.bar_label(bars, each.labels, padding=2, fontsize="small")
    axes.set_yticks(range(len(order)), order)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    legend(axes)
    return axes
