"""Which trials of ask-and-tell wait at their checkpoint, and the judge's word on them.

The word may come before a trial is parked: between its verdict and ``park`` another report can promote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["ParkingLot"]


class ParkingLot:
    """The parked trials, by number."""

    def __init__(self) -> None:
        self._parked: set[int] = set()
        #: Trials that may go on, in the order of the judge's word: the rung they leave, -1 for none.
        self._promoted: dict[int, int] = {}
        self._dropped: set[int] = set()

    def __contains__(self, number: int) -> bool:
        """Whether a trial is parked."""
        return number in self._parked

    def numbers(self) -> list[int]:
        """Return all parked trials, the oldest first."""
        return sorted(self._parked)

    def hear(self, promoted: Mapping[int, int], dropped: Iterable[int]) -> None:
        """Take the judge's word on trials that are parked or will be."""
        self._promoted.update(promoted)
        self._dropped.update(dropped)

    def park(self, number: int) -> None:
        """Let a trial wait."""
        self._parked.add(number)

    def may_go_on(self, number: int, rung: int = -1) -> None:
        """Note that a parked trial waits for nobody, unless the judge has said so already."""
        self._promoted.setdefault(number, rung)

    def next_promoted(self) -> int | None:
        """Return the promoted trial of the highest rung; of equals, the one that was promoted first."""
        ready = [number for number in self._promoted if number in self._parked]
        return max(ready, key=self._promoted.__getitem__, default=None)

    def next_dropped(self) -> int | None:
        """Return a parked trial that will never go on, or None."""
        return min(self._dropped & self._parked, default=None)

    def leave(self, number: int) -> int:
        """Let go of a trial that goes on or has ended; return the rung from which it was promoted, or -1."""
        self._parked.discard(number)
        self._dropped.discard(number)
        return self._promoted.pop(number, -1)
