"""PED-ANOVA: a parameter is important if the best trials have drawn it differently from all trials.

With the densities p of the best trials and q of all trials in a region, the importance is Pearson's divergence
sum q (p / q - 1)^2, times the square of the share of the best.  A conditional parameter falls into *regimes*: the
trials that have it with one and the same distribution, and those that lack it.  Each regime with a distribution has
a divergence of its own, which counts a^2 / b times, where a is the share of the regime among the best trials and b
among all in the region.

Source: Watanabe, Bansal and Hutter (2023), IJCAI, arXiv 2304.10255; the conditional case is arXiv 2601.20800,
theorem 4.2, as Optuna 5 has it.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.frozen import StudyDirection
from raystudy.importance.base import BaseImportanceEvaluator, Target, equal_importances, ranked
from raystudy.importance.grid_density import cells_of, density, n_cells
from raystudy.importance.observed import Observed, checked_names, observe
from raystudy.samplers.pareto import best_subset
from raystudy.study_reading import StudyReader

__all__ = ["PedAnovaImportanceEvaluator"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_FEWEST = 2
_NEARLY_ZERO = 1e-12


@dataclass(frozen=True, kw_only=True)
class PedAnovaImportanceEvaluator(BaseImportanceEvaluator):
    """PED-ANOVA: what had to be right to come among the best trials.

    Parameters that only some trials have are assessed, too.  With several objectives and no target, the best trials
    are whole Pareto fronts, and of the last one the subset that covers most volume.  Constraints are not looked at.

    Attributes:
        target_quantile: The share of the trials that are the best ones.
        region_quantile: The share of the trials that these are compared with.
        evaluate_on_local: Whether they are compared with what those trials have drawn; else with a uniform draw from
            the distribution.

    Raises:
        ValueError: Unless 0 < target_quantile < region_quantile <= 1.
    """

    target_quantile: float = 0.1
    region_quantile: float = 1.0
    evaluate_on_local: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.target_quantile < self.region_quantile <= 1.0:
            raise ValueError(
                "expected 0 < target_quantile < region_quantile <= 1, got "
                f"target_quantile={self.target_quantile}, region_quantile={self.region_quantile}"
            )
        if self.region_quantile != 1.0 and not self.evaluate_on_local:
            warnings.warn(
                "region_quantile does nothing with evaluate_on_local=False", UserWarning, stacklevel=3
            )

    def evaluate(
        self, study: StudyReader, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return the importances by parameter, the largest first; see ``get_param_importances`` for the errors."""
        asked = checked_names(params)
        observed = observe(study, target)
        names = observed.names if asked is None else asked
        if missing := sorted(set(names) - set(observed.names)):
            raise ValueError(f"params: no COMPLETE trial has {missing}; there are {observed.names}")
        usable = np.flatnonzero(observed.is_usable)
        if len(usable) < _FEWEST:
            return equal_importances(names)
        if target is not None:
            self._warn("low targets are taken for good ones; return the negative of what should be high")
            signs = [1.0]
        else:
            signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in study.directions]
        losses = observed.targets[usable] * signs
        is_best, is_near = np.zeros((2, len(observed.targets)), dtype=bool)
        is_best[usable[_best(losses, self.target_quantile)]] = True
        is_near[usable[_best(losses, self.region_quantile)]] = True
        is_near |= is_best
        if is_best.sum() == is_near.sum():
            self._warn(
                "as many trials are equally good as are compared with; all importances are nearly equal"
            )
        return ranked({name: self._importance(observed, name, is_best, is_near) for name in names})

    def _importance(self, observed: Observed, name: str, is_best: BoolArray, is_near: BoolArray) -> float:
        n_best, n_near, n_with = int(is_best.sum()), int(is_near.sum()), 0
        total, n_rare = 0.0, 0
        for distribution, trials, internals in observed.values_of(name):
            near = is_near[trials]
            best, n_here = is_best[trials[near]], int(near.sum())
            n_with += n_here
            n_rare += 0 < n_here < _FEWEST
            if n_here >= _FEWEST and best.any() and not distribution.single():
                divergence = self._divergence(distribution, internals[near], best)
                total += (best.sum() / n_best) ** 2 / (n_here / n_near) * divergence
        if n_rare or 0 < n_near - n_with < _FEWEST:
            self._warn(
                f"parameter {name!r}: one of its distributions, or its absence, occurs in one trial alone, "
                "which is left out"
            )
        return float(total * (n_best / n_near) ** 2)

    def _divergence(self, distribution: Distribution, internals: FloatArray, is_best: BoolArray) -> float:
        """Return Pearson's divergence of the best trials from all those with this distribution."""
        m, cells = n_cells(distribution), cells_of(distribution, internals)
        best = density(distribution, np.bincount(cells[is_best], minlength=m)) + _NEARLY_ZERO
        if self.evaluate_on_local:
            near = density(distribution, np.bincount(cells, minlength=m)) + _NEARLY_ZERO
        else:
            near = np.full(m, 1.0 / m)
        return float(near @ (best / near - 1.0) ** 2)

    def _warn(self, text: str) -> None:
        warnings.warn(f"PED-ANOVA: {text}", UserWarning, stacklevel=4)


def _best(losses: FloatArray, quantile: float) -> IntArray:
    """Return the positions of the best share of the trials, with all that are as good as the last of one objective."""
    count = math.ceil(quantile * len(losses))
    if losses.shape[1] > 1:
        return best_subset(losses, count)
    worst = np.partition(losses[:, 0], count - 1)[count - 1]
    return np.flatnonzero(losses[:, 0] <= worst)
