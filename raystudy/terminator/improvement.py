"""How much may still be gained: by a bound of the regret, or by how long nothing was gained."""

from __future__ import annotations

import numpy as np

from raystudy.frozen import FrozenTrial, StudyDirection
from raystudy.search_space import intersection_search_space
from raystudy.terminator.base import BaseImprovementEvaluator, complete_of
from raystudy.terminator.surrogate import Surrogate, points_of, values_of

__all__ = ["BestValueStagnationEvaluator", "RegretBoundEvaluator"]

_LEAST_DEVIATION = 1e-10


class RegretBoundEvaluator(BaseImprovementEvaluator):
    """An upper bound of the regret of the best trial, by a Gaussian process of the better ones.

    Args:
        top_trials_ratio: Part of the trials, the best ones, that the process is fitted to.
        min_n_trials: At least so many of them, if there are as many.
        seed: Seed of the points at which the bound is looked for.

    Source: Makarova et al. (2022), AutoML-Conf.
    """

    def __init__(
        self, top_trials_ratio: float = 0.5, min_n_trials: int = 20, seed: int | None = None
    ) -> None:
        self._ratio = top_trials_ratio
        self._min_n_trials = min_n_trials
        self._rng = np.random.default_rng(seed)

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the bound.

        Raises:
            ValueError: If no trial is complete, or those that are share no parameter.
        """
        complete, space = complete_of(trials), intersection_search_space(trials)
        if not space:
            raise ValueError("RegretBoundEvaluator: expected a parameter that all trials share, got none")
        free = {name: each for name, each in space.items() if not each.single()}
        if not free:
            return 0.0
        values = values_of(complete, study_direction)
        count = int(
            np.clip(int(len(values) * self._ratio), min(self._min_n_trials, len(values)), len(values))
        )
        best = np.flatnonzero(values >= np.sort(values)[-count])
        top = values[best]
        deviation = max(_LEAST_DEVIATION, float(top.std()))
        points = points_of(free, complete)[:, best]
        return Surrogate.of(free, points, (top - top.mean()) / deviation).regret_bound(self._rng) * deviation


class BestValueStagnationEvaluator(BaseImprovementEvaluator):
    """How many more trials may pass without a new best one; below zero, the study ends.

    Args:
        max_stagnation_trials: So many at most, >= 0.

    Raises:
        ValueError: If it is negative.
    """

    def __init__(self, max_stagnation_trials: int = 30) -> None:
        if max_stagnation_trials < 0:
            raise ValueError(
                f"BestValueStagnationEvaluator: need max_stagnation_trials >= 0, got {max_stagnation_trials}"
            )
        self._most = max_stagnation_trials

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the number of trials; raise ValueError if none is complete."""
        values = values_of(complete_of(trials), study_direction)
        return float(self._most - (len(values) - 1 - int(np.argmax(values))))
