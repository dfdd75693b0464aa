"""Dealing trials to the brackets of a cycle at the same rate, so that a study of any length has their mixture.

``bracket`` numbers count the brackets over all cycles: ``bracket % n_brackets`` is the place in the cycle.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Dealer"]


class Dealer:
    """Counts the trials in each bracket and says where the next one goes.

    Attributes:
        sizes: How many trials each bracket of a cycle takes; empty while that is unknown.
    """

    def __init__(self, sizes: Sequence[int] = ()) -> None:
        self.sizes = tuple(sizes)
        self._taken: dict[int, int] = {}
        self._n_full_cycles = 0

    def deal(self) -> int | None:
        """Return that bracket of the first unfilled cycle which the next trial fills least, as a share of its size."""
        if not self.sizes:
            return None
        first = self._n_full_cycles * len(self.sizes)
        shares = [(self._taken.get(first + i, 0) + 1) / size for i, size in enumerate(self.sizes)]
        return first + shares.index(min(shares))

    def join(self, bracket: int) -> bool:
        """Count a trial into a bracket and return whether that is full now."""
        self._taken[bracket] = self._taken.get(bracket, 0) + 1
        if not self.sizes or self._taken[bracket] < self.sizes[bracket % len(self.sizes)]:
            return False
        while self._is_full(self._n_full_cycles):
            self._n_full_cycles += 1
        return True

    def _is_full(self, cycle: int) -> bool:
        first = cycle * len(self.sizes)
        return all(self._taken.get(first + i, 0) >= size for i, size in enumerate(self.sizes))
