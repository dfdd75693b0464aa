"""Children: from parents chosen by tournaments, crossed and mutated.

A *gene* is one parameter of one trial: on the unit scale of a numeric parameter, the index of the choice of a
categorical one, NaN where the trial lacks it.  The numeric genes that all parents of a child have are crossed; of any
other one it inherits that of a parent that has it, so that branches which not all trials take evolve, too.

Notation: ``d`` parameters, ``m`` possible parents.

Sources: Deb et al. (2002), IEEE TEC 6(2) (tournament by front, then by crowding distance); Price, Storn and Lampinen
(2005), "Differential Evolution" (bounce-back).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.nsgaii.operators import BaseCrossover, BaseMutation, GeneticStudy

__all__ = ["Mating", "Parents"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Children outside of the domain, after which one is brought back into it.
_MOST_CHILDREN = 24
_UNIT = np.array([0.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Parents:
    """Who may have children.

    Attributes:
        genes: (d, m) float64.
        is_numeric: (d,) bool, which parameters are numeric.
        ranks: (m,) int64, the front of each, 0 the best.
        room: (m,) float64, which of one front to prefer: those with more.
    """

    genes: FloatArray
    is_numeric: BoolArray
    ranks: IntArray
    room: FloatArray


@dataclass(frozen=True, slots=True)
class Mating:
    """How children come from parents.

    Attributes:
        crossover: Crosses numeric genes.
        crossover_prob: Probability that a child has more than one parent.
        swapping_prob: Probability that any other gene comes from the first parent rather than the last.
        mutation: Changes numeric genes; None: a mutated gene is dropped, to be drawn uniformly.
        mutation_prob: Probability that a gene is mutated; None: 1 / d for the d genes of the child.
    """

    crossover: BaseCrossover
    crossover_prob: float
    swapping_prob: float
    mutation: BaseMutation | None
    mutation_prob: float | None

    def child(self, parents: Parents, study: GeneticStudy, rng: np.random.Generator) -> FloatArray:
        """Return the genes of a child, (d,) float64, NaN where one is to be drawn uniformly.

        Raises:
            ValueError: If there are fewer parents than the crossover needs, or it returns no child.
        """
        # Operators have Optuna's signature; the numbers come from the one generator all the same.
        state = np.random.RandomState(rng.bit_generator)
        if rng.random() < self.crossover_prob:
            child = self._crossed(parents, study, rng, state)
        else:
            child = parents.genes[:, rng.integers(parents.genes.shape[1])].copy()
        return self._mutated(child, parents.is_numeric, study, rng, state)

    def _crossed(
        self,
        parents: Parents,
        study: GeneticStudy,
        rng: np.random.Generator,
        state: np.random.RandomState,
    ) -> FloatArray:
        for _ in range(_MOST_CHILDREN):
            genes = parents.genes[:, self._chosen(parents, rng)]
            child = self._inherited(genes, rng)
            is_crossed = parents.is_numeric & ~np.isnan(genes).any(axis=1)
            if not is_crossed.any():
                return child
            crossed = self._cross(genes[is_crossed].T, state, study)
            is_inside = (crossed >= 0.0) & (crossed <= 1.0)
            if is_inside.all():
                break
        # Bounce-back: between the end that was passed and a parent.
        ends = np.where(crossed > 1.0, 1.0, 0.0)
        back = ends + rng.random(len(ends)) * (genes[is_crossed, 0] - ends)
        child[is_crossed] = np.where(is_inside, crossed, back)
        return child

    def _cross(
        self, parents_params: FloatArray, state: np.random.RandomState, study: GeneticStudy
    ) -> FloatArray:
        d = parents_params.shape[1]
        child = np.asarray(
            self.crossover.crossover(parents_params, state, study, np.tile(_UNIT, (d, 1))), dtype=np.float64
        )
        if child.shape != (d,):
            raise ValueError(
                f"{self.crossover}: expected a child of {d} parameters as an array of shape {(d,)}, got {child.shape}"
            )
        return child

    def _chosen(self, parents: Parents, rng: np.random.Generator) -> list[int]:
        """Return different parents, each the better of two that were drawn at random."""
        left = list(range(len(parents.ranks)))
        if len(left) < self.crossover.n_parents:
            raise ValueError(
                f"{self.crossover} needs {self.crossover.n_parents} parents, got {len(left)}; select more"
            )
        chosen = []
        for _ in range(self.crossover.n_parents):
            one, other = (left[at] for at in rng.integers(len(left), size=2))
            standing = [(parents.ranks[each], -parents.room[each]) for each in (one, other)]
            chosen.append(one if standing[0] < standing[1] else other)
            left.remove(chosen[-1])
        return chosen

    def _inherited(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return for each parameter the gene of the first or the last parent, else of any that has one."""
        is_from_last = rng.random(len(genes)) >= self.swapping_prob
        child = np.where(is_from_last, genes[:, -1], genes[:, 0])
        for parent in genes.T:
            child = np.where(np.isnan(child), parent, child)
        return child

    def _mutated(
        self,
        child: FloatArray,
        is_numeric: BoolArray,
        study: GeneticStudy,
        rng: np.random.Generator,
        state: np.random.RandomState,
    ) -> FloatArray:
        n_genes = int(np.count_nonzero(~np.isnan(child)))
        prob = 1.0 / max(1, n_genes) if self.mutation_prob is None else self.mutation_prob
        for at in np.flatnonzero(rng.random(len(child)) < prob).tolist():
            if self.mutation is None or not is_numeric[at]:
                child[at] = np.nan
            elif not np.isnan(child[at]):
                changed = float(self.mutation.mutation(float(child[at]), state, study, _UNIT))
                child[at] = min(1.0, max(0.0, changed))
        return child
