"""Tree-structured Parzen estimator with joint kernels and the constant liar.

The observed trials are split into the best tenth (*below*) and the rest (*above*, see ``splitting``); candidates
are drawn from the density of the former and the one with the highest density ratio is proposed.  Pending trials
join the latter group, which keeps parallel proposals apart without making up values for them, unless another liar
is asked for (``lies``).

Parameters are drawn in *blocks*: those that always come together jointly, as those of one branch of a conditional
space; one by one if ``multivariate`` is False, which is the default for several objectives.  A block that only some
trials have is modelled by these, split into their own best tenth and the rest.

Source: Bergstra et al. (2011), NeurIPS 24, Algorithm 1 and section 4; settings of Optuna 5's default.  On
purpose different from Optuna: pending trials count towards the start-up, trials that were trained for different
budgets are ranked by what is expected of them at one budget (``standing``), a candidate equal to a pending trial
gives way to the next best one, and where trials fail (``failures``) the score is the logarithm of the expected
improvement, 1 / (share of the good + share of the others / ratio), times the chance to survive.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.samplers.base import ConstraintsFunction
from raystudy.samplers.failures import Survival, log_improvement
from raystudy.samplers.history import History, Role
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.lies import LIARS, Liar, believed_good, mean_is_good
from raystudy.samplers.orders import order_within
from raystudy.samplers.parzen import Axes, KernelRule, ParzenEstimator, Weights, age_weights
from raystudy.samplers.scales import external_params, uniform
from raystudy.samplers.splitting import Gamma, best_fifth, quarter_of_root, split_observed
from raystudy.samplers.startup import STARTUPS, Startup, startup_candidates

__all__ = ["TPESampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Views = Sequence[tuple[IntArray, IntArray]]

#: Arguments that cannot be stored with a study.
_FUNCTIONS = ("constraints_func", "gamma", "weights")
_DEPRECATED = (
    *("consider_prior", "prior_weight", "consider_magic_clip", "consider_endpoints", "gamma", "weights"),
    "warn_independent_sampling",
)


# Not frozen: a study that was given no seed draws one and fills it in.
@dataclass(slots=True, kw_only=True)
class TPESampler(HistorySampler):
    """Propose where good trials are dense and the others are not, for one objective or several.

    Args:
        n_startup_trials: Trials, observed or pending, before which proposals are uniform.
        startup: Whether these are "random", or cover the space evenly, also in parallel: "sobol" (see ``startup``).
        n_ei_candidates: Candidates drawn for each proposal.
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        multivariate: Whether parameters are drawn jointly; None means True for one objective (and with ``group``),
            False for several.
        group: True makes ``multivariate`` True for several objectives, too; branches are drawn jointly in any case.
        constant_liar: Whether pending trials are taken into account.
        liar: What their results are taken for: "worst" (they join the worse trials), "best" (the good ones), "mean"
            (the good ones if the mean result is among them), "believer" (what the model believes of each).
        learn_from_failures: Whether trials that failed lower the chance of their region (see ``failures``).
        constraints_func: Deprecated, as in Optuna: ``trial.set_constraint`` needs no function.  Called once with each
            trial that has ended COMPLETE or PRUNED, in the process that drives the search; returns one number for
            each constraint, above zero where it is violated.  Functions are not stored with the study.
        consider_prior: Deprecated, without effect: there always is a prior.
        prior_weight: Deprecated: weight of the prior, 1 by default.
        consider_magic_clip: Deprecated: False takes the lower bound of the kernels' widths away.
        consider_endpoints: Deprecated: True lets the outermost kernels reach to the ends of the domain.
        gamma: Deprecated: from the number of observed trials to that of the good ones.
        weights: Deprecated: from a number of trials to their weights, oldest first; for several objectives, good
            trials weigh the same whatever it says.
        warn_independent_sampling: Deprecated, without effect.

    Raises:
        ValueError: If a number is out of range, or the options contradict each other.
    """

    n_startup_trials: int = 10
    startup: Startup = "random"
    n_ei_candidates: int = 24
    seed: int | None = None
    multivariate: bool | None = None
    group: bool = False
    constant_liar: bool = True
    liar: Liar = "worst"
    learn_from_failures: bool = True
    constraints_func: ConstraintsFunction | None = None
    consider_prior: bool | None = None
    prior_weight: float | None = None
    consider_magic_clip: bool | None = None
    consider_endpoints: bool | None = None
    gamma: Gamma | None = None
    weights: Weights | None = None
    warn_independent_sampling: bool | None = None

    def __post_init__(self) -> None:
        if self.n_startup_trials < 0 or self.n_ei_candidates < 1:
            raise ValueError(
                "TPESampler: need n_startup_trials >= 0 and n_ei_candidates >= 1, "
                f"got {self.n_startup_trials} and {self.n_ei_candidates}"
            )
        if self.group and self.multivariate is False:
            raise ValueError("TPESampler: group=True needs multivariate=True or None, got False")
        for name, known in (("liar", LIARS), ("startup", STARTUPS)):
            if getattr(self, name) not in known:
                raise ValueError(f"TPESampler: {name} needs one of {known}, got {getattr(self, name)!r}")
        if self.liar != "worst" and not self.constant_liar:
            raise ValueError(f"TPESampler: liar={self.liar!r} needs constant_liar=True, got False")
        self._rule()
        given = [name for name in _DEPRECATED if getattr(self, name) is not None]
        advice = dict.fromkeys(given, "leave it out")
        if self.constraints_func is not None:
            advice["constraints_func"] = "call trial.set_constraint in the objective instead"
        for name, instead in advice.items():
            _warn(name, instead, stacklevel=4)

    @staticmethod
    def hyperopt_parameters() -> dict[str, Any]:
        """Return hyperopt's arguments, as Optuna does; deprecated like those of them that say so."""
        _warn("hyperopt_parameters()", "give the arguments that you need", stacklevel=3)
        return {
            "consider_prior": True,
            "prior_weight": 1.0,
            "consider_magic_clip": True,
            "consider_endpoints": False,
            "n_startup_trials": 20,
            "n_ei_candidates": 24,
            "gamma": quarter_of_root,
            "weights": age_weights,
        }

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that ``propose`` draws: all, or none if a single objective has each drawn alone."""
        is_alone = len(history.directions) == 1 and self.multivariate is False
        return {} if is_alone else history.known_space()

    def hook_space(self, history: History) -> Mapping[str, Distribution]:
        """Return those of ``joint_space`` that all observed trials share (all with ``group``): Optuna's answer."""
        known, shared = self.joint_space(history), history.joint_space()
        return {name: each for name, each in known.items() if self.group or name in shared}

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``, jointly within each block."""
        names = sorted(space)
        free = {name: space[name] for name in names if not space[name].single()}
        fixed = {name: space[name] for name in names if name not in free}
        params = external_params(fixed, uniform(fixed, rng, 1)[:, 0]) if fixed else {}
        views = [] if self._is_startup(history) or not free else split_observed(history, self.gamma)
        for block in self._blocks(free, history):
            params |= external_params(block, self._draw(block, history, views, rng, whole=free))
        return {name: params[name] for name in names}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter."""
        return self.propose({name: distribution}, history, rng)[name]

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``; functions are left out."""
        arguments = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = {key: value for key, value in arguments.items() if key not in _FUNCTIONS}
        return {"name": "TPESampler"} | {
            k: v for k, v in kept.items() if k not in _DEPRECATED or v is not None
        }

    def _is_joint(self, history: History) -> bool:
        if self.multivariate is None:
            return self.group or len(history.directions) == 1
        return self.multivariate

    def _is_startup(self, history: History) -> bool:
        n_pending = history.n_pending if self.constant_liar else 0
        return history.n_observed + n_pending < self.n_startup_trials

    def _rule(self) -> KernelRule:
        return KernelRule(
            prior_weight=1.0 if self.prior_weight is None else self.prior_weight,
            magic_clip=self.consider_magic_clip is not False,
            endpoints=bool(self.consider_endpoints),
            weights=self.weights,
        )

    def _blocks(
        self, space: Mapping[str, Distribution], history: History
    ) -> Iterator[dict[str, Distribution]]:
        """Yield the parts of a space that are drawn jointly."""
        if not self._is_joint(history):
            groups = [[name] for name in space]
        elif self._is_startup(history) or not (groups := history.groups()):
            groups = [list(space)]
        else:
            known = {name for group in groups for name in group}
            groups += [[name] for name in space if name not in known]
        for group in groups:
            if block := {name: space[name] for name in group if name in space}:
                yield block

    def _draw(
        self,
        space: Mapping[str, Distribution],
        history: History,
        views: Views,
        rng: np.random.Generator,
        *,
        whole: Mapping[str, Distribution],
    ) -> FloatArray:
        """Return the internal values of the best candidate, in the order of ``space``; uniform without views."""
        columns: FloatArray = np.stack([history.column(name) for name in space])
        is_usable: BoolArray = np.logical_not(np.isnan(columns).any(axis=0))
        is_pending = (history.roles == Role.PENDING) & self.constant_liar
        pending = np.flatnonzero(is_pending & is_usable)
        # Of a branch its own best trials, not the study's.
        if views and (is_usable < (history.roles == Role.OBSERVED)).any():
            views = split_observed(history, self.gamma or best_fifth, is_usable)
        survival = Survival.of(space, history) if self.learn_from_failures else None
        if not views:
            candidates, scores = startup_candidates(
                self.startup, space, whole, history, survival, rng, self.n_ei_candidates
            )
        else:
            sides = [
                self._sides(Axes.of(space), columns, is_usable, view, pending, history) for view in views
            ]
            candidates, scores = self._score(sides, rng)
            if survival is not None:
                share = len(views[0][0]) / max(1, sum(map(len, views[0])))
                scores = survival.log_chance(candidates) + log_improvement(scores, share)
        if space == whole and all(_is_finite(distribution) for distribution in space.values()):
            taken = (candidates[:, :, None] == columns[:, None, pending]).all(axis=0).any(axis=1)
            scores[taken] = -np.inf
        return candidates[:, int(np.argmax(scores))]

    def _sides(
        self,
        axes: Axes,
        columns: FloatArray,
        is_usable: BoolArray,
        view: tuple[IntArray, IntArray],
        pending: IntArray,
        history: History,
    ) -> tuple[ParzenEstimator, ParzenEstimator]:
        """Return the estimators of the good trials and of the others, each with its share of the pending ones."""
        below, above = (numbers[is_usable[numbers]] for numbers in view)
        rule = self._rule()
        rule_below = rule if len(history.directions) == 1 else replace(rule, weights=np.ones)

        def fit(good: IntArray, rest: IntArray) -> tuple[ParzenEstimator, ParzenEstimator]:
            is_rest = np.isin(np.arange(columns.shape[1]), rest)
            by_value = order_within(history.orders.of(columns[axes.numeric]), is_rest)
            return (
                ParzenEstimator.fit(axes, columns[:, np.sort(good)], rule_below),
                ParzenEstimator.fit(axes, columns[:, is_rest], rule, by_value),
            )

        is_good = np.full(len(pending), self.liar == "best")
        if self.liar == "mean":
            is_good[:] = mean_is_good(history, view[0])
        elif self.liar == "believer" and len(pending):
            is_good = believed_good(*fit(below, above), columns[:, pending])
        return fit(np.concatenate([below, pending[is_good]]), np.concatenate([above, pending[~is_good]]))

    def _score(
        self, sides: Sequence[tuple[ParzenEstimator, ParzenEstimator]], rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Return candidates (d, n) from the good trials of all views in equal shares, and their scores (n,).

        A score is the mean over the views of the log density ratio.
        """
        shares = [len(range(view, self.n_ei_candidates, len(sides))) for view in range(len(sides))]
        drawn = [good.sample(rng, share) for (good, _), share in zip(sides, shares, strict=True)]
        candidates = np.concatenate(drawn, axis=1)
        ratios = [good.log_pdf(candidates) - rest.log_pdf(candidates) for good, rest in sides]
        return candidates, np.mean(ratios, axis=0)


def _warn(what: str, instead: str, stacklevel: int) -> None:
    message = f"TPESampler: {what} is deprecated, as in Optuna; {instead}"
    warnings.warn(message, FutureWarning, stacklevel=stacklevel)


def _is_finite(distribution: Distribution) -> bool:
    return isinstance(distribution, CategoricalDistribution) or distribution.step is not None
