"""What all distributions share: their interface, and the checks of numbers, bounds, grids and choices."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

__all__ = [
    "BaseDistribution",
    "CategoricalChoice",
    "ParamValue",
    "as_number",
    "check_bounds",
    "is_same_choice",
    "last_on_grid",
]

#: A choice of a categorical parameter.
CategoricalChoice = None | bool | int | float | str

#: What ``trial.suggest_*`` returns.
ParamValue = CategoricalChoice


_Number = TypeVar("_Number", int, float)


class BaseDistribution(ABC):
    """The interface of every distribution, under Optuna's names."""

    __slots__ = ()

    @abstractmethod
    def to_internal_repr(self, param_value_in_external_repr: ParamValue) -> float:
        """Return the float64 form of an external value; raise ValueError if the parameter cannot have it."""

    @abstractmethod
    def to_external_repr(self, param_value_in_internal_repr: float) -> ParamValue:
        """Return the external value of an internal one."""

    @abstractmethod
    def single(self) -> bool:
        """Whether the domain holds exactly one value."""

    @abstractmethod
    def contains(self, internal: float) -> bool:
        """Whether an internal value lies inside the domain."""

    # The names that samplers and plots written for Optuna use.

    def _contains(self, param_value_in_internal_repr: float) -> bool:
        return self.contains(param_value_in_internal_repr)

    def _asdict(self) -> dict[str, Any]:
        """Return the arguments that make this distribution."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # all three are dataclasses


def as_number(kind: str, convert: Callable[[Any], _Number], given: object) -> _Number:
    """Return a bound or step as a number; raise ValueError if it is none."""
    try:
        return convert(given)
    except (TypeError, ValueError):
        raise ValueError(f"{kind}: expected numbers as bounds and step, got {given!r}") from None


def check_bounds(kind: str, low: float, high: float, log: bool, minimum_for_log: float) -> None:
    """Raise ValueError unless the bounds are finite, in order, and fit the scale."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(
            f"{kind}: bounds must be finite, got low={low}, high={high}; use large finite bounds"
        )
    if low > high:
        raise ValueError(f"{kind}: need low <= high, got low={low}, high={high}; swap the two bounds")
    if log and low < minimum_for_log:
        fix = "a small positive low, e.g. 1e-8" if minimum_for_log < 1 else "low=1 or more"
        raise ValueError(f"{kind}: log=True needs low > 0, got low={low}; use {fix}")


def last_on_grid(low: float, high: float, step: float) -> float:
    """Return the last point of the grid from ``low`` that is not above ``high``; warn if that is not ``high``."""
    # In decimals: in binary floating point 0.9 is not a multiple of 0.3.
    span, grid = Decimal(str(high)) - Decimal(str(low)), Decimal(str(step))
    if span % grid == 0:
        return high
    last = float(span // grid * grid + Decimal(str(low)))
    warnings.warn(
        f"the range from {low} to {high} is not a multiple of step={step}; high is lowered to {last}",
        UserWarning,
        stacklevel=4,
    )
    return last


def is_same_choice(a: object, b: object) -> bool:
    """Whether two choices are one: equal, both NaN, or sequences of such, since JSON makes a list of a tuple."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(is_same_choice, a, b))
    both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
    return both_nan or a == b
