"""Constraints of a trial as system attributes: one encoding that Optuna 5 and its dashboard 0.21 both show.

Optuna 5 reads ``constraints:<name>``, and the older list ``constraints``, whose items it names "0", "1" and so
on; the dashboard reads the list alone.  Constraints with names of their own are therefore written both ways.
Optuna then holds each of them twice, once by name and once by position: what is feasible, and which of two
trials violates more, stays the same.  A trial is feasible if no constraint is above zero.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

__all__ = [
    "CONSTRAINTS",
    "CONSTRAINT_KEYS",
    "constraint_value",
    "constraints_from_attrs",
    "constraints_to_attrs",
    "is_feasible",
    "violation_of",
]

#: The attribute that holds the list, and the beginning of the names of the others.
CONSTRAINTS = "constraints"
#: What to ask a storage for, to have the constraints of many trials.
CONSTRAINT_KEYS = (CONSTRAINTS, f"{CONSTRAINTS}:")


def constraints_to_attrs(constraints: Mapping[str, float]) -> dict[str, Any]:
    """Return the system attributes that hold the constraints of a trial, to be written all at once.

    Raises:
        ValueError: If a constraint is NaN: nobody could tell whether the trial is feasible.
        TypeError: If a constraint is no number.
    """
    values = {name: constraint_value(name, value) for name, value in constraints.items()}
    if not values:
        return {}
    positions = _positions(len(values))
    has_own_names = values.keys() != set(positions)
    names = list(values) if has_own_names else positions
    # The dashboard passes the list on as JSON, in which a browser knows no infinities.
    attrs: dict[str, Any] = {CONSTRAINTS: [_finite(values[name]) for name in names]}
    if has_own_names:
        attrs |= {f"{CONSTRAINTS}:{name}": values[name] for name in names}
    return attrs


def constraints_from_attrs(system_attrs: Mapping[str, Any]) -> dict[str, float]:
    """Return the constraints of a trial by name, whichever library has written them."""
    prefix = f"{CONSTRAINTS}:"
    named = {k.removeprefix(prefix): float(v) for k, v in system_attrs.items() if k.startswith(prefix)}
    listed = [float(value) for value in system_attrs.get(CONSTRAINTS) or ()]
    if sorted(map(_finite, named.values())) == sorted(map(_finite, listed)):
        return named
    return dict(zip(_positions(len(listed)), listed, strict=True)) | named


def is_feasible(constraints: Mapping[str, float]) -> bool:
    """Whether no constraint is above zero; a trial without constraints is feasible."""
    return all(value <= 0.0 for value in constraints.values())


def violation_of(constraints: Mapping[str, float]) -> float:
    """Return by how much constraints are violated in all: the sum of those above zero."""
    return sum(value for value in constraints.values() if value > 0.0)


def constraint_value(name: str, value: float) -> float:
    """Return the value of a constraint as a float.

    Raises:
        ValueError: If it is NaN: nobody could tell whether the trial is feasible.
        TypeError: If it is no number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"constraint {name!r}: expected a number, got {value!r}; it is met if it is at most 0"
        ) from error
    if math.isnan(number):
        raise ValueError(
            f"constraint {name!r}: expected a number, got nan; use a positive one for a violation"
        )
    return number


def _finite(value: float) -> float:
    return max(-sys.float_info.max, min(sys.float_info.max, value))


def _positions(count: int) -> list[str]:
    return [str(position) for position in range(count)]
