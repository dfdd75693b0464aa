"""Tree-structured Parzen estimator with joint kernels and the constant liar.

The observed trials are split into the best tenth (*below*) and the rest (*above*); candidates are drawn from
the density of the former and the one with the highest density ratio is proposed.  Pending trials join the
latter group, which keeps parallel proposals apart without making up values for them.

Source: Bergstra et al. (2011), NeurIPS 24, Algorithm 1 and section 4; settings of Optuna 5's default.  On
purpose different from Optuna: pending trials count towards the start-up, trials that were trained for different
budgets are ranked by what is expected of them at one budget (``standing``), and a candidate equal to a pending
trial gives way to the next best one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.samplers.history import History, Role
from raystudy.samplers.parzen import Axes, ParzenEstimator
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.standing import standings

__all__ = ["TPESampler", "split_observed"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MAX_BELOW = 25


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
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        return {"name": "TPESampler", **asdict(self)}

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
            axes = Axes.of(space)
            below, above = split_observed(history)
            above = np.sort(np.concatenate([above, pending]))
            good = ParzenEstimator.fit(axes, columns[:, below[is_usable[below]]])
            rest = ParzenEstimator.fit(axes, columns[:, above[is_usable[above]]])
            candidates = good.sample(rng, self.n_ei_candidates)
            scores = good.log_pdf(candidates) - rest.log_pdf(candidates)
        if all(_is_finite(distribution) for distribution in space.values()):
            taken = (candidates[:, :, None] == columns[:, None, pending]).all(axis=0).any(axis=1)
            scores[taken] = -np.inf
        return candidates[:, int(np.argmax(scores))]


def split_observed(history: History) -> tuple[IntArray, IntArray]:
    """Split the observed trials of a single-objective study into the best ones and the rest.

    They are ranked by their ``standings``; in a study where no trial was stopped early, by value.  Ties go to the
    older trial.

    Returns:
        Numbers of the ceil(n / 10) best trials, at most 25, and of the others, both increasing.
    """
    rows, standing = standings(history)
    n_below = min(math.ceil(0.1 * len(rows)), _MAX_BELOW)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[_smallest(standing, n_below)] = True
    return rows[chosen], rows[~chosen]


def _smallest(keys: FloatArray, count: int) -> IntArray:
    """Return the positions of the ``count`` smallest keys (all, if there are fewer), ties by position."""
    if count >= len(keys):
        return np.arange(len(keys))
    if count == 0:
        return np.arange(0)
    threshold = np.partition(keys, count - 1)[count - 1]
    smaller = np.flatnonzero(keys < threshold)
    ties = np.flatnonzero(keys == threshold)[: count - len(smaller)]
    return np.concatenate([smaller, ties])


def _is_finite(distribution: Distribution) -> bool:
    return isinstance(distribution, CategoricalDistribution) or distribution.step is not None


def _check_single_objective(history: History) -> None:
    if len(history.directions) > 1:
        raise NotImplementedError(
            f"TPESampler: expected one objective, got {len(history.directions)}; several objectives are not "
            "supported yet, use RandomSampler"
        )
