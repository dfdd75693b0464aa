"""How a value looks in a row: pure functions between Python values and Optuna 5's columns.

Knows no SQL.  Databases hold naive UTC times, objective values as a number and a kind (so that infinities
and NaN survive in every dialect), parameters as internal float64 values, attributes as JSON texts.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from enum import Enum
from functools import lru_cache
from typing import Any

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    ParamValue,
    distribution_to_json,
    json_to_distribution,
)
from raystudy.exceptions import StorageInternalError

__all__ = [
    "ReportKind",
    "ValueKind",
    "attribute_from_json",
    "attribute_to_json",
    "distribution_from_row",
    "number_from_row",
    "param_to_row",
    "report_to_row",
    "to_local",
    "to_utc",
    "value_to_row",
]


class ValueKind(Enum):
    """What an objective value is; the names are what databases hold."""

    FINITE = 1
    INF_POS = 2
    INF_NEG = 3


class ReportKind(Enum):
    """What an intermediate value is; the names are what databases hold."""

    FINITE = 1
    INF_POS = 2
    INF_NEG = 3
    NAN = 4


_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def value_to_row(value: float) -> tuple[float | None, ValueKind]:
    """Return number and kind of an objective value; raise ValueError for NaN, which has no kind."""
    value = float(value)
    if math.isfinite(value):
        return value, ValueKind.FINITE
    if math.isnan(value):
        raise ValueError("expected an objective value that is a number, got nan; finish the trial as FAIL")
    return None, ValueKind.INF_POS if value > 0 else ValueKind.INF_NEG


def report_to_row(value: float) -> tuple[float | None, ReportKind]:
    """Return number and kind of an intermediate value."""
    value = float(value)
    if math.isfinite(value):
        return value, ReportKind.FINITE
    if math.isnan(value):
        return None, ReportKind.NAN
    return None, ReportKind.INF_POS if value > 0 else ReportKind.INF_NEG


def number_from_row(number: float | None, kind: ValueKind | ReportKind) -> float:
    """Return the value that a number and a kind stand for.

    Raises:
        StorageInternalError: If they contradict each other.
    """
    if number is not None and kind.name == "FINITE":
        return number
    if number is None and kind.name in _NOT_FINITE:
        return _NOT_FINITE[kind.name]
    raise StorageInternalError(
        f"expected a number if and only if its kind is FINITE, got {number} and {kind.name}"
    )


def to_utc(local: dt.datetime | None) -> dt.datetime | None:
    """Return the naive UTC time of a naive local (or an aware) time."""
    return None if local is None else local.astimezone(dt.UTC).replace(tzinfo=None)


def to_local(utc: dt.datetime | None) -> dt.datetime | None:
    """Return the naive local time of a naive UTC time."""
    return None if utc is None else utc.replace(tzinfo=dt.UTC).astimezone().replace(tzinfo=None)


def attribute_to_json(key: str, value: Any) -> str:
    """Return the JSON text of an attribute; NaN and infinities are written as Optuna reads them.

    Raises:
        TypeError: If the value, or something inside it, has no JSON form.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"attribute {key!r}: expected None, bool, int, float, str, or lists and dicts of these, got "
            f"{type(value).__name__} ({error}); convert it (arrays: .tolist()) or store a path to it"
        ) from error


def attribute_from_json(text: str) -> Any:
    """Return the value of an attribute's JSON text."""
    return json.loads(text)


def param_to_row(name: str, value: ParamValue, distribution: Distribution) -> tuple[float, str]:
    """Return a parameter's internal value and the JSON text of its distribution.

    Raises:
        TypeError: If a choice has no JSON form.
        ValueError: If the value does not belong to the distribution.
    """
    # 1 == True == 1.0, so equal categoricals may have different texts: the types belong to the cache's key.
    types = (
        tuple(map(type, distribution.choices)) if isinstance(distribution, CategoricalDistribution) else ()
    )
    try:
        text = _distribution_text(distribution, types)
    except TypeError as error:
        raise TypeError(
            f"parameter {name!r}: expected choices of None, bool, int, float or str, got {distribution} "
            f"({error}); use names as choices and look the objects up by name"
        ) from error
    return distribution.to_internal_repr(value), text


def distribution_from_row(name: str, text: str) -> Distribution:
    """Return the distribution of a parameter; equal texts give one and the same object.

    Raises:
        StorageInternalError: If the text describes no known distribution.
    """
    try:
        return _distribution(text)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageInternalError(
            f"parameter {name!r} has a distribution that cannot be read: {error}"
        ) from error


@lru_cache(maxsize=4096)
def _distribution_text(distribution: Distribution, _types: tuple[type, ...]) -> str:
    return distribution_to_json(distribution)


@lru_cache(maxsize=4096)
def _distribution(text: str) -> Distribution:
    return json_to_distribution(text)
