"""Plots of studies by matplotlib: the same names and numbers as in ``raystudy.visualization``.

Each function returns the axes that it has drawn on, an array of them where there are several.
"""

import importlib
from typing import Any

from raystudy.visualization import plot_of

__all__ = [
    "is_available",
    "plot_cluster_timeline",
    "plot_contour",
    "plot_edf",
    "plot_epochs_saved",
    "plot_hypervolume_history",
    "plot_intermediate_values",
    "plot_optimization_history",
    "plot_parallel_coordinate",
    "plot_param_importances",
    "plot_pareto_front",
    "plot_rank",
    "plot_rungs",
    "plot_slice",
    "plot_terminator_improvement",
    "plot_timeline",
]


def is_available() -> bool:
    """Whether matplotlib is installed."""
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        return False
    return True


def __getattr__(name: str) -> Any:
    return plot_of(__name__, name, "matplotlib")


def __dir__() -> list[str]:
    return sorted(__all__)
