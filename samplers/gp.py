"""Bayesian optimisation by Gaussian processes: the point with the greatest expected improvement is proposed next.

Per proposal, from nothing but the history: the values of each objective are made normal (``gp_values``), kernels are
fitted to objectives, constraints and failures (``gp_model``, ``gp_surrogate``), and the log expected improvement on the
best feasible trials, weighted by the probability that the trial is feasible and does not fail, is climbed
(``gp_search``).  With several objectives it is the improvement of the hypervolume.

Modelled jointly are the parameters that all observed trials share.  Any other one (a branch that not all trials take)
is drawn alone by the independent sampler, by default the univariate TPE, which knows the trials that have it.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from raystudy.distributions import Distribution, ParamValue
from raystudy.samplers.base import ConstraintsFunction, Sampler
from raystudy.samplers.gp_data import Trials
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Hyperparameters, fit
from raystudy.samplers.gp_search import Score, best_nearby, best_point
from raystudy.samplers.gp_surrogate import Surrogates
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.lies import LIARS, Liar
from raystudy.samplers.random import RandomSampler
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.tpe import TPESampler

__all__ = ["GPSampler"]

FloatArray = npt.NDArray[np.float64]

#: Where less than this is expected to be gained (its logarithm, in deviations of the values), every other proposal is a
#: step away from the best trial, the best step by a model with length scales shorter by this factor.  A few trials near
#: to each other, or at the ends of a parameter alone, can make the likeliest kernel too smooth, and its certainty that
#: nothing better is beside them would never be put to the test.
_NEGLIGIBLE = math.log(1e-3)
_DISTRUST = 0.5
_SHORTER = 2.0

_logger = logging.getLogger(__name__)


# Not frozen: a study that was given no seed draws one and fills it in.
@dataclass(slots=True, kw_only=True)
class GPSampler(HistorySampler):
    """Propose where Gaussian processes expect the most improvement, for one objective or several.

    A proposal depends on nothing but history, space and generator.  It is computed with one BLAS thread, so that the
    number of cores does not matter.

    Args:
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        independent_sampler: Draws what is not modelled jointly: everything during the start-up, later the parameters
            that not all trials have.  None means uniform draws first and univariate TPE later.
        n_startup_trials: Trials, observed or pending, before which everything is drawn independently; at least half
            of them must be observed.
        deterministic_objective: Whether equal parameters always give equal values; otherwise the noise is estimated.
        constraints_func: Deprecated, as in Optuna: ``trial.set_constraint`` needs no function.  Called once with each
            trial that has ended COMPLETE or PRUNED, in the process that drives the search; returns one number for
            each constraint, above zero where it is violated.  Functions are not stored with the study.
        warn_independent_sampling: Whether to log a warning when a parameter is drawn on its own after the start-up.
        liar: What pending trials are taken for: "believer" (what the model expects of each), or the "worst", "mean"
            or "best" value of all trials.
        learn_from_failures: Whether failed trials lower the chance of their region.
        prepares_ahead: Whether, where several trials run at once, the next proposal is drawn while they run, so that a
            freed slot need not wait; it does not know of the trial that freed the slot.

    Raises:
        ValueError: If ``n_startup_trials`` is negative, or ``liar`` is none of these.
    """

    seed: int | None = None
    independent_sampler: Sampler | None = None
    n_startup_trials: int = 10
    deterministic_objective: bool = False
    constraints_func: ConstraintsFunction | None = None
    warn_independent_sampling: bool = True
    liar: Liar = "believer"
    learn_from_failures: bool = True
    prepares_ahead: bool = True
    #: The fits of the last proposal, by their data: while trials are pending, the next one needs the same.
    _fits: dict[bytes, Hyperparameters] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.n_startup_trials < 0:
            raise ValueError(f"GPSampler: need n_startup_trials >= 0, got {self.n_startup_trials}")
        if self.liar not in LIARS:
            raise ValueError(f"GPSampler: liar needs one of {LIARS}, got {self.liar!r}")
        if self.constraints_func is not None:
            message = (
                "GPSampler: constraints_func is deprecated, as in Optuna; call trial.set_constraint in the objective "
                "instead"
            )
            warnings.warn(message, FutureWarning, stacklevel=3)

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that all observed trials share, none during the start-up."""
        return {} if self._is_startup(history) else history.joint_space()

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``, jointly."""
        names = sorted(space)
        free = {name: space[name] for name in names if not space[name].single()}
        fixed = {name: space[name] for name in names if name not in free}
        params = external_params(fixed, uniform(fixed, rng, 1)[:, 0])
        if free:
            with _blas().limit(limits=1, user_api="blas"):
                params |= external_params(free, self._draw(free, history, rng))
        return {name: params[name] for name in names}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter, by the independent sampler."""
        is_startup = self._is_startup(history)
        if self.warn_independent_sampling and not is_startup and not distribution.single():
            _logger.warning(
                "GPSampler draws parameter=%s on its own, since not all observed trials have it with one and the "
                "same distribution; warn_independent_sampling=False keeps this quiet",
                name,
            )
        sampler = self.independent_sampler
        if sampler is None:
            sampler = RandomSampler() if is_startup else TPESampler(n_startup_trials=self.n_startup_trials)
        return sampler.sample(name, distribution, history, rng)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``; functions are left out."""
        independent = self.independent_sampler
        return {
            "name": "GPSampler",
            "seed": self.seed,
            "independent_sampler": None if independent is None else independent.spec(),
            "n_startup_trials": self.n_startup_trials,
            "deterministic_objective": self.deterministic_objective,
            "warn_independent_sampling": self.warn_independent_sampling,
            "liar": self.liar,
            "learn_from_failures": self.learn_from_failures,
            "prepares_ahead": self.prepares_ahead,
        }

    def _is_startup(self, history: History) -> bool:
        n_known = history.n_observed + history.n_pending
        return n_known < self.n_startup_trials or 2 * history.n_observed < self.n_startup_trials

    def _draw(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> FloatArray:
        """Return the internal values of the proposal, in the order of ``space``."""
        trials = Trials.of(space, history, with_failed=self.learn_from_failures)
        if not len(trials.losses):
            return uniform(space, rng, 1)[:, 0]
        shape, fits = FeatureMap.of(space), dict[bytes, Hyperparameters]()

        def fitted(features: FloatArray, y: FloatArray, is_exact: bool) -> Hyperparameters:
            key = blake2b(features.tobytes() + y.tobytes() + bytes([is_exact])).digest()
            if key not in self._fits:
                self._fits[key] = fit(features, y, shape.parameter, len(space), is_exact=is_exact)
            fits[key] = self._fits[key]
            return fits[key]

        models = Surrogates.of(shape, trials, fitted, is_exact=self.deterministic_objective)
        self._fits = fits

        terms, good = models.terms(self.liar)
        point, log_gain = best_point(Score(shape, terms, trials.taken), good, rng)
        if len(models.objectives) == 1 and log_gain < _NEGLIGIBLE and rng.random() < _DISTRUST:
            terms, good = models.terms(self.liar, _SHORTER)
            step, log_gain = best_nearby(Score(shape, terms, trials.taken), good[:, :1], rng)
            point = step if math.isfinite(log_gain) else point
        return point


@cache
def _blas() -> ThreadpoolController:
    """Several threads would change the last digits, and be slower: the matrices are small."""
    return ThreadpoolController()
