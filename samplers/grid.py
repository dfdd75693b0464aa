"""Grid search: every combination of the values that were given for each parameter, once, in a shuffled order.

Trial ``n`` has the ``n``-th combination of the order, as in Optuna, and with the same shuffle.  If that one was
tried already (an enqueued trial had it) or the trial has other values, it is the first one that is left and
fits.  All of it is read off the trials, so that a pending or failed trial keeps its combination, in parallel as
well as after a crash.

Notation: ``d`` parameters in the order of their names, ``n`` trials, ``size`` combinations.  A *cell* is the
index of a combination in row-major order, a *place* that of a cell in the shuffled order; *digits* are the
indices of the values of one combination.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import TrialState
from raystudy.samplers.asking import StudyLike, finished_history, given_value
from raystudy.samplers.history import ABSENT, History
from raystudy.samplers.hooks import HistorySampler

__all__ = ["GridSampler"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Digits of a parameter that a trial does not have (yet), and of one whose value is not on the grid.
_UNSET, _OFF_GRID = -1, -2
_LARGEST = 10_000_000


# Not frozen: see RandomSampler.
@dataclass(slots=True)
class GridSampler(HistorySampler):
    """Try every combination of the given values, then end the study.

    Args:
        search_space: The values to try for each parameter: None, bool, int, float or str.
        seed: Seed of the order, >= 0; None is 0.  If given, it is the seed of the study, too.

    Raises:
        TypeError: If a value is of another type.
        ValueError: If there is no parameter, one without values, or more than ten million combinations.
    """

    search_space: Mapping[str, Sequence[ParamValue]]
    seed: int | None = None
    draws_ahead: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.search_space = {
            name: _checked(name, values) for name, values in sorted(dict(self.search_space).items())
        }
        size = math.prod(self._shape)
        if not self.search_space or size > _LARGEST:
            raise ValueError(
                f"GridSampler: expected 1 to {_LARGEST} combinations of at least one parameter, got {size} "
                f"of {len(self.search_space)}; use fewer values, or QMCSampler"
            )

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the known parameters that are on the grid and have its values among theirs."""
        known = history.known_space()
        return {
            name: known[name]
            for name, values in self.search_space.items()
            if name in known and not np.isnan(_internals(known[name], values)).any()
        }

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Return the values of the trial's combination."""
        combination = self._combination(history, rng)
        return {name: combination[name] for name in space}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Return one value of the trial's combination; one outside of the distribution is used, with a warning.

        Raises:
            ValueError: If the grid does not hold the parameter, or a value that the parameter cannot have.
        """
        if name not in self.search_space:
            raise ValueError(
                f"GridSampler: expected one of the parameters {sorted(self.search_space)}, got {name!r}; "
                "add its values to search_space"
            )
        value = self._combination(history, rng)[name]
        return given_value("GridSampler", name, value, distribution)

    def restricted(self, fixed_params: Mapping[str, ParamValue]) -> GridSampler:
        """Return the sampler of the combinations that have these values."""
        return GridSampler(
            dict(self.search_space) | {name: [value] for name, value in fixed_params.items()}, self.seed
        )

    def is_spent(self, history: History) -> bool:
        """Whether every combination was tried or is being tried."""
        return not self._places(history, None)[0].any()

    def is_exhausted(self, study: StudyLike) -> bool:
        """Whether every combination was tried, by a trial that has finished."""
        return self.is_spent(finished_history(study))

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        space = {name: list(values) for name, values in self.search_space.items()}
        return {"name": "GridSampler", "search_space": space, "seed": self.seed}

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.search_space.values())

    def _combination(self, history: History, rng: np.random.Generator) -> dict[str, ParamValue]:
        order = _order(math.prod(self._shape), self.seed or 0)
        number = len(history) if history.asking is None else history.asking
        _, place = self._places(history, number)
        if place is None:  # each was tried, or none fits what the trial has
            place = int(rng.integers(len(order)))
        digits = np.unravel_index(int(order[place]), self._shape)
        return {
            name: values[int(digit)]
            for (name, values), digit in zip(self.search_space.items(), digits, strict=True)
        }

    def _places(self, history: History, asking: int | None) -> tuple[BoolArray, int | None]:
        """Return which places are free (size,), and which one the trial has that is asking."""
        order = _order(math.prod(self._shape), self.seed or 0)
        numbers = np.flatnonzero(~np.isin(history.states, [ABSENT, TrialState.WAITING]))
        digits = self._digits(history)
        is_whole = (digits[:, numbers] >= 0).all(axis=0)
        cells = np.ravel_multi_index(tuple(digits[:, numbers[is_whole]]), self._shape)
        free = np.ones(len(order), dtype=bool)
        free[_places_of_cells(len(order), self.seed or 0)[cells]] = False
        is_ours = (digits[:, numbers] != _OFF_GRID).all(axis=0) & ~self._is_foreign(history)[numbers]
        rest = set(numbers[~is_whole & is_ours].tolist())
        mine = None
        for number in sorted(rest if asking is None else rest | {asking}):
            known = digits[:, number] if number < len(history) else np.full(len(digits), _UNSET)
            place = self._first(order, free, number, known)
            if place is not None:
                free[place] = False
            if number == asking:
                mine = place
        return free, mine

    def _first(self, order: IntArray, free: BoolArray, number: int, digits: IntArray) -> int | None:
        """Return the place of a trial's own number if it is free and fits its digits, else the first such one."""
        is_set = digits >= 0
        own = np.arange(number, min(number + 1, len(order)))
        for places in (own[free[own]], np.flatnonzero(free)):
            found = np.stack(np.unravel_index(order[places], self._shape))[is_set]
            fits = places[(found == digits[is_set, None]).all(axis=0)]
            if len(fits):
                return int(fits[0])
        return None

    def _is_foreign(self, history: History) -> BoolArray:
        """Return which trials have a parameter that this sampler would not have drawn, (n,)."""
        is_foreign = np.zeros(len(history), dtype=bool)
        for name, distribution in history.known_space().items():
            if name not in self.search_space and not distribution.single():
                is_foreign |= ~np.isnan(history.column(name))
        return is_foreign

    def _digits(self, history: History) -> IntArray:
        """Return the digits of all trials, (d, n) int64."""
        known = history.known_space()
        digits = np.full((len(self.search_space), len(history)), _UNSET)
        for row, (name, values) in zip(digits, self.search_space.items(), strict=True):
            if name in known:
                column = history.column(name)
                is_same = column[:, None] == _internals(known[name], values)
                # The only value of a parameter is no sampler's choice.
                row[~np.isnan(column)] = _UNSET if known[name].single() else _OFF_GRID
                row[is_same.any(axis=1)] = is_same.argmax(axis=1)[is_same.any(axis=1)]
        return digits


def _checked(name: str, values: Sequence[ParamValue]) -> tuple[ParamValue, ...]:
    """Return the values without repetitions, numpy's scalars as Python's."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    for value in plain:
        if value is not None and not isinstance(value, bool | int | float | str):
            raise TypeError(
                f"GridSampler: expected None, bool, int, float or str as values of {name!r}, got {value!r} "
                f"of type {type(value).__name__}"
            )
    if not plain:
        raise ValueError(f"GridSampler: expected at least one value of {name!r}, got none")
    return tuple({(type(value), str(value)): value for value in plain}.values())


def _internals(distribution: Distribution, values: Sequence[ParamValue]) -> npt.NDArray[np.float64]:
    """Return the internal form of the values, NaN for those which the parameter cannot have."""
    internals = np.full(len(values), np.nan)
    for at, value in enumerate(values):
        try:
            internals[at] = distribution.to_internal_repr(value)
        except ValueError:
            continue
    return internals


@lru_cache(maxsize=4)
def _order(size: int, seed: int) -> IntArray:
    """Return the cells in the order in which they are tried, (size,) int64: Optuna's, from the same generator."""
    order = np.random.RandomState(seed).permutation(size)
    order.setflags(write=False)
    return order


@lru_cache(maxsize=4)
def _places_of_cells(size: int, seed: int) -> IntArray:
    """Return the place of each cell in the order, (size,) int64."""
    places = np.argsort(_order(size, seed))
    places.setflags(write=False)
    return places
