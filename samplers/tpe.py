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
from collections.abc import Mapping, Sequence
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


def split_observed(history: History) -> list[tuple[IntArray, IntArray]]:
    """Split the observed trials of a single-objective study into the best ones and the rest; ties go to the older.

    Where trials have come to different budgets, it is done twice: for all by what is expected of them, and for
    those only that have reached the modelled budget (see ``standing``).  The first is blind to good trials that
    start slowly, since most of the rest were stopped early; the second knows few trials.

    Returns:
        One or two pairs: the numbers of the ceil(n / 10) best trials (at most 25, in the second at least 2), and of
        the others, increasing.
    """
    found = standings(history)
    is_known = ~np.isnan(found.known)
    views = [_split(found.numbers, found.expected)]
    if not is_known.all():
        views.append(_split(found.numbers[is_known], found.known[is_known], least=2))
    return views


def _split(numbers: IntArray, standing: FloatArray, least: int = 1) -> tuple[IntArray, IntArray]:
    n_below = max(least, min(math.ceil(0.1 * len(numbers)), _MAX_BELOW))
    is_best = np.zeros(len(numbers), dtype=bool)
    is_best[_smallest(standing, n_below)] = True
    return numbers[is_best], numbers[~is_best]


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
