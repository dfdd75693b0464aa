"""The order of values in columns that grow at their end, kept from one proposal to the next.

What is kept changes no result: it is compared with the columns that are given, and computed anew where they differ in
more than a few new rows.

Notation: ``d`` columns, ``n`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Orders", "order_within", "stable_argsort"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: New rows that are put in one by one.
_FEW = 4


@dataclass(slots=True)
class Orders:
    """Remembers the order of the columns that it was asked for last."""

    _columns: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    _order: IntArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))

    def of(self, columns: FloatArray) -> IntArray:
        """Return the rows of each column by increasing value, ties by row and NaN last: (d, n) to (d, n)."""
        d, n = columns.shape
        n_known = self._columns.shape[1]
        if len(self._columns) != d or not n_known <= n <= n_known + _FEW or not self._is_prefix_of(columns):
            self._order = stable_argsort(columns)[0]
        else:
            for row in range(n_known, n):
                self._insert(columns[:, :row], columns[:, row, None])
        self._columns = columns
        return self._order

    def _is_prefix_of(self, columns: FloatArray) -> bool:
        # Bits, since NaN differs from itself.
        known = self._columns.view(np.int64)
        return bool((known == columns.view(np.int64)[:, : known.shape[1]]).all())

    def _insert(self, columns: FloatArray, values: FloatArray) -> None:
        """Put the next row in, whose values are (d, 1)."""
        d, n = columns.shape
        place = np.where(np.isnan(values[:, 0]), n, (columns <= values).sum(axis=1))[:, None]
        at = np.arange(n + 1)
        order = np.full((d, n + 1), n)
        order[at < place], order[at > place] = self._split(place)
        self._order = order

    def _split(self, place: IntArray) -> tuple[IntArray, IntArray]:
        is_before = np.arange(self._order.shape[1]) < place
        return self._order[is_before], self._order[~is_before]


def order_within(order: IntArray, is_member: BoolArray) -> IntArray:
    """Return the order (d, m) of m members among themselves, given that of all rows (d, n)."""
    position = np.cumsum(is_member) - 1
    members: IntArray = position[order[is_member[order]]]
    return members.reshape(len(order), int(is_member.sum()))


def stable_argsort(rows: FloatArray) -> tuple[IntArray, FloatArray]:
    """Sort each row, ties by position: (order, sorted rows).

    Faster than ``kind="stable"``, and the same on every processor, which a plain ``argsort`` is not.
    """
    order = np.argsort(rows, axis=1)
    ranked = rows[np.arange(len(rows))[:, None], order]
    rises = ranked[:, 1:] != ranked[:, :-1]
    tied = np.flatnonzero(~rises.all(axis=1))
    if len(tied):
        group = np.zeros((len(tied), rows.shape[1]), dtype=np.int64)
        np.cumsum(rises[tied], axis=1, out=group[:, 1:])
        group *= rows.shape[1]
        order[tied] = np.sort(group + order[tied], axis=1) - group
    return order, ranked
