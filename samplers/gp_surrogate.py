"""Models of the outputs of a study, objectives, constraints and survival, and the score of a point that they give.

    score = log expected improvement + sum over constraints of log P(it is met) + log P(trials survive there)

The improvement is that on the least mean at any feasible trial, since under noise the least value observed is a lucky
one; with several objectives it is that of the hypervolume beyond the front of the means.  While no trial is feasible
there is nothing to improve on, and the probabilities alone count.

If the parameters tell who fails (``failures``), failing is modelled as a number that is 1 if a trial fails and -1 if
not; its mean at a point tells how many survive there, so that accidents, which can happen anywhere, bar no region.
Where nearly all is known already, the improvement that is left is smaller than any chance to survive: as long as
trials fail, only points count where survival is likely.

Pending trials are taken for ones that have given a value: the ``believer`` what the model expects of them, which
changes nothing but the deviation around them, other liars the worst, mean or best value of all trials.

Sources: Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize optimization"; Gelbart,
Snoek and Adams (2014), UAI (constraints; nothing but they count before a feasible point is known).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from raystudy.samplers.boxes import free_boxes
from raystudy.samplers.gp_data import Trials
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Hyperparameters, Posterior
from raystudy.samplers.gp_scores import LogEHVI, LogEI, LogProbability, Term
from raystudy.samplers.gp_values import around_zero, normalised, standardised
from raystudy.samplers.lies import Liar
from raystudy.samplers.pareto import dominance_ranks, largest_subset, reference_point

__all__ = ["Surrogate", "Surrogates"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: From features and values to the hyperparameters; ``True`` if equal parameters give equal values.
Fit = Callable[[FloatArray, FloatArray, bool], Hyperparameters]

#: Of the number that stands for survival where its chance is greatest, the part that is asked for: there may be
#: accidents everywhere.  The noise of that number is at least this.
_SURVIVES = -0.7
_LEAST_ACCIDENTS = 0.1
#: How sure of survival a proposal has to be: the surer, the more of the newest trials have failed.
_HOPE, _CAUTION, _SURE = 0.2, 20.0, 0.95
#: Good trials around which the search looks, if there is one objective or none yet.
_N_GOOD = 4
#: A front of more points than this, by the number of objectives, is thinned: the number of boxes explodes.
_MOST_ON_FRONT = {2: 150, 3: 60}
_FEW_ON_FRONT = 24


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """The model of one output: a kernel, the features and values that it was fitted to, and a limit for the latter."""

    kernel: Hyperparameters
    features: FloatArray  #: (n, f)
    y: FloatArray  #: (n,)
    limit: float = math.nan
    least: float = 0.0  #: The least probability to stay below the limit that is tried.

    def posterior(self, parameter: IntArray, shorter: float = 1.0) -> Posterior:
        """Return the posterior, with length scales that are shorter by a factor."""
        kernel = replace(self.kernel, weights=shorter**2 * self.kernel.weights)
        return Posterior.of(kernel, self.features, self.y, parameter)


@dataclass(frozen=True, slots=True, eq=False)
class Surrogates:
    """The models of all outputs of a study."""

    shape: FeatureMap
    trials: Trials
    objectives: tuple[Surrogate, ...]  #: None while no trial is feasible.
    limits: tuple[Surrogate, ...]  #: Constraints, and survival.

    @classmethod
    def of(cls, shape: FeatureMap, trials: Trials, fit: Fit, *, is_exact: bool) -> Surrogates:
        """Fit the models; ``is_exact``: whether equal parameters give equal objectives and constraints."""
        features, objectives, limits = shape.features(trials.points), [], []
        for losses in trials.losses.T if trials.is_feasible.any() else ():
            y = normalised(losses)
            objectives.append(Surrogate(fit(features, y, is_exact), features, y))
        for values in trials.constraints:
            has = ~np.isnan(values)
            y, zero = around_zero(values[has])
            limits.append(Surrogate(fit(features[has], y, is_exact), features[has], y, zero))
        if trials.failed.shape[1]:
            tried = np.concatenate([features, shape.features(trials.failed)])
            limits.append(_survival(tried, len(features), trials, fit))
        return cls(shape, trials, tuple(objectives), tuple(limits))

    def terms(self, liar: Liar, shorter: float = 1.0) -> tuple[tuple[Term, ...], FloatArray]:
        """Return the terms of the score, and points of good trials (d, g), the best ones first.

        Args:
            liar: What pending trials are taken for.
            shorter: A factor by which length scales of the objectives are shorter than fitted.
        """
        parameter, trials = self.shape.parameter, self.trials
        probabilities = tuple(
            LogProbability(each.posterior(parameter), each.limit, each.least) for each in self.limits
        )
        features, pending = self.shape.features(trials.points), self.shape.features(trials.pending)
        if not self.objectives:
            order = np.argsort(-_total(probabilities, features), kind="stable")
            return probabilities, trials.points[:, order[:_N_GOOD]]
        posteriors = [
            _lied(each.posterior(parameter, shorter), each.y[trials.is_feasible], pending, liar)
            for each in self.objectives
        ]
        is_likely = _total(probabilities, pending) > math.log(0.5)
        known = np.concatenate([features[trials.is_feasible], pending[is_likely]])
        means = np.stack([posterior.predict(known)[0] for posterior in posteriors], axis=1)
        points = trials.points[:, trials.is_feasible]
        if len(posteriors) == 1:
            order = np.argsort(means[: points.shape[1], 0], kind="stable")
            return (LogEI(posteriors[0], float(means.min())), *probabilities), points[:, order[:_N_GOOD]]
        seen = np.stack([each.y[trials.is_feasible] for each in self.objectives], axis=1)
        reference = reference_point(np.concatenate([means, seen]))
        good = np.flatnonzero(dominance_ranks(means[: len(seen)], 1) == 0)
        gain = LogEHVI.of(tuple(posteriors), *free_boxes(_thinned(means, reference), reference))
        return (gain, *probabilities), points[:, good]


def _thinned(means: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the front of points (n, k), or if it is long those of it that cover most."""
    front: FloatArray = means[dominance_ranks(means, 1) == 0]
    most = _MOST_ON_FRONT.get(means.shape[1], _FEW_ON_FRONT)
    return front[largest_subset(front, most, reference)] if len(front) > most else front


def _survival(features: FloatArray, n_survived: int, trials: Trials, fit: Fit) -> Surrogate:
    """Return the model of survival; of the trials with these features the first ``n_survived`` did."""
    has_failed = np.where(np.arange(len(features)) < n_survived, -1.0, 1.0)
    mean, deviation, y = float(has_failed.mean()), float(has_failed.std()), standardised(has_failed)
    kernel = fit(features, y, False)
    kernel = replace(kernel, noise=max(kernel.noise, _LEAST_ACCIDENTS))
    limit = _SURVIVES * (2.0 * trials.chance - 1.0)
    least = min(_SURE, max(_HOPE, _CAUTION * trials.failing))
    return Surrogate(kernel, features, y, (limit - mean) / deviation, least)


def _total(terms: Sequence[LogProbability], features: FloatArray) -> FloatArray:
    total = np.zeros(len(features))
    for term in terms:
        total += term(features)
    return total


def _lied(posterior: Posterior, values: FloatArray, pending: FloatArray, liar: Liar) -> Posterior:
    """Return a posterior that has seen the pending trials (p, f); ``values`` are those of feasible trials."""
    if not len(pending):
        return posterior
    if liar == "believer":
        return posterior.believing(pending, posterior.predict(pending)[0])
    lie = {"worst": values.max(), "mean": values.mean(), "best": values.min()}[liar]
    return posterior.believing(pending, np.full(len(pending), lie))
