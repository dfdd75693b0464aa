"""Operators as plain JSON values, and what counts as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from raystudy.samplers.nsgaii.crossovers import (
    BLXAlphaCrossover,
    SPXCrossover,
    UNDXCrossover,
    UniformCrossover,
)
from raystudy.samplers.nsgaii.mutations import PolynomialMutation
from raystudy.samplers.nsgaii.operators import BaseCrossover, BaseMutation
from raystudy.samplers.nsgaii.sbx import SBXCrossover, VSBXCrossover

__all__ = ["as_crossover", "as_mutation", "operator_spec"]

Operator = BaseCrossover | BaseMutation

_OWN: dict[str, type[Any]] = {
    each.__name__: each
    for each in (
        *(BLXAlphaCrossover, SBXCrossover, SPXCrossover, UNDXCrossover, UniformCrossover, VSBXCrossover),
        PolynomialMutation,
    )
}


def operator_spec(operator: Operator) -> dict[str, Any] | None:
    """Return the arguments of an operator of ours, with its class name under ``name``; None for any other one."""
    kind = type(operator)
    if _OWN.get(kind.__name__) is not kind:
        return None
    return {"name": kind.__name__, **asdict(cast("Any", operator))}


def as_crossover(given: object) -> BaseCrossover:
    """Return a crossover that was given as it is, or by its spec.

    Raises:
        ValueError: If it is none.
    """
    made = _made(given)
    if (
        isinstance(made, type)
        or not callable(getattr(made, "crossover", None))
        or not hasattr(made, "n_parents")
    ):
        raise ValueError(
            "expected a crossover, such as raystudy.samplers.nsgaii.SBXCrossover(), or an object of a subclass of "
            f"BaseCrossover, got {given!r}"
        )
    return cast("BaseCrossover", made)


def as_mutation(given: object) -> BaseMutation:
    """Return a mutation that was given as it is, or by its spec.

    Raises:
        ValueError: If it is none.
    """
    made = _made(given)
    if isinstance(made, type) or not callable(getattr(made, "mutation", None)):
        raise ValueError(
            "expected a mutation, such as raystudy.samplers.nsgaii.PolynomialMutation(), or an object of a subclass "
            f"of BaseMutation, got {given!r}"
        )
    return cast("BaseMutation", made)


def _made(given: object) -> object:
    """Return the operator that a spec describes; what is no spec stays."""
    if not isinstance(given, Mapping) or given.get("name") not in _OWN:
        return given
    arguments = dict(given)
    return _OWN[arguments.pop("name")](**arguments)
