"""What the genetic samplers share: all but the choice of those who live on.

Until the first generation of ``population_size`` trials has ended, proposals are uniform.  From then on each is a child
of the elites (see ``generations``), made by ``mating``: crossed, mutated, and made anew while it repeats a trial.

On purpose different from Optuna, which tags each trial with a generation when it begins and keeps the elites in the
database, crosses no other parameters than those that all trials share, and repeats trials.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.asking import StudyLike
from raystudy.samplers.base import ConstraintsFunction
from raystudy.samplers.base_ga import BaseGASampler
from raystudy.samplers.generations import Generations, Individuals
from raystudy.samplers.genes import GeneScale
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.mating import Mating, Parents
from raystudy.samplers.nsgaii.crossovers import UniformCrossover
from raystudy.samplers.nsgaii.operators import BaseCrossover, BaseMutation, GeneticStudy
from raystudy.samplers.nsgaii.specs import as_crossover, as_mutation, operator_spec
from raystudy.samplers.random import RandomSampler
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.strategies import ChildStrategy, EliteStrategy, child_by, elites_by
from raystudy.samplers.survival import constrained_ranks
from raystudy.samplers.untried import new_point

__all__ = ["GeneticSampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_SMALLEST_POPULATION = 2
#: Arguments that cannot be stored with a study.
_FUNCTIONS = (
    "constraints_func",
    "elite_population_selection_strategy",
    "child_generation_strategy",
    "after_trial_strategy",
)


class _Memory(NamedTuple):
    """What need not be computed again while the first trials stay as they are."""

    key: object
    generations: Generations
    ranks: IntArray
    room: FloatArray


# Not frozen: it remembers the generations.
@dataclass(kw_only=True)
class GeneticSampler(HistorySampler, BaseGASampler):
    """Propose children of the best trials so far, for one objective or several; see the subclasses."""

    population_size: int = 50
    mutation: BaseMutation | None = None
    mutation_prob: float | None = None
    crossover: BaseCrossover | None = None
    crossover_prob: float = 0.9
    swapping_prob: float = 0.5
    seed: int | None = None
    constraints_func: ConstraintsFunction | None = None
    elite_population_selection_strategy: EliteStrategy | None = None
    child_generation_strategy: ChildStrategy | None = None
    after_trial_strategy: Callable[..., None] | None = None
    _memory: _Memory | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        if self.crossover is not None:
            self.crossover = as_crossover(self.crossover)
        if self.mutation is not None:
            self.mutation = as_mutation(self.mutation)
        crossover = self._mating().crossover
        if self.population_size < crossover.n_parents:
            raise ValueError(
                f"{self._name}: {crossover} needs population_size >= {crossover.n_parents}, "
                f"got {self.population_size}"
            )
        if self.constraints_func is not None:
            warnings.warn(
                f"{self._name}: constraints_func is deprecated, as in Optuna; call trial.set_constraint in the "
                "objective instead",
                FutureWarning,
                stacklevel=3,
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_memory": None}  # computed anew from the history

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return all parameters that are known."""
        return history.known_space()

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``: a child, or uniformly during the first generation.

        Raises:
            ValueError: If an operator or a strategy of the user does not return what it should.
        """
        names = sorted(space)
        free = {name: space[name] for name in names if not space[name].single()}
        fixed = {name: space[name] for name in names if name not in free}
        params = external_params(fixed, uniform(fixed, rng, 1)[:, 0])
        if free:
            params |= external_params(free, self._draw(free, history, rng))
        return {name: params[name] for name in names}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter, uniformly: no trial had it when the proposal was drawn."""
        return RandomSampler().sample(name, distribution, history, rng)

    def select_parent(self, study: StudyLike, generation: int) -> list[FrozenTrial]:
        """Return the trials that have lived on until a generation >= 1, by number.

        Raises:
            ValueError: If the generation has not begun.
        """
        with self._history_for(study, FrozenTrial(-1, TrialState.RUNNING)) as history:
            elites = self._remembered(history).generations.elites
        if not 0 < generation < len(elites):
            raise ValueError(
                f"{self._name}: generation {generation} has no parents; those from 1 to {len(elites) - 1} have"
            )
        numbers = set(elites[generation].numbers.tolist())
        return [trial for trial in study.trials if trial.number in numbers]

    def get_parent_population(self, study: StudyLike, generation: int) -> list[FrozenTrial]:
        """Return the parents of a generation, none for the first."""
        return self.select_parent(study, generation) if generation > 0 else []

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``.

        Left out are functions, and operators of the user's own.
        """
        spec = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        spec = {name: value for name, value in spec.items() if name not in _FUNCTIONS}
        for name in ("crossover", "mutation"):
            if spec[name] is not None and (spec := {**spec, name: operator_spec(spec[name])})[name] is None:
                del spec[name]
        return {"name": self._name, **spec}

    @abstractmethod
    def _survivors(self, at: int, pool: Individuals, seed: int) -> IntArray:
        """Return the positions of those who live on after a generation."""

    @abstractmethod
    def _room(self, ranks: IntArray, losses: FloatArray) -> FloatArray:
        """Return which of the elites of one front to prefer as parents, (m,): those with more."""

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _mating(self) -> Mating:
        crossover = self.crossover or UniformCrossover(self.swapping_prob)
        return Mating(crossover, self.crossover_prob, self.swapping_prob, self.mutation, self.mutation_prob)

    def _draw(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> FloatArray:
        """Return the internal values of a proposal, in the order of ``space``."""
        scale, study = GeneScale.of(space), GeneticStudy(history.directions)
        memory = self._remembered(history)
        elites = memory.generations.newest.numbers
        if not len(elites):
            nothing = np.full(len(space), np.nan)
            return new_point(lambda: scale.point(nothing, rng), space, history, rng)
        if (strategy := self.child_generation_strategy) is not None:

            def born() -> FloatArray:
                child = child_by(strategy, study, space, history, elites)
                return scale.genes(child[:, None])[:, 0]
        else:
            genes = scale.genes(np.stack([history.column(name)[elites] for name in space]))
            parents, mating = Parents(genes, scale.is_numeric, memory.ranks, memory.room), self._mating()

            def born() -> FloatArray:
                return mating.child(parents, study, rng)

        return new_point(lambda: scale.point(born(), rng), space, history, rng)

    def _remembered(self, history: History) -> _Memory:
        """Return the generations of a history, going on from what is remembered of this study."""
        key = (history.directions, history.seed, self.population_size)
        memory = self._memory
        if memory is None or memory.key != key:
            empty = Generations.of(self.population_size, len(history.directions))
            memory = _Memory(key, empty, np.empty(0, np.int64), np.empty(0))
        generations = memory.generations.after(
            _individuals(history), lambda at, pool: self._selected(at, pool, history)
        )
        ranks, room = memory.ranks, memory.room
        if (newest := generations.newest) is not memory.generations.newest:
            ranks = constrained_ranks(newest.losses, newest.violations)
            room = self._room(ranks, newest.losses)
        # One assignment: studies in several threads may share a sampler.
        self._memory = memory = _Memory(key, generations, ranks, room)
        return memory

    def _selected(self, at: int, pool: Individuals, history: History) -> IntArray:
        strategy = self.elite_population_selection_strategy
        if strategy is None:
            return self._survivors(at, pool, history.seed)
        return elites_by(strategy, GeneticStudy(history.directions), history, pool.numbers)

    def _check(self) -> None:
        if self.population_size < _SMALLEST_POPULATION:
            raise ValueError(
                f"{self._name}: need population_size >= {_SMALLEST_POPULATION}, got {self.population_size}"
            )
        for name in ("mutation_prob", "crossover_prob", "swapping_prob"):
            prob = getattr(self, name)
            if not (prob is None and name == "mutation_prob") and not 0.0 <= prob <= 1.0:
                raise ValueError(f"{self._name}: need {name} in [0, 1], got {prob}")
        if type(self).select_parent is not GeneticSampler.select_parent:
            raise NotImplementedError(
                f"{self._name}: a select_parent of your own is not asked; give elite_population_selection_strategy, "
                "or subclass BaseGASampler"
            )
        if self.after_trial_strategy is not None:
            raise NotImplementedError(
                f"{self._name}: after_trial_strategy is not supported; do what it does in a callback, "
                "study.optimize(..., callbacks=[...]), or in after_trial of a subclass"
            )


def _individuals(history: History) -> FloatArray:
    """Return the rows of ``Individuals`` of all trials with a result; column by column, since there may be many."""
    has_result: BoolArray = history.states == TrialState.COMPLETE
    for values in history.values.T:
        has_result &= ~np.isnan(values)
    numbers = np.flatnonzero(has_result)
    signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in history.directions]
    losses = [values[numbers] * sign for values, sign in zip(history.values.T, signs, strict=True)]
    return np.stack([numbers.astype(np.float64), *losses, history.violations[numbers]]).T
