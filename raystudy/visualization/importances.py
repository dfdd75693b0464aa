"""How important the parameters of a study are."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from raystudy.importance import BaseImportanceEvaluator
from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.importances import importances
from raystudy.visualization.data.reading import OBJECTIVE_VALUE, Target
from raystudy.visualization.figures import blank

__all__ = ["plot_param_importances"]


def plot_param_importances(
    study: StudyReader,
    evaluator: BaseImportanceEvaluator | None = None,
    params: Sequence[str] | None = None,
    *,
    target: Target | None = None,
    target_name: str = OBJECTIVE_VALUE,
) -> go.Figure:
    """Plot how important each parameter is, as ``raystudy.importance.get_param_importances`` says.

    Args:
        study: The study.
        evaluator: How importance is measured; default: ``PedAnovaImportanceEvaluator()``.
        params: The parameters; default: what the evaluator assesses.
        target: What is to be explained; default: each objective by itself.
        target_name: Its name; for an objective, its name in ``metric_names`` comes first.

    Raises:
        ValueError: If no complete trial has the parameters.
    """
    found = importances(study, evaluator, params, target, target_name)
    notes = tuple(dict.fromkeys(note for each in found for note in each.notes))
    figure = blank("Hyperparameter Importances", notes, "Hyperparameter Importance", "Hyperparameter")
    for at, each in enumerate(found):
        if not each.params:
            continue
        hover = [
            f"{name} ({kind}): {value}<extra></extra>"
            for name, kind, value in zip(each.params, each.kinds, each.values, strict=True)
        ]
        figure.add_bar(
            x=each.values,
            y=each.params,
            name=each.name,
            text=each.labels,
            textposition="outside",
            cliponaxis=False,
            hovertemplate=hover,
            orientation="h",
            marker={"color": colours.PALETTE[at % len(colours.PALETTE)]},
        )
    n_bars = sum(len(each.params) for each in found)
    figure.update_layout(
        height=max(450, 22 * n_bars + 180), yaxis={"automargin": True}, legend={"traceorder": "reversed"}
    )
    return figure
