"""The constraints of many trials as columns: one for each constraint, and one for their violation in all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from raystudy.constraints import violation_of

__all__ = ["ConstraintLog"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class ConstraintLog:
    """Values of constraints by trial number and name; a constraint is met where it is at most 0."""

    def __init__(self) -> None:
        self._violations = np.zeros(64)
        self._columns: dict[str, FloatArray] = {}

    def set(self, number: int, constraints: Mapping[str, float], violation: float = 0.0) -> None:
        """Record the constraints of a trial in place of earlier ones; ``violation`` counts only without any."""
        self._reserve(number + 1)
        for column in self._columns.values():
            column[number] = np.nan
        for name, value in constraints.items():
            self._column(name)[number] = value
        # Summed in the order of the names, here and in ``load``: a study that is opened again has the same digits.
        self._violations[number] = (
            violation_of(dict(sorted(constraints.items()))) if constraints else violation
        )

    def load(self, numbers: IntArray, columns: Mapping[str, FloatArray]) -> None:
        """Record the constraints of many trials: (m,) values by name, NaN where a trial does not have one."""
        self._reserve(int(numbers.max(initial=-1)) + 1)
        self._violations[numbers] = 0.0
        for name, values in sorted(columns.items()):
            self._column(name)[numbers] = values
            self._violations[numbers] += np.where(values > 0.0, values, 0.0)

    def violations(self, n_trials: int) -> FloatArray:
        """Return the sums of the constraints above zero, (n_trials,)."""
        self._reserve(n_trials)
        return self._violations[:n_trials]

    def columns(self, n_trials: int) -> dict[str, FloatArray]:
        """Return the values of each constraint, (n_trials,) by name, NaN where a trial does not have it."""
        self._reserve(n_trials)
        return {name: self._columns[name][:n_trials] for name in sorted(self._columns)}

    def _column(self, name: str) -> FloatArray:
        return self._columns.setdefault(name, np.full(len(self._violations), np.nan))

    def _reserve(self, size: int) -> None:
        known = len(self._violations)
        if size > known:
            extra = max(2 * known, size) - known
            self._violations = np.concatenate([self._violations, np.zeros(extra)])
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.full(extra, np.nan)])
