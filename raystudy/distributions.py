"""Distributions: the domain of one parameter, its validation, its number form and its JSON form.

The *internal* value of a parameter is always one float64: the number itself, or the index of the
choice of a categorical.  Samplers and databases hold internal values; users see *external* ones.
The JSON form and the internal values are those of Optuna 5, so that both can read one database.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from raystudy.domain import (
    BaseDistribution,
    CategoricalChoice,
    ParamValue,
    as_number,
    check_bounds,
    is_same_choice,
    last_on_grid,
)

__all__ = [
    "BaseDistribution",
    "DISTRIBUTION_CLASSES",
    "CategoricalChoice",
    "CategoricalChoiceType",
    "CategoricalDistribution",
    "Distribution",
    "FloatDistribution",
    "IntDistribution",
    "ParamValue",
    "check_distribution_compatibility",
    "distribution_to_json",
    "json_to_distribution",
]

#: How far a value may lie from its grid, in steps, and still count as on it (float64 rounding comes on top).
_GRID_TOLERANCE = 1.0e-8


@dataclass(frozen=True, slots=True)
class FloatDistribution(BaseDistribution):
    """Real numbers from ``low`` to ``high`` (both included), on a linear, logarithmic or stepped scale.

    Raises:
        ValueError: If ``low > high``, ``log`` is given with ``low <= 0`` or with ``step``, or ``step <= 0``.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        low, high = (as_number("FloatDistribution", float, bound) for bound in (self.low, self.high))
        check_bounds("FloatDistribution", low, high, self.log, 5e-324)
        if self.step is not None:
            if self.log:
                raise ValueError("FloatDistribution: log=True and step exclude each other; drop one of them")
            if self.step <= 0:
                raise ValueError(f"FloatDistribution: need step > 0, got step={self.step}")
            high = last_on_grid(low, high, float(self.step))
            object.__setattr__(self, "step", float(self.step))
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def single(self) -> bool:
        """Whether the domain holds exactly one value."""
        if self.step is None:
            return self.low == self.high
        return Decimal(str(self.high)) - Decimal(str(self.low)) < Decimal(str(self.step))

    def to_internal_repr(self, param_value_in_external_repr: ParamValue) -> float:
        """Return the float64 form of an external value; raise ValueError for anything but a number."""
        try:
            internal = float(param_value_in_external_repr)  # type: ignore[arg-type]  # the error below is clearer than a type check
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"expected a number for a float parameter, got {param_value_in_external_repr!r}"
            ) from error
        if math.isnan(internal):
            raise ValueError("expected a number for a float parameter, got nan")
        return internal

    def to_external_repr(self, param_value_in_internal_repr: float) -> float:
        """Return the external value of an internal one."""
        return param_value_in_internal_repr

    def contains(self, internal: float) -> bool:
        """Whether an internal value lies inside the domain."""
        if not self.low <= internal <= self.high:
            return False
        if self.step is None:
            return True
        steps = (internal - self.low) / self.step
        # Far from zero, the rounding of the two decimals alone is more than the tolerance: 524288.57 by 0.01.
        rounding = (math.ulp(self.low) + math.ulp(internal)) / self.step
        return abs(steps - round(steps)) < _GRID_TOLERANCE + rounding


@dataclass(frozen=True, slots=True)
class IntDistribution(BaseDistribution):
    """Whole numbers from ``low`` to ``high`` (both included), on a linear, logarithmic or stepped scale.

    Raises:
        ValueError: If ``low > high``, ``log`` is given with ``low < 1`` or ``step != 1``, or ``step < 1``.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        low, high, step = (
            as_number("IntDistribution", int, given) for given in (self.low, self.high, self.step)
        )
        check_bounds("IntDistribution", low, high, self.log, 1)
        if step < 1:
            raise ValueError(f"IntDistribution: need step >= 1, got step={self.step}")
        if self.log and step != 1:
            raise ValueError("IntDistribution: log=True and step exclude each other; drop one of them")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", int(last_on_grid(low, high, step)))
        object.__setattr__(self, "step", step)

    def single(self) -> bool:
        """Whether the domain holds exactly one value."""
        return self.high - self.low < self.step

    def to_internal_repr(self, param_value_in_external_repr: ParamValue) -> float:
        """Return the float64 form of an external value; raise ValueError for anything but a number."""
        try:
            internal = float(param_value_in_external_repr)  # type: ignore[arg-type]  # the error below is clearer than a type check
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"expected a number for an int parameter, got {param_value_in_external_repr!r}"
            ) from error
        if not math.isfinite(internal):
            raise ValueError(
                f"expected a finite number for an int parameter, got {param_value_in_external_repr!r}"
            )
        return internal

    def to_external_repr(self, param_value_in_internal_repr: float) -> int:
        """Return the external value of an internal one."""
        return int(param_value_in_internal_repr)

    def contains(self, internal: float) -> bool:
        """Whether an internal value lies inside the domain."""
        return self.low <= internal <= self.high and (internal - self.low) % self.step == 0


@dataclass(frozen=True, slots=True)
class CategoricalDistribution(BaseDistribution):
    """A finite, unordered set of choices.

    Raises:
        ValueError: If there is no choice.
    """

    choices: tuple[CategoricalChoice, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.choices))
        if not self.choices:
            raise ValueError("CategoricalDistribution: need at least one choice, got none")
        for choice in self.choices:
            if choice is not None and not isinstance(choice, (bool, int, float, str)):
                warnings.warn(
                    f"choice {choice!r} is of type {type(choice).__name__}; a database keeps only None, bool, int, "
                    "float and str, so give such choices a name and look the object up by it",
                    UserWarning,
                    stacklevel=3,
                )

    def __eq__(self, other: object) -> bool:
        """Equal when the choices are the same, in the same order; NaN equals NaN."""
        if not isinstance(other, CategoricalDistribution) or len(self.choices) != len(other.choices):
            return False
        if self.choices == other.choices:  # by far the fastest, and the rule but for NaN
            return True
        return all(is_same_choice(a, b) for a, b in zip(self.choices, other.choices, strict=True))

    def __hash__(self) -> int:
        return hash((type(self), len(self.choices)))

    def single(self) -> bool:
        """Whether the domain holds exactly one value."""
        return len(self.choices) == 1

    def to_internal_repr(self, param_value_in_external_repr: ParamValue) -> float:
        """Return the index of a choice; raise ValueError if it is none of them."""
        value = param_value_in_external_repr
        for index, choice in enumerate(self.choices):
            if type(choice) is type(value) and is_same_choice(choice, value):
                return float(index)
        for index, choice in enumerate(self.choices):
            if is_same_choice(choice, value):
                return float(index)
        raise ValueError(f"expected one of {self.choices!r}, got {value!r}")

    def to_external_repr(self, param_value_in_internal_repr: float) -> CategoricalChoice:
        """Return the choice at an index."""
        return self.choices[int(param_value_in_internal_repr)]

    def contains(self, internal: float) -> bool:
        """Whether an internal value is the index of a choice."""
        return 0 <= int(internal) < len(self.choices)


Distribution = FloatDistribution | IntDistribution | CategoricalDistribution

# Optuna's names.
CategoricalChoiceType = CategoricalChoice
DISTRIBUTION_CLASSES = (FloatDistribution, IntDistribution, CategoricalDistribution)

# By the names in JSON texts, with what each implies: Optuna's of today, those before 3.0, and the short ones.
_FORMS: dict[str, tuple[Callable[..., Distribution], dict[str, Any]]] = {
    **dict.fromkeys(("FloatDistribution", "UniformDistribution", "float"), (FloatDistribution, {})),
    **dict.fromkeys(("IntDistribution", "IntUniformDistribution", "int"), (IntDistribution, {})),
    **dict.fromkeys(("CategoricalDistribution", "categorical"), (CategoricalDistribution, {})),
    "DiscreteUniformDistribution": (FloatDistribution, {}),
    "LogUniformDistribution": (FloatDistribution, {"log": True}),
    "IntLogUniformDistribution": (IntDistribution, {"log": True, "step": 1}),
}


#: Optuna's distributions of before 3.0, which make one of the three above.
_DEPRECATED = (
    "DiscreteUniformDistribution",
    "IntLogUniformDistribution",
    "IntUniformDistribution",
    "LogUniformDistribution",
    "UniformDistribution",
)


def __getattr__(name: str) -> Any:
    if name not in _DEPRECATED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("raystudy.old_distributions"), name)


def distribution_to_json(dist: Distribution) -> str:
    """Return the JSON text that databases hold for a distribution."""
    return json.dumps({"name": type(dist).__name__, "attributes": dist._asdict()})


def json_to_distribution(json_str: str) -> Distribution:
    """Return the distribution that a JSON text describes.

    Raises:
        ValueError: If the text names no known distribution.
    """
    form: dict[str, Any] = json.loads(json_str)
    name = form.pop("name", None) or form.pop("type", "")
    if name not in _FORMS:
        raise ValueError(f"expected one of {sorted(_FORMS)}, got {json_str[:200]}")
    cls, implied = _FORMS[name]
    attributes = {**form.get("attributes", form), **implied}
    # The step of DiscreteUniformDistribution was called q; an absent one is None in some texts.
    given = {{"q": "step"}.get(key, key): value for key, value in attributes.items() if value is not None}
    return cls(**given)


def check_distribution_compatibility(dist_old: Distribution, dist_new: Distribution, name: str = "?") -> None:
    """Check that one parameter may have had these two distributions in the trials of one study.

    Bounds and steps may change from trial to trial; kind, scale and choices may not.

    Raises:
        ValueError: If kind, scale or choices differ.
    """
    if type(dist_old) is not type(dist_new):
        what = "a distribution of another kind"
    elif isinstance(dist_old, CategoricalDistribution):
        if dist_old == dist_new:
            return
        what = "other choices (a categorical does not support a dynamic value space)"
    elif dist_old.log == dist_new.log:  # type: ignore[union-attr]  # both are numeric here
        return
    else:
        what = "another log scale"
    raise ValueError(
        f"parameter {name!r} has {what} than in an earlier trial of this study: "
        f"was {dist_old}, is now {dist_new}; use another name for the new parameter"
    )
