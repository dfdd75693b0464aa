"""Many trials as arrays, on their way into a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution

__all__ = ["Batch"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many trials at once, for ``History.load``; parameters are flat, one entry per value.

    Attributes:
        numbers: (m,) int64, each once.
        states: (m,) int8.
        values: (m, k) float64, NaN where there are none.
        observed: (m, 2) float64, step and intermediate value as for ``History.update``, NaN where there is none.
        rows: (p,) int32, index of the trial that has the parameter, ascending.
        kinds: (p,) int32, index into ``space``.
        internals: (p,) float64, internal values.
        space: Names and distributions.
        report_rows: (r,) int32, index of the trial that made the report.
        report_steps: (r,) int64.
        report_values: (r,) float64, intermediate values; NaN is one.
        constraints: (m,) float64 by name, values of each constraint, NaN where a trial does not have it.
    """

    numbers: IntArray
    states: npt.NDArray[np.int8]
    values: FloatArray
    observed: FloatArray
    rows: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int32]
    internals: FloatArray
    space: Sequence[tuple[str, Distribution]]
    report_rows: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    report_steps: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    report_values: FloatArray = field(default_factory=lambda: np.empty(0))
    constraints: Mapping[str, FloatArray] = field(default_factory=dict)

    def columns(self) -> Iterator[tuple[str, IntArray, FloatArray]]:
        """Yield each parameter's name, the numbers of the trials that have it and their internal values."""
        names = {name: at for at, name in enumerate(dict.fromkeys(name for name, _ in self.space))}
        which = np.array([names[name] for name, _ in self.space], np.int64)[self.kinds]
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(1, len(names)))
        for name, entries in zip(names, np.split(order, ends), strict=False):
            yield name, self.numbers[self.rows[entries]], self.internals[entries]

    def spaces(self) -> Iterator[dict[str, Distribution]]:
        """Yield the distributions of each trial; trials that are alike share one object."""
        known: dict[bytes, dict[str, Distribution]] = {}
        begins = np.searchsorted(self.rows, np.arange(len(self.numbers) + 1)).tolist()
        for begin, end in pairwise(begins):
            kinds = self.kinds[begin:end]
            key = kinds.tobytes()
            if key not in known:
                known[key] = dict(self.space[kind] for kind in kinds.tolist())
            yield known[key]

    def newest(self) -> Iterator[tuple[str, Distribution, int]]:
        """Yield each name and distribution with the highest number of a trial that has them."""
        newest = np.full(len(self.space), -1)
        np.maximum.at(newest, self.kinds, self.numbers[self.rows])
        for (name, distribution), number in zip(self.space, newest.tolist(), strict=True):
            yield name, distribution, number
