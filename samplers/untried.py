"""Points that no trial has, while there are any: drawn until one is new, or taken from what a small space has left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.samplers.history import History, Role

__all__ = ["new_point"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Points of a space up to which all of them are looked at.
_FEW = 4096
#: Draws before what is left is looked at.
_MOST_DRAWS = 24


def new_point(
    draw: Callable[[], FloatArray],
    space: Mapping[str, Distribution],
    history: History,
    rng: np.random.Generator,
) -> FloatArray:
    """Return a drawn point (d,) of internal values that repeats no trial, rather an observed one than a pending one.

    Args:
        draw: Draws a point.
        space: Its parameters, none of them single-valued.
        history: The trials.
        rng: For points that are not drawn but left.
    """
    spare = None
    for _ in range(_MOST_DRAWS):
        point = draw()
        same = _repeated(space, point, history)
        if not len(same):
            return point
        if spare is None and not (history.roles[same] == Role.PENDING).any():
            spare = point
    found = _left(space, history.roles != Role.IGNORED, history, rng)
    if found is None:
        found = spare
    if found is None:
        found = _left(space, history.roles == Role.PENDING, history, rng)
    return point if found is None else found


def _repeated(space: Mapping[str, Distribution], point: FloatArray, history: History) -> IntArray:
    """Return the numbers of the trials, pending or observed, that a point (d,) of internal values would repeat.

    A trial that lacks a parameter has not asked for it: what the others are decides.
    """
    values = dict(zip(space, point.tolist(), strict=True))
    numbers = np.flatnonzero(history.roles != Role.IGNORED)
    has_any = np.zeros(len(numbers), dtype=bool)
    for name in sorted(
        space, key=lambda name: -_size(space[name])
    ):  # hardly anybody has the same real number
        column = history.column(name)
        column = column if len(numbers) == len(column) else column[numbers]
        is_equal = column == values[name]
        left = np.flatnonzero(is_equal | (column != column))  # noqa: PLR0124 - NaN
        numbers, has_any = numbers[left], (has_any | is_equal)[left]
        if not len(numbers):
            break
    return numbers[has_any]


def _left(
    space: Mapping[str, Distribution], counts: BoolArray, history: History, rng: np.random.Generator
) -> FloatArray | None:
    """Return a point (d,) that none of the trials that count has, each with the same chance; None if there is none.

    None as well if the space is not finite, or has more points than are worth looking at.
    """
    sizes = [_size(distribution) for distribution in space.values()]
    if math.prod(sizes) > _FEW:
        return None
    shape = [int(size) for size in sizes]
    origins, ends, steps = np.array([_grid(distribution) for distribution in space.values()]).T
    columns: FloatArray = np.stack([history.column(name)[counts] for name in space])
    digits = np.round((columns - origins[:, None]) / steps[:, None])
    inside = ((digits >= 0) & (digits < np.array(shape)[:, None])).all(axis=0)
    tried = np.ravel_multi_index(tuple(digits[:, inside].astype(np.int64)), shape)
    left = np.setdiff1d(np.arange(math.prod(shape)), tried)
    if not len(left):
        return None
    drawn = np.array(np.unravel_index(int(rng.choice(left)), shape))
    return np.asarray(np.minimum(origins + drawn * steps, ends))


def _size(distribution: Distribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if distribution.step is None:
        return math.inf
    return round((distribution.high - distribution.low) / distribution.step) + 1


def _grid(distribution: Distribution) -> tuple[float, float, float]:
    """Return the first and the last point of a parameter, and their distance."""
    if isinstance(distribution, CategoricalDistribution):
        return 0.0, len(distribution.choices) - 1.0, 1.0
    return distribution.low, distribution.high, distribution.step or 1.0
