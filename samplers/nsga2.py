"""NSGA-II: those live on who are on the best fronts, and those of the last one with most room around them.

Source: Deb, Pratap, Agarwal and Meyarivan (2002), IEEE TEC 6(2); settings of Optuna 5.  On purpose different from
Optuna: of two parents on one front, the one with more room wins, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.samplers.generations import Individuals
from raystudy.samplers.genetic import GeneticSampler
from raystudy.samplers.survival import crowded_survivors, crowding_distances

__all__ = ["NSGAIISampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(kw_only=True)
class NSGAIISampler(GeneticSampler):
    """Propose children of the best trials so far, which are kept apart from each other, for one objective or several.

    Args:
        population_size: Trials of one generation, at least 2 and the crossover's number of parents; so many are drawn
            uniformly before the first children, and so many live on after each generation.
        mutation: Changes single numeric parameters of children (``nsgaii.PolynomialMutation()``); default: they are
            drawn uniformly instead, as categorical ones always are.
        mutation_prob: Probability for each parameter, in [0, 1]; default: 1 / d for the d parameters of the child.
        crossover: Makes a child's numeric parameters from those of its parents (``nsgaii.SBXCrossover()``, ...);
            default: ``nsgaii.UniformCrossover(swapping_prob)``.
        crossover_prob: Probability that a child has more than one parent, in [0, 1].
        swapping_prob: Probability that a categorical parameter, or one that not all of its parents have, comes from
            the first of them rather than the last, in [0, 1].
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        constraints_func: Deprecated, as in Optuna: ``trial.set_constraint`` needs no function.  Returns one number for
            each constraint, above zero where it is violated.
        elite_population_selection_strategy: From (study, trials) to the trials that live on, in place of NSGA-II's
            rule.  Called once with each generation and the elites before it; it must depend on them alone.
        child_generation_strategy: From (study, search space, elites) to values of parameters, in place of crossover
            and mutation; parameters that it leaves out are drawn uniformly.
        after_trial_strategy: Not supported.

    Functions, and operators of your own, are not stored with the study.

    Raises:
        ValueError: If a number is out of range, or an operator is none.
        NotImplementedError: If ``after_trial_strategy`` is given.
    """

    def _survivors(self, at: int, pool: Individuals, seed: int) -> IntArray:  # noqa: ARG002 - nothing is drawn
        return crowded_survivors(pool.losses, pool.violations, self.population_size)

    def _room(self, ranks: IntArray, losses: FloatArray) -> FloatArray:
        room = np.empty(len(ranks))
        for rank in np.unique(ranks):
            room[ranks == rank] = crowding_distances(losses[ranks == rank])
        return room
