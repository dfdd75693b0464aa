"""raystudy: Optuna-style studies on every GPU of a Ray cluster.

    import raystudy as optuna

The names below are loaded when they are first used, so that importing raystudy costs next to nothing: it loads
neither ray nor torch, sqlalchemy, pandas or plotly.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "artifacts",
    "distributions",
    "exceptions",
    "frozen",
    "importance",
    "integration",
    "logging",
    "opening",
    "orchestrator",
    "pruners",
    "samplers",
    "search_space",
    "simulation",
    "storages",
    "study",
    "terminator",
    "trial",
    "version",
    "visualization",
)
_HOMES = {
    "MaxTrialsCallback": "callbacks",
    "Study": "study",
    "Trial": "trial",
    "TrialPruned": "exceptions",
    "copy_study": "studies",
    "create_study": "opening",
    "create_trial": "trial",
    "delete_study": "opening",
    "get_all_study_names": "opening",
    "get_all_study_summaries": "studies",
    "load_study": "opening",
    "simulate": "simulation",
}

__all__ = [*sorted(_HOMES), *sorted(_MODULES), "__version__"]  # noqa: PLE0604 - all of them are names


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"raystudy.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"raystudy.{name}")
    raise AttributeError(f"module 'raystudy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
