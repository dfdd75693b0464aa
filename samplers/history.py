"""The history of a study as columns by trial number, kept up to date one trial at a time.

It knows trials, not samplers: which rows count as observed or as pending, and which parameters all of them
share.  It is pure and deterministic: the same rows give the same columns, in whatever order they arrived.

Notation: ``n`` rows (highest recorded trial number + 1), ``k`` objectives.

    states          (n,) int8      TrialState of each trial, ABSENT where none was recorded
    roles           (n,) int8      Role of each trial
    values          (n, k) float64 objective values, NaN where there are none
    observed_steps  (n,) float64   step of the judged intermediate value, NaN where there is none
    observed_values (n,) float64   that intermediate value
    violations      (n,) float64   sum of the constraints above zero, 0 where all are met or there are none
    constraints     (n,) float64   values of each constraint by its name, NaN where a trial does not have it
    column(name)    (n,) float64   internal values of one parameter, NaN where it is absent
    values_from(s)  (n,) float64   each trial's first intermediate value at step s or later, NaN where there is none
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.batch import Batch
from raystudy.samplers.constraint_log import ConstraintLog
from raystudy.samplers.orders import Orders
from raystudy.samplers.reports import ReportLog
from raystudy.samplers.roles import Role, counts_in_space, role_of, roles_of
from raystudy.samplers.rows import check_row
from raystudy.samplers.shared_space import SharedSpace

__all__ = ["ABSENT", "History", "Role"]

#: State of a row whose trial was never recorded.
ABSENT = -1

_FIRST_CAPACITY = 64

FloatArray = npt.NDArray[np.float64]
Int8Array = npt.NDArray[np.int8]
Array = TypeVar("Array", bound=npt.NDArray[Any])


class History:
    """All trials of one study, as numpy columns; arrays handed out are read-only views.

    Args:
        directions: One direction per objective.

    Raises:
        ValueError: If there is no direction, or one is not set.
    """

    def __init__(self, directions: Sequence[StudyDirection]) -> None:
        if not directions or StudyDirection.NOT_SET in directions:
            raise ValueError(
                f"expected one direction (MINIMIZE or MAXIMIZE) per objective, got {list(directions)}"
            )
        self.directions = tuple(directions)
        #: Grows by one with every update: a key for caches.
        self.version = 0
        #: Number of the trial that is drawn for; its row, if there is one, holds what it has already.
        self.asking: int | None = None
        #: Seed of the study.
        self.seed = 0
        self._size = 0
        self._states: Int8Array = np.full(_FIRST_CAPACITY, ABSENT, dtype=np.int8)
        self._roles: Int8Array = np.full(_FIRST_CAPACITY, Role.IGNORED, dtype=np.int8)
        self._values = _nan_rows(_FIRST_CAPACITY, len(self.directions))
        self._observed = _nan_rows(_FIRST_CAPACITY, 2)
        self._constraints = ConstraintLog()
        self._columns: dict[str, FloatArray] = {}
        self._spaces: dict[int, dict[str, Distribution]] = {}
        self._latest: dict[str, tuple[int, Distribution]] = {}
        self._shared = {Role.OBSERVED: SharedSpace(), Role.PENDING: SharedSpace()}
        self._n_by_role = dict.fromkeys(Role, 0)
        self._reports = ReportLog()
        #: Remembers how the columns of the last proposal are sorted.
        self.orders = Orders()

    def __len__(self) -> int:
        """Return the length of the columns: the highest recorded trial number + 1."""
        return self._size

    @property
    def states(self) -> Int8Array:
        """States of the trials, (n,) int8."""
        return _read_only(self._states[: self._size])

    @property
    def roles(self) -> Int8Array:
        """Roles of the trials, (n,) int8."""
        return _read_only(self._roles[: self._size])

    @property
    def values(self) -> FloatArray:
        """Objective values, (n, k) float64, NaN where there are none."""
        return _read_only(self._values[: self._size])

    @property
    def observed_steps(self) -> FloatArray:
        """Step of the judged intermediate value of each trial, (n,) float64, NaN where there is none."""
        return _read_only(self._observed[: self._size, 0])

    @property
    def observed_values(self) -> FloatArray:
        """Judged intermediate value of each trial, (n,) float64, NaN where there is none."""
        return _read_only(self._observed[: self._size, 1])

    @property
    def violations(self) -> FloatArray:
        """Sum of the violated constraints of each trial, (n,) float64, 0 for a feasible one."""
        return _read_only(self._constraints.violations(self._size))

    @property
    def constraints(self) -> dict[str, FloatArray]:
        """Values of each constraint, (n,) float64 by name, NaN where a trial does not have it."""
        return {name: _read_only(values) for name, values in self._constraints.columns(self._size).items()}

    @property
    def n_observed(self) -> int:
        """Number of observed trials."""
        return self._n_by_role[Role.OBSERVED]

    @property
    def n_pending(self) -> int:
        """Number of pending trials."""
        return self._n_by_role[Role.PENDING]

    def column(self, name: str) -> FloatArray:
        """Return the internal values of one parameter, (n,) float64; all NaN for an unknown name."""
        column = self._columns.get(name)
        if column is None:
            column = np.full(self._size, np.nan)
        return _read_only(column[: self._size])

    def space(self, number: int) -> Mapping[str, Distribution]:
        """Return the distributions of a trial's parameters, in the order in which they were recorded."""
        return self._spaces.get(number, {})

    def values_from(self, step: int) -> FloatArray:
        """Return each trial's first intermediate value at a step or later, (n,) float64, NaN where there is none.

        A NaN that was reported stands as the worst infinity of the first direction.
        """
        steps, values = self._reports.at(step, self._size).T
        worst = -np.inf if self.directions[0] is StudyDirection.MAXIMIZE else np.inf
        return np.where(np.isnan(values) & np.isfinite(steps), worst, values)

    def known_space(self) -> dict[str, Distribution]:
        """Return every parameter ever recorded, as the newest trial that has it, sorted by name."""
        return {name: distribution for name, (_, distribution) in sorted(self._latest.items())}

    def joint_space(self) -> dict[str, Distribution]:
        """Return the parameters that all observed trials have with one and the same distribution.

        While nothing is observed, the pending trials that have parameters stand in for the observed ones.
        """
        observed = self._shared[Role.OBSERVED]
        return (observed if observed.n_rows else self._shared[Role.PENDING]).intersection()

    def groups(self) -> list[list[str]]:
        """Return the parameters of the observed trials, in groups that always come together, sorted by name."""
        return self._shared[Role.OBSERVED].groups()

    def update(
        self,
        number: int,
        state: TrialState,
        params: Mapping[str, ParamValue],
        distributions: Mapping[str, Distribution],
        values: Sequence[float] | None = None,
        observed: tuple[int, float] | None = None,
        reports: Mapping[int, float] | None = None,
        violation: float = 0.0,
        constraints: Mapping[str, float] | None = None,
    ) -> None:
        """Insert the row of a trial, or replace it; takes O(params) time.

        Args:
            number: Number of the trial.
            state: State of the trial.
            params: External values of its parameters.
            distributions: Their distributions, under the same names.
            values: Objective values, one per direction; needed for COMPLETE.
            observed: (step, intermediate value) at which a PRUNED or RUNNING trial was last judged; a RUNNING
                trial without it is pending.
            reports: All intermediate values so far, by step, in their order; none is forgotten later.
            violation: Sum of its constraints above zero, where they themselves are not given.
            constraints: Its constraints by name; met are those at most 0.

        Raises:
            ValueError: If the parts contradict each other; nothing is changed then.
        """
        check_row(number, state, params, distributions, values, len(self.directions))
        internal = {name: distributions[name].to_internal_repr(value) for name, value in params.items()}
        self._reserve(number + 1)
        self._forget(number)
        role = role_of(state, observed is not None)
        self._states[number] = state
        self._roles[number] = role
        self._values[number] = np.nan if values is None else values
        self._observed[number] = np.nan if observed is None else observed
        self._constraints.set(number, constraints or {}, violation)
        if observed is not None:
            self._reports.note(number, *observed)
        self._reports.add(number, reports or {})
        for name, value in internal.items():
            if name not in self._columns:
                self._columns[name] = np.full(len(self._states), np.nan)
            self._columns[name][number] = value
        self._record_space(number, role, dict(distributions))
        self.version += 1

    def load(self, batch: Batch) -> None:
        """Insert the rows of many trials, as ``update`` would one by one; numpy does what grows with them.

        Raises:
            ValueError: If a trial is recorded already, comes twice, or is COMPLETE without its values; nothing
                is changed then.
        """
        numbers, is_complete = batch.numbers, batch.states == TrialState.COMPLETE
        if len(np.unique(numbers)) < len(numbers) or not self._spaces.keys().isdisjoint(numbers.tolist()):
            raise ValueError("expected each trial once and not yet recorded; use update for one that is")
        if np.isnan(batch.values[is_complete]).any():
            raise ValueError("expected the objective values of each COMPLETE trial, got trials without")
        self._reserve(int(numbers.max(initial=-1)) + 1)
        roles = roles_of(batch.states, ~np.isnan(batch.observed[:, 0]))
        self._states[numbers] = batch.states
        self._roles[numbers] = roles
        self._values[numbers] = batch.values
        self._observed[numbers] = batch.observed
        self._constraints.load(numbers, batch.constraints)
        self._reports.load(batch.numbers[batch.report_rows], batch.report_steps, batch.report_values)
        for name, having, internals in batch.columns():
            self._columns.setdefault(name, np.full(len(self._states), np.nan))[having] = internals
        self._load_spaces(batch, roles)
        self.version += 1

    def _load_spaces(self, batch: Batch, roles: Int8Array) -> None:
        spaces = {}
        counts: Counter[tuple[int, int]] = Counter()
        for number, role, space in zip(batch.numbers.tolist(), roles.tolist(), batch.spaces(), strict=True):
            self._spaces[number] = spaces[id(space)] = space
            counts[id(space), role] += 1
        for (which, role), count in counts.items():
            self._n_by_role[Role(role)] += count
            if counts_in_space(Role(role), spaces[which]):
                self._shared[Role(role)].add(spaces[which], count)
        for name, distribution, number in batch.newest():
            if number >= self._latest.get(name, (0, distribution))[0]:
                self._latest[name] = (number, distribution)

    def _record_space(self, number: int, role: Role, distributions: dict[str, Distribution]) -> None:
        self._spaces[number] = distributions
        self._n_by_role[role] += 1
        if counts_in_space(role, distributions):
            self._shared[role].add(distributions)
        for name, distribution in distributions.items():
            if number >= self._latest.get(name, (0, distribution))[0]:
                self._latest[name] = (number, distribution)

    def _forget(self, number: int) -> None:
        distributions = self._spaces.pop(number, None)
        if distributions is None:
            return
        role = Role(self._roles[number])
        self._n_by_role[role] -= 1
        if counts_in_space(role, distributions):
            self._shared[role].remove(distributions)
        for name in distributions:
            self._columns[name][number] = np.nan

    def _reserve(self, size: int) -> None:
        capacity = len(self._states)
        if size > capacity:
            extra = max(2 * capacity, size) - capacity
            self._states = np.concatenate([self._states, np.full(extra, ABSENT, dtype=np.int8)])
            self._roles = np.concatenate([self._roles, np.full(extra, Role.IGNORED, dtype=np.int8)])
            self._values = np.concatenate([self._values, _nan_rows(extra, len(self.directions))])
            self._observed = np.concatenate([self._observed, _nan_rows(extra, 2)])
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.full(extra, np.nan)])
        self._size = max(self._size, size)


def _nan_rows(rows: int, width: int) -> FloatArray:
    return np.full((rows, width), np.nan)


def _read_only(view: Array) -> Array:
    view.setflags(write=False)
    return view
