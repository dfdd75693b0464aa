"""Plots of studies by plotly, as in Optuna; ``raystudy.visualization.matplotlib`` has the same by matplotlib.

Both need ``pip install "raystudy[plot]"``.  What the plots show is read by pure functions in ``data/``.
"""

import importlib
from typing import Any

__all__ = [
    "is_available",
    "matplotlib",
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

#: Modules of the plots, the same here and in ``matplotlib``.
HOMES = {
    "plot_cluster_timeline": "times",
    "plot_contour": "planes",
    "plot_edf": "histories",
    "plot_epochs_saved": "epochs",
    "plot_hypervolume_history": "histories",
    "plot_intermediate_values": "curves",
    "plot_optimization_history": "histories",
    "plot_parallel_coordinate": "coordinates",
    "plot_param_importances": "importances",
    "plot_pareto_front": "fronts",
    "plot_rank": "planes",
    "plot_rungs": "rungs",
    "plot_slice": "slices",
    "plot_terminator_improvement": "improvements",
    "plot_timeline": "times",
}


def is_available() -> bool:
    """Whether plotly is installed."""
    try:
        importlib.import_module("plotly")
    except ImportError:
        return False
    return True


def plot_of(package: str, name: str, needed: str) -> Any:
    """Return a plot function of one of the two packages.

    Raises:
        AttributeError: If there is no such plot.
        ImportError: If what it needs is not installed.
    """
    if name not in HOMES:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{package}.{HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != needed:
            raise
        raise ImportError(f'plots need {needed}: pip install "raystudy[plot]"') from error


def __getattr__(name: str) -> Any:
    if name == "matplotlib":
        return importlib.import_module(f"{__name__}.matplotlib")
    return plot_of(__name__, name, "plotly")


def __dir__() -> list[str]:
    return sorted(__all__)
