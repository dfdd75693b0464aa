"""What a decision on a trial rests on, and the tables of the rungs, for people who ask why.

A judge that can say more than its verdict does so by one of the two protocols below; nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from raystudy.pruners.base import Judge

__all__ = ["GivesGrounds", "Grounds", "HasTables", "RungTable", "grounds_of"]

#: Finite JSON.  Of a decision at a rung: ``rung`` (0 is the lowest), ``budget``, ``rank`` (1 is the best) among
#: ``of`` values recorded by then, ``places`` for those who may go on, ``taken`` of them.  Of another one:
#: ``because``, a sentence.
Grounds = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RungTable:
    """The values at one rung of a bracket.

    Attributes:
        bracket: The bracket, as its judge counts it.
        rung: The rung, 0 is the lowest.
        budget: Its budget.
        values: Pairs of trial number and value, the best first, NaN last.
        places: How many of them may go on, or None at the last rung.
    """

    bracket: int
    rung: int
    budget: int
    values: tuple[tuple[int, float], ...]
    places: int | None


@runtime_checkable
class GivesGrounds(Protocol):
    """A judge that can tell what its last decision on a trial rests on."""

    def grounds(self, number: int) -> Grounds:
        """Return the facts at this moment, empty if there are none."""


@runtime_checkable
class HasTables(Protocol):
    """A judge with rungs."""

    def tables(self) -> Sequence[RungTable]:
        """Return the rungs of all brackets, lowest bracket and rung first."""


def grounds_of(judge: Judge, number: int) -> Grounds:
    """Return what a judge's last decision on a trial rests on, empty if it does not say."""
    return judge.grounds(number) if isinstance(judge, GivesGrounds) else {}
