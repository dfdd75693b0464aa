"""Brute force: every path through the tree that an objective's ``suggest_*`` calls span, once.

A node of the tree stands for the parameters that a trial has so far, its children for the values of the one that it
asks for next.  The trials of the history show the nodes that were met; a node that none has gone beyond counts as one
point, which may turn out to be a branch.  Pending trials are where they have come to: a node at which one is, and
beyond which nobody has been, is being tried.

A child is drawn half by the number of points below it and half like any other, as in Optuna, so that a small branch
is not left until last.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.frozen import TrialState
from raystudy.samplers.asking import StudyLike, finished_history
from raystudy.samplers.history import ABSENT, History
from raystudy.samplers.hooks import HistorySampler

__all__ = ["BruteForceSampler"]

BoolArray = npt.NDArray[np.bool_]

#: What a trial has, by name: distribution and internal value, in the order in which it asked.
_Path = dict[str, tuple[Distribution, float]]
_NONE = (CategoricalDistribution(("none",)), np.nan)


# Not frozen: see RandomSampler.
@dataclass(slots=True)
class BruteForceSampler(HistorySampler):
    """Try every point of a finite space, also of one with branches, then end the study.

    Float parameters need a step.  Objectives must ask for the same parameters after the same values; points may be
    left out where bounds change from trial to trial.

    Args:
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        avoid_premature_stop: Whether points that are being tried count as free, so that no slot waits for the trials
            that run to show whether there are branches below; some are tried twice then.
        fixed: Values that parameters are given elsewhere: see ``PartialFixedSampler``.
    """

    seed: int | None = None
    avoid_premature_stop: bool = False
    fixed: Mapping[str, ParamValue] = field(default_factory=dict, repr=False, kw_only=True)
    draws_ahead: ClassVar[bool] = False

    def joint_space(self, history: History) -> Mapping[str, Distribution]:  # noqa: ARG002 - see there
        """Return no parameter: what can be asked for depends on the values before."""
        return {}

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``, each as if it were asked for next."""
        return {
            name: self.sample(name, distribution, history, rng)
            for name, distribution in sorted(space.items())
        }

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw a value below which something is left to try, given what the asking trial has.

        Raises:
            ValueError: If the parameter has no end of values.
        """
        asking = -1 if history.asking is None else history.asking
        known = _choices(history.space(asking), self.fixed)
        agrees = self._agrees(history) & (np.arange(len(history)) != asking)
        for each, chosen in known.items():
            agrees &= _is_near(history.column(each), history.column(each)[asking], chosen)
        node = _Node(name, distribution)
        for path, state in _paths(history, agrees, known.keys() | self.fixed.keys()):
            node.add(path, state)
        return _value(distribution, node.draw(rng, distribution, self.avoid_premature_stop))

    def is_spent(self, history: History) -> bool:
        """Whether every point known so far was tried, is being tried, or awaits a trial that has begun."""
        root = _Node()
        for path, state in _paths(history, self._agrees(history), self.fixed.keys()):
            root.add(path, state)
        if not root.children:
            return root.is_over  # as long as nothing is known of the space, trials may begin
        return not root.n_free(self.avoid_premature_stop)

    def is_exhausted(self, study: StudyLike) -> bool:
        """Whether every point known so far was tried, by a trial that has finished."""
        return self.is_spent(finished_history(study))

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {
            "name": "BruteForceSampler",
            "seed": self.seed,
            "avoid_premature_stop": self.avoid_premature_stop,
        }

    def restricted(self, fixed_params: Mapping[str, ParamValue]) -> BruteForceSampler:
        """Return the sampler of the points that have these values."""
        return replace(self, fixed={**self.fixed, **fixed_params})

    def _agrees(self, history: History) -> BoolArray:
        """Return which trials have the fixed values, as far as they have these parameters, (n,)."""
        agrees = np.ones(len(history), dtype=bool)
        for name, distribution in history.known_space().items():
            if name in self.fixed:
                column = history.column(name)
                internal = distribution.to_internal_repr(self.fixed[name])
                agrees &= np.isnan(column) | _is_near(column, internal, distribution)
        return agrees


@dataclass(slots=True)
class _Node:
    """A node of the tree, with the parameter that is asked for there; children are met values, by position."""

    name: str | None = None
    distribution: Distribution | None = None
    children: dict[int, _Node] = field(default_factory=dict)
    #: How many running trials are here, and how many here or below.
    n_here: int = 0
    n_running: int = 0
    is_over: bool = False

    def add(self, path: _Path, state: TrialState) -> None:
        """Add what a trial has, as far as it asked for what others did.

        The parameters of an enqueued trial may have been recorded late, so that the order is that of the tree.
        """
        is_running = state is TrialState.RUNNING
        self.n_running += is_running
        if not path:
            self.n_here += is_running
            self.is_over |= not is_running
            return
        if self.distribution is None or self.name is None:
            self.name, (self.distribution, _) = next(iter(path.items()))
        _, internal = path.pop(self.name, _NONE)
        position = _position(self.distribution, internal)
        if position is not None:
            self.children.setdefault(position, _Node()).add(path, state)

    def n_free(self, counts_running: bool) -> int:
        """Return how many points are left here and below, less those for the trials that are about to choose."""
        if not self.children or self.distribution is None:
            return int(not self.is_over and (counts_running or not self.n_here))
        below = sum(child.n_free(counts_running) for child in self.children.values())
        n_new = _size(self.name or "", self.distribution) - len(self.children)
        return max(n_new + below - (0 if counts_running else self.n_here), 0)

    def draw(self, rng: np.random.Generator, distribution: Distribution, counts_running: bool) -> int:
        """Draw the position of a child with something left, else of one that may turn out to be a branch, else any."""
        met = {position: child.n_free(counts_running) for position, child in self.children.items()}
        n_new = _size(self.name or "", distribution) - len(met)
        left = {position: n_free for position, n_free in met.items() if n_free}
        idle = {at: n_free for at, n_free in left.items() if not self.children[at].n_here}
        left = idle if idle or n_new else left
        if not left and not n_new:
            crowds = {at: child.n_running for at, child in self.children.items() if child.n_running}
            least = min(crowds.values(), default=0)
            return int(rng.choice([at for at in self.children if crowds.get(at, 0) == least]))
        # All children that nobody has met, together, and each of the others.
        by_points = np.array([n_new, *left.values()], dtype=np.float64)
        alike = np.array([n_new, *(1 for _ in left)], dtype=np.float64)
        drawn = int(rng.choice(len(alike), p=(by_points / by_points.sum() + alike / alike.sum()) / 2))
        return list(left)[drawn - 1] if drawn else _nth_absent(int(rng.integers(n_new)), met)


def _nth_absent(position: int, present: Mapping[int, int]) -> int:
    """Return the whole number that has ``position`` smaller ones among those not present."""
    for each in sorted(present):
        if each > position:
            break
        position += 1
    return position


def _paths(history: History, among: BoolArray, known: Set[str]) -> Iterator[tuple[_Path, TrialState]]:
    """Yield what some trials have but for what is known, the newest first: it has asked for what counts today."""
    says = among & ~np.isin(history.states, [ABSENT, TrialState.WAITING])
    columns = {name: history.column(name).tolist() for name in history.known_space()}
    for number in np.flatnonzero(says)[::-1].tolist():
        state = TrialState(history.states[number])
        space = history.space(number)
        # One that failed at once says nothing of the space, only that something is broken.
        if space or state is not TrialState.FAIL:
            names = _choices(space, known)
            yield {name: (space[name], columns[name][number]) for name in names}, state


def _choices(space: Mapping[str, Distribution], known: Collection[str]) -> dict[str, Distribution]:
    """Return the parameters that leave a choice: the only value of one is none."""
    return {name: each for name, each in space.items() if name not in known and _size(name, each) > 1}


def _is_near(column: npt.NDArray[np.float64], internal: float, distribution: Distribution) -> BoolArray:
    """Return where a parameter has this value, up to the rounding of other samplers, which sum floats."""
    step = 1.0 if isinstance(distribution, CategoricalDistribution) else float(distribution.step or 0)
    near: BoolArray = np.abs(column - internal) <= step / 4
    return near


@lru_cache(maxsize=1024)
def _size(name: str, distribution: Distribution) -> int:
    """Return how many values a parameter has."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if distribution.single():
        return 1
    if distribution.step is None:
        raise ValueError(
            f"BruteForceSampler: expected a parameter with finitely many values, got {name!r} from "
            f"{distribution}; give it a step"
        )
    low, high, step = (
        Decimal(str(each)) for each in (distribution.low, distribution.high, distribution.step)
    )
    return int((high - low) // step) + 1


def _position(distribution: Distribution, internal: float) -> int | None:
    """Return which of its values a parameter has, None if it is none of them."""
    if math.isnan(internal) or not distribution.contains(internal):
        return None
    if isinstance(distribution, CategoricalDistribution):
        return int(internal)
    return round((internal - distribution.low) / (distribution.step or 1))


def _value(distribution: Distribution, position: int) -> ParamValue:
    """Return the external value at a position, without the error that sums of floats would have."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[position]
    value = Decimal(str(distribution.low)) + position * Decimal(str(distribution.step))
    return distribution.to_external_repr(float(value))
