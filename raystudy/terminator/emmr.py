"""How much the expected minimum of the regret may still fall.

Source: Ishibashi et al. (2023), "A stopping criterion for Bayesian optimization by the gap of expected minimum simple
regrets", AISTATS: Theorem 1, equation 4 and Algorithm 1.
"""

from __future__ import annotations

import math
import sys
import warnings

import numpy as np
from scipy.stats import norm

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.gp_model import LEAST_NOISE
from raystudy.search_space import intersection_search_space
from raystudy.terminator.base import BaseImprovementEvaluator
from raystudy.terminator.surrogate import FloatArray, Surrogate, points_of, values_of

__all__ = ["EMMREvaluator"]

#: More than any error: the study goes on.
_PLENTY = 0.1 * sys.float_info.max
_LEAST_VARIANCE = 1e-10


class EMMREvaluator(BaseImprovementEvaluator):
    """A bound of the gap between the expected minimum regrets before and after the last trial.

    Args:
        deterministic_objective: Whether equal parameters give equal values.
        delta: One less the confidence of the bound.
        min_n_trials: Trials before which it does not stop a study, >= 2.
        seed: Seed of the points at which the regret is bounded.

    Raises:
        ValueError: If ``min_n_trials`` is below 2.
    """

    def __init__(
        self,
        deterministic_objective: bool = False,
        delta: float = 0.1,
        min_n_trials: int = 2,
        seed: int | None = None,
    ) -> None:
        if min_n_trials <= 1 or not math.isfinite(min_n_trials):
            raise ValueError(f"EMMREvaluator: need a finite min_n_trials >= 2, got {min_n_trials}")
        self._is_exact = deterministic_objective
        self._delta = delta
        self.min_n_trials = min_n_trials
        self._rng = np.random.default_rng(seed)

    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the bound, in standard deviations of the objective; a huge number while there are too few trials."""
        complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
        space = {n: d for n, d in intersection_search_space(trials).items() if not d.single()}
        if len(complete) < self.min_n_trials:
            return _PLENTY
        if not space:
            warnings.warn(
                "EMMREvaluator: the trials share no parameter that varies, so the study will never end by it",
                UserWarning,
                stacklevel=2,
            )
            return _PLENTY
        values, points = values_of(complete, study_direction), points_of(space, complete)
        y = (values - values.mean()) / max(sys.float_info.min, float(values.std()))
        before = Surrogate.of(space, points[:, :-1], y[:-1], is_exact=self._is_exact)
        after = Surrogate.of(space, points, y, is_exact=self._is_exact)
        return min(0.5 * sys.float_info.max, self._gap(before, after, y))

    def _gap(self, before: Surrogate, after: Surrogate, y: FloatArray) -> float:
        best, best_before = int(np.argmax(y)), int(np.argmax(y[:-1]))
        points = after.points
        (mean_best, mean_last), (_, deviation_last) = after.predict(points[:, [best, -1]])
        mean_before = float(before.predict(points[:, [best_before]])[0][0])
        covariance = after.covariance(points[:, [best, best_before]])
        spread = math.sqrt(
            max(_LEAST_VARIANCE, float(covariance[0, 0] - 2.0 * covariance[0, 1] + covariance[1, 1]))
        )
        gain = (float(mean_best) - mean_before) / spread
        expected = spread * (float(norm.pdf(gain)) + gain * float(norm.cdf(gain)))
        divergence = _divergence(float(deviation_last) ** 2, float(y[-1] - mean_last))
        bound = before.regret_bound(self._rng, self._delta)
        return mean_before - float(mean_best) + expected + bound * math.sqrt(0.5 * divergence)


def _divergence(variance: float, surprise: float) -> float:
    """Return the Kullback-Leibler divergence of the posteriors before and after the last trial (equation 4)."""
    noisy = variance + LEAST_NOISE
    return 0.5 * (
        math.log(1.0 + variance / LEAST_NOISE) - variance / noisy + variance * surprise**2 / noisy**2
    )
