"""Checks of pruners' arguments."""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

__all__ = ["require_at_least", "require_numbers", "require_whole", "whole"]


def whole(name: str, value: SupportsIndex) -> int:
    """Return the value as a plain int, so that a numpy integer can be stored as JSON.

    Raises:
        TypeError: If it is no whole number.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"expected {name} to be a whole number, got {value!r}")
    return operator.index(value)


def require_whole(pruner: Any, *names: str) -> None:
    """Make attributes of a frozen pruner plain ints; raise TypeError for one that is no whole number."""
    for name in names:
        object.__setattr__(pruner, name, whole(name, getattr(pruner, name)))


def require_numbers(pruner: Any, *names: str) -> None:
    """Make attributes of a frozen pruner plain numbers: counts that Optuna lets be any number, as ``epochs / 3``.

    Raises:
        TypeError: If one is no number.
    """
    for name in names:
        value = getattr(pruner, name)
        if not hasattr(value, "__index__") and not isinstance(value, float):
            raise TypeError(f"expected {name} to be a number, got {value!r}")
        object.__setattr__(
            pruner, name, operator.index(value) if hasattr(value, "__index__") else float(value)
        )


def require_at_least(pruner: Any, least: int, *names: str) -> None:
    """Raise ValueError if one of some attributes is below a bound."""
    for name in names:
        if getattr(pruner, name) < least:
            raise ValueError(f"expected {name} >= {least}, got {getattr(pruner, name)}")
