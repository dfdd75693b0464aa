"""Plots of studies, made by plotly (``pip install "raystudy[plot]"``)."""

import importlib
from typing import Any

__all__ = ["plot_rungs"]

_HOMES = {"plot_rungs": "rungs"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "plotly":
            raise
        raise ImportError('plots need plotly: pip install "raystudy[plot]"') from error


def __dir__() -> list[str]:
    return sorted(__all__)
