"""Pruners: which trials go on, wait or stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from raystudy.pruners.base import Judge, Learning, PastTrial, Pruner, Ruling, Verdict
from raystudy.pruners.hyperband import HyperbandPruner
from raystudy.pruners.nop import NopPruner

__all__ = [
    "HyperbandPruner",
    "Judge",
    "Learning",
    "NopPruner",
    "PastTrial",
    "Pruner",
    "Ruling",
    "Verdict",
    "pruner_from_spec",
]

_PRUNERS: dict[str, Callable[..., Pruner]] = {"HyperbandPruner": HyperbandPruner, "NopPruner": NopPruner}


def __getattr__(name: str) -> Any:
    raise AttributeError(f"expected one of {', '.join(_PRUNERS)} in {__name__}, got {name!r}")


def pruner_from_spec(spec: Mapping[str, Any]) -> Pruner:
    """Return the pruner that ``Pruner.spec`` described.

    Raises:
        ValueError: If the name is unknown, or the arguments are not those of that pruner.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if name not in _PRUNERS:
        raise ValueError(
            f"expected a pruner named one of {sorted(_PRUNERS)}, got {name!r}; pass the pruner itself"
        )
    try:
        return _PRUNERS[name](**arguments)
    except TypeError as error:
        raise ValueError(f"the stored arguments {arguments} do not fit {name}: {error}") from error
