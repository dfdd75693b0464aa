"""The intermediate values of many trials, looked up by step: which value did each trial have at this budget?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["ReportLog"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class ReportLog:
    """Reports in the order in which they were learned; a look-up costs what is new since the one before.

    A report is (number, step, value).  One that is recorded twice counts once.
    """

    def __init__(self) -> None:
        self._size = 0
        self._entries = np.empty((64, 3))
        self._known: dict[int, int] = {}  # how many reports of a trial were recorded
        self._found: dict[
            int, tuple[int, FloatArray]
        ] = {}  # by step: entries seen, and rows of (step, value)

    def add(self, number: int, reports: Mapping[int, float]) -> None:
        """Record the reports of a trial, all that it has made so far in their order; earlier ones may be known."""
        known = self._known.get(number, 0)
        if len(reports) > known:
            new = list(reports.items())[known:]
            self._extend(np.full(len(new), number), *(np.array(each) for each in zip(*new, strict=True)))
            self._known[number] = len(reports)

    def note(self, number: int, step: int, value: float) -> None:
        """Record a report of a trial, known or not."""
        self._extend(np.array([number]), np.array([step]), np.array([value]))

    def load(self, numbers: IntArray, steps: IntArray, values: FloatArray) -> None:
        """Record all the reports of many trials, flat and in any order."""
        self._extend(numbers, steps, values)
        which, counts = np.unique(numbers, return_counts=True)
        self._known |= dict(zip(which.tolist(), counts.tolist(), strict=True))

    def at(self, step: int, n_trials: int) -> FloatArray:
        """Return each trial's first report at a step or after it.

        Returns:
            (n_trials, 2) float64: step, infinite for a trial without one, and value, NaN without one or if it is.
        """
        seen, rows = self._found.get(step, (0, np.empty((0, 2))))
        if len(rows) < n_trials:
            missing = np.tile([np.inf, np.nan], (max(n_trials, 2 * len(rows)) - len(rows), 1))
            rows = np.concatenate([rows, missing])
        new = self._entries[seen : self._size]
        new = new[new[:, 1] >= step]
        new = new[
            np.argsort(-new[:, 1], kind="stable")
        ]  # of several reports of a trial, the earliest is set last
        numbers = new[:, 0].astype(np.int64)
        is_earlier = new[:, 1] < rows[numbers, 0]
        rows[numbers[is_earlier]] = new[is_earlier, 1:]
        self._found[step] = self._size, rows
        return rows[:n_trials]

    def _extend(self, numbers: IntArray, steps: IntArray, values: FloatArray) -> None:
        begin, self._size = self._size, self._size + len(numbers)
        if self._size > len(self._entries):
            extra = np.empty((max(self._size, 2 * len(self._entries)) - len(self._entries), 3))
            self._entries = np.concatenate([self._entries, extra])
        self._entries[begin : self._size] = np.stack([numbers, steps, values], axis=1)
