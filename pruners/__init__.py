"""Pruners: which trials go on, wait or stop.

Names are loaded when they are first used, so that a study without a signed-rank test does not import scipy.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from raystudy.pruners.base import Judge, Learning, PastTrial, Pruner, Ruling, StudyFacts, Verdict
from raystudy.study_view import StudyView

__all__ = [
    "BasePruner",
    "HyperbandPruner",
    "Judge",
    "Learning",
    "MedianPruner",
    "NopPruner",
    "PastTrial",
    "PatientPruner",
    "PercentilePruner",
    "Pruner",
    "Ruling",
    "StudyFacts",
    "StudyView",
    "SuccessiveHalvingPruner",
    "ThresholdPruner",
    "Verdict",
    "WilcoxonPruner",
    "pruner_from_spec",
]

_PRUNERS = {
    "HyperbandPruner": "hyperband",
    "MedianPruner": "percentile",
    "NopPruner": "nop",
    "PatientPruner": "patient",
    "PercentilePruner": "percentile",
    "SuccessiveHalvingPruner": "successive_halving",
    "ThresholdPruner": "threshold",
    "WilcoxonPruner": "wilcoxon",
}
_MODULES = {**_PRUNERS, "BasePruner": "stop_pruner"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"expected one of {', '.join(_MODULES)} in {__name__}, got {name!r}")
    return getattr(import_module(f"raystudy.pruners.{_MODULES[name]}"), name)


def pruner_from_spec(spec: Mapping[str, Any]) -> Pruner:
    """Return the pruner that ``Pruner.spec`` described; for a user's own, one that says that it is missing.

    Raises:
        ValueError: If the name is unknown, or the arguments are not those of that pruner.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if arguments.get("custom"):
        missing = import_module("raystudy.pruners.custom").MissingPruner
        return cast("Pruner", missing(str(name)))
    if name not in _PRUNERS:
        raise ValueError(
            f"expected a pruner named one of {sorted(_PRUNERS)}, got {name!r}; pass the pruner itself"
        )
    if isinstance(arguments.get("wrapped_pruner"), Mapping):
        arguments["wrapped_pruner"] = pruner_from_spec(arguments["wrapped_pruner"])
    try:
        return cast("Pruner", __getattr__(name)(**arguments))
    except TypeError as error:
        raise ValueError(f"the stored arguments {arguments} do not fit {name}: {error}") from error
