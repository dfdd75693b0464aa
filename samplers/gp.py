"""Bayesian optimisation by a Gaussian process: the point with the greatest expected improvement is proposed next.

Per proposal, from nothing but the history: the values are made normal (``gp_values``), the kernel is fitted
(``gp_model``), pending trials are believed to give what the model expects of them, which lowers the deviation around
them (Ginsbourger et al., 2010), and the log expected improvement is climbed (``gp_search``).  It is the improvement on
the least mean at any trial: under noise the least value observed is a lucky one.

Modelled jointly are the parameters that all observed trials share.  Any other one (a branch that not all trials take)
is drawn alone by the independent sampler, by default the univariate TPE, which knows the trials that have it.

Trials that were stopped at other budgets count by their standing (``standing``), those that violate a constraint as
the worst feasible one (while none is feasible, by how much they violate it); failed ones do not count.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial
from raystudy.samplers.base import Sampler
from raystudy.samplers.gp_features import FeatureMap
from raystudy.samplers.gp_model import Hyperparameters, Posterior, fit
from raystudy.samplers.gp_search import LogEI, best_point
from raystudy.samplers.gp_values import normalised
from raystudy.samplers.history import History, Role
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.random import RandomSampler
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.standing import standings
from raystudy.samplers.tpe import TPESampler

__all__ = ["GPSampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Trials that are modelled: the cost of a proposal grows with the cube of their number.
_MOST_TRIALS = 300
#: Good trials around which the search looks.
_N_GOOD = 4
#: Where less than this is expected to be gained (its logarithm, in deviations of the values), every other proposal is
#: that of a model with length scales shorter by this factor: a few trials near to each other can make the likeliest
#: kernel too smooth, and its certainty that nothing better is elsewhere would never be put to the test.
_NEGLIGIBLE = math.log(1e-3)
_DISTRUST = 0.5
_SHORTER = 2.0

_logger = logging.getLogger(__name__)


# Not frozen: a study that was given no seed draws one and fills it in.
@dataclass(slots=True, kw_only=True)
class GPSampler(HistorySampler):
    """Propose where a Gaussian process expects the most improvement (single objective).

    A proposal depends on nothing but history, space and generator.  It is computed with one BLAS thread, so that the
    number of cores does not matter.

    Args:
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        independent_sampler: Draws what is not modelled jointly: everything during the start-up, later the parameters
            that not all trials have.  None means uniform draws first and univariate TPE later.
        n_startup_trials: Trials, observed or pending, before which everything is drawn independently; at least half
            of them must be observed.
        deterministic_objective: Whether equal parameters always give equal values; otherwise the noise is estimated.
        constraints_func: Not supported yet; ``trial.set_constraint`` is.
        warn_independent_sampling: Whether to log a warning when a parameter is drawn on its own after the start-up.

    Raises:
        ValueError: If ``n_startup_trials`` is negative.
        NotImplementedError: If ``constraints_func`` is given.
    """

    seed: int | None = None
    independent_sampler: Sampler | None = None
    n_startup_trials: int = 10
    deterministic_objective: bool = False
    constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None
    warn_independent_sampling: bool = True

    def __post_init__(self) -> None:
        if self.n_startup_trials < 0:
            raise ValueError(f"GPSampler: need n_startup_trials >= 0, got {self.n_startup_trials}")
        if self.constraints_func is not None:
            raise NotImplementedError(
                "GPSampler: constraints_func is not supported yet; leave it None and use trial.set_constraint"
            )

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that all observed trials share, none during the start-up.

        Raises:
            NotImplementedError: If the study has several objectives.
        """
        _check_single_objective(history)
        return {} if self._is_startup(history) else history.joint_space()

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``, jointly.

        Raises:
            NotImplementedError: If the study has several objectives.
        """
        _check_single_objective(history)
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
        """Draw one external value for a single parameter, by the independent sampler.

        Raises:
            NotImplementedError: If the study has several objectives.
        """
        _check_single_objective(history)
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
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        independent = self.independent_sampler
        return {
            "name": "GPSampler",
            "seed": self.seed,
            "independent_sampler": None if independent is None else independent.spec(),
            "n_startup_trials": self.n_startup_trials,
            "deterministic_objective": self.deterministic_objective,
            "warn_independent_sampling": self.warn_independent_sampling,
        }

    def _is_startup(self, history: History) -> bool:
        n_known = history.n_observed + history.n_pending
        return n_known < self.n_startup_trials or 2 * history.n_observed < self.n_startup_trials

    def _draw(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> FloatArray:
        """Return the internal values of the proposal, in the order of ``space``."""
        columns: FloatArray = np.stack([history.column(name) for name in space])
        is_usable: npt.NDArray[np.bool_] = np.logical_not(np.isnan(columns).any(axis=0))
        found = standings(history)
        is_modelled = is_usable[found.numbers]
        numbers = found.numbers[is_modelled]
        values = _feasible_first(found.expected[is_modelled], history.violations[numbers])
        numbers, values = _most_telling(numbers, values)
        if not len(numbers):
            return uniform(space, rng, 1)[:, 0]
        pending = np.flatnonzero((history.roles == Role.PENDING) & is_usable)
        shape = FeatureMap.of(space)
        features = shape.features(columns[:, numbers])
        y = normalised(values)
        kernel = fit(features, y, shape.parameter, len(space), is_exact=self.deterministic_objective)
        modelled, believed = columns[:, numbers], columns[:, pending]
        taken = columns[:, is_usable & ((history.roles == Role.PENDING) | (history.roles == Role.OBSERVED))]

        def search(kernel: Hyperparameters) -> tuple[FloatArray, float]:
            model = Posterior.of(kernel, features, y, shape.parameter)
            means = model.predict(features)[0]
            best = float(means.min())
            if len(pending):
                added = shape.features(believed)
                best = min(best, float(model.predict(added)[0].min()))
                model = model.believing(added)
            good = modelled[:, np.argsort(means, kind="stable")[:_N_GOOD]]
            return best_point(LogEI(shape, model, best, taken), good, rng)

        point, log_gain = search(kernel)
        if log_gain < _NEGLIGIBLE and rng.random() < _DISTRUST:
            point, _ = search(replace(kernel, weights=_SHORTER**2 * kernel.weights))
        return point


@cache
def _blas() -> ThreadpoolController:
    """Several threads would change the last digits, and be slower: the matrices are small."""
    return ThreadpoolController()


def _feasible_first(values: FloatArray, violations: FloatArray) -> FloatArray:
    """Return values (n,) that are infinite for infeasible trials, or the violations if all are infeasible."""
    is_infeasible = violations > 0.0
    if len(values) and is_infeasible.all():
        return violations
    return np.where(is_infeasible, np.inf, values)


def _most_telling(numbers: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return all trials, or if they are too many the better half of ``_MOST_TRIALS`` and the newest of the others."""
    if len(numbers) <= _MOST_TRIALS:
        return numbers, values
    is_chosen = np.zeros(len(numbers), dtype=bool)
    is_chosen[np.argsort(values, kind="stable")[: _MOST_TRIALS // 2]] = True
    is_chosen[np.flatnonzero(~is_chosen)[-(_MOST_TRIALS // 2) :]] = True
    return numbers[is_chosen], values[is_chosen]


def _check_single_objective(history: History) -> None:
    if len(history.directions) > 1:
        raise NotImplementedError(
            f"GPSampler: expected one objective, got {len(history.directions)}; several objectives are not "
            "supported yet, use RandomSampler"
        )
