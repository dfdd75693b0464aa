"""Tree-structured Parzen estimator with joint kernels and the constant liar.

The observed trials are split into the best tenth (*below*) and the rest (*above*); candidates are drawn from
the density of the former and the one with the highest density ratio is proposed.  Pending trials join the
latter group, which keeps parallel proposals apart without making up values for them.  Trials that violate
their constraints rank behind all others (``splitting``).

Source: Bergstra et al. (2011), NeurIPS 24, Algorithm 1 and section 4; settings of Optuna 5's default.  On
purpose different from Optuna: pending trials count towards the start-up, trials that were trained for different
budgets are ranked by what is expected of them at one budget (``standing``), and a candidate equal to a pending
trial gives way to the next best one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.samplers.base import ConstraintsFunction
from raystudy.samplers.history import History, Role
from raystudy.samplers.parzen import Axes, ParzenEstimator
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.splitting import split_observed

__all__ = ["TPESampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Arguments that cannot be stored with a study.
_FUNCTIONS = ("constraints_func",)


# Not frozen: a study that was given no seed draws one and fills it in.
@dataclass(slots=True, kw_only=True)
class TPESampler:
    """Propose where good trials are dense and the others are not (single objective).

    Args:
        n_startup_trials: Trials, observed or pending, before which proposals are uniform.
        n_ei_candidates: Candidates drawn for each proposal.
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        multivariate: False draws every parameter on its own; None means True.
        group: Not supported yet.
        constant_liar: Whether pending trials are taken into account.
        constraints_func: Deprecated, as in Optuna: ``trial.set_constraint`` needs no function.  Called once with each
            trial that has ended COMPLETE or PRUNED, in the process that drives the search; returns one number for
            each constraint, above zero where it is violated.  It is not stored with the study.

    Raises:
        ValueError: If a number is out of range, or the options contradict each other.
        NotImplementedError: If ``group`` is True.
    """

    n_startup_trials: int = 10
    n_ei_candidates: int = 24
    seed: int | None = None
    multivariate: bool | None = None
    group: bool = False
    constant_liar: bool = True
    constraints_func: ConstraintsFunction | None = None

    def __post_init__(self) -> None:
        if self.n_startup_trials < 0 or self.n_ei_candidates < 1:
            raise ValueError(
                "TPESampler: need n_startup_trials >= 0 and n_ei_candidates >= 1, "
                f"got {self.n_startup_trials} and {self.n_ei_candidates}"
            )
        if self.group and self.multivariate is False:
            raise ValueError("TPESampler: group=True needs multivariate=True or None, got False")
        if self.group:
            raise NotImplementedError("TPESampler: group=True is not supported yet; leave it False")
        if self.constraints_func is not None:
            warnings.warn(
                "TPESampler: constraints_func is deprecated; call trial.set_constraint in the objective instead",
                FutureWarning,
                stacklevel=3,
            )

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return all known parameters during start-up, then those that all observed trials share.

        Raises:
            NotImplementedError: If the study has several objectives.
        """
        _check_single_objective(history)
        if self.multivariate is False:
            return {}
        return history.known_space() if self._is_startup(history) else history.joint_space()

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
            params |= external_params(free, self._draw(free, history, rng))
        return {name: params[name] for name in names}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter.

        Raises:
            NotImplementedError: If the study has several objectives.
        """
        return self.propose({name: distribution}, history, rng)[name]

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``; functions are left out."""
        arguments = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"name": "TPESampler"} | {
            key: value for key, value in arguments.items() if key not in _FUNCTIONS
        }

    def _is_startup(self, history: History) -> bool:
        n_pending = history.n_pending if self.constant_liar else 0
        return history.n_observed + n_pending < self.n_startup_trials

    def _draw(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> FloatArray:
        """Return the internal values of the best candidate, in the order of ``space``."""
        columns: FloatArray = np.stack([history.column(name) for name in space])
        is_usable: npt.NDArray[np.bool_] = np.logical_not(np.isnan(columns).any(axis=0))
        is_pending = (history.roles == Role.PENDING) & self.constant_liar
        pending = np.flatnonzero(is_pending & is_usable)
        if self._is_startup(history):
            candidates = uniform(space, rng, self.n_ei_candidates)
            scores = np.zeros(self.n_ei_candidates)
        else:
            views = split_observed(history)
            candidates, scores = self._score(Axes.of(space), columns, is_usable, views, pending, rng)
        if all(_is_finite(distribution) for distribution in space.values()):
            taken = (candidates[:, :, None] == columns[:, None, pending]).all(axis=0).any(axis=1)
            scores[taken] = -np.inf
        return candidates[:, int(np.argmax(scores))]

    def _score(
        self,
        axes: Axes,
        columns: FloatArray,
        is_usable: npt.NDArray[np.bool_],
        views: Sequence[tuple[IntArray, IntArray]],
        pending: IntArray,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray]:
        """Return candidates (d, n) from the best trials of all views in equal shares, and their scores (n,).

        A score is the mean over the views of the log density ratio.
        """
        goods, rests, drawn = [], [], []
        for view, (below, above) in enumerate(views):
            above = np.sort(np.concatenate([above, pending]))  # noqa: PLW2901
            goods.append(ParzenEstimator.fit(axes, columns[:, below[is_usable[below]]]))
            rests.append(ParzenEstimator.fit(axes, columns[:, above[is_usable[above]]]))
            drawn.append(goods[-1].sample(rng, len(range(view, self.n_ei_candidates, len(views)))))
        candidates = np.concatenate(drawn, axis=1)
        ratios = [
            good.log_pdf(candidates) - rest.log_pdf(candidates)
            for good, rest in zip(goods, rests, strict=True)
        ]
        return candidates, np.mean(ratios, axis=0)


def _is_finite(distribution: Distribution) -> bool:
    return isinstance(distribution, CategoricalDistribution) or distribution.step is not None


def _check_single_objective(history: History) -> None:
    if len(history.directions) > 1:
        raise NotImplementedError(
            f"TPESampler: expected one objective, got {len(history.directions)}; several objectives are not "
            "supported yet, use RandomSampler"
        )
