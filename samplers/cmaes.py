"""CMA-ES: a normal distribution that moves to where trials are good, and takes the shape of the valley there.

The trials with a value are told in the order of their numbers, ``popsize`` at a time: each group makes the next
generation, from which the next proposals are drawn.  All of them are told, also those that were drawn from an older
generation or were enqueued: with many workers most trials are older than the generation that they help to make, and
to ignore them is to waste them.  A pending trial is told once it has a value; until then it counts towards the
start-up, and each proposal has random numbers of its own.  As a trial that ends late stands before those that were
told already, the generations are computed anew from there on.

Sources: Hansen (2016), arXiv 1604.00772; defaults of Optuna 5.  On purpose different from Optuna, which tells only
trials of the present generation, keeps a pickled state in the database, and leaves off where the space changes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.base import Sampler
from raystudy.samplers.cma_start import plain_trials, scale_of, start_of
from raystudy.samplers.cma_state import CmaSettings, Generations, begin, draw
from raystudy.samplers.history import History, Role
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.random import RandomSampler
from raystudy.samplers.scales import NumericDistribution, UnitScale, external_params

__all__ = ["CmaEsSampler"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_logger = logging.getLogger(__name__)

#: Draws after which a proposal may equal a pending trial, where all parameters are on grids.
_MOST_DRAWS = 24
_SMALLEST_POPSIZE = 2


class _Memory(NamedTuple):
    """What need not be computed again while space, direction and the first trials stay as they are."""

    key: object
    scale: UnitScale
    generations: Generations


# Not frozen: it remembers the generations.
@dataclass(kw_only=True)
class CmaEsSampler(HistorySampler):
    """Propose from a normal distribution adapted to the trials so far (single objective, numeric parameters).

    Categorical parameters, and those that not all trials have, are drawn by ``independent_sampler``.

    Args:
        x0: Deprecated.  External values of the first mean; default: the middle of the domain.
        sigma0: Deprecated.  First step size in units of the (logarithmic) domain's width; default: 1/6.
        n_startup_trials: Trials, with a value or pending, before which ``independent_sampler`` draws all.
        independent_sampler: What draws the other parameters; default: ``RandomSampler``.
        warn_independent_sampling: Whether to log a warning when it does so after the start-up, once.
        seed: Seed of the study, >= 0, or None to have one drawn when the study is first optimised.
        consider_pruned_trials: Whether trials that were pruned, or wait at a rung, count with their last value there.
        restart_strategy: Deprecated and ignored, as in Optuna.
        popsize: Trials of one generation, >= 2; default: 4 + floor(3 ln d) for d parameters.
        inc_popsize: Deprecated and ignored, as in Optuna.
        use_separable_cma: Whether the parameters are adapted one by one, in O(d) time.
        with_margin: Whether grid points next to the mean keep a chance (for int and stepped parameters).
        lr_adapt: Whether the learning rates are adapted, for noisy and multimodal objectives.
        source_trials: Trials of a similar study, whose best tenth makes the first distribution; at least ten.

    Raises:
        ValueError: If a number is out of range, or the options contradict each other.
    """

    x0: Mapping[str, ParamValue] | None = None
    sigma0: float | None = None
    n_startup_trials: int = 1
    independent_sampler: Sampler | None = None
    warn_independent_sampling: bool = True
    seed: int | None = None
    consider_pruned_trials: bool = False
    restart_strategy: str | None = None
    popsize: int | None = None
    inc_popsize: int = -1
    use_separable_cma: bool = False
    with_margin: bool = False
    lr_adapt: bool = False
    source_trials: Sequence[FrozenTrial | Mapping[str, Any]] | None = None
    _memory: _Memory | None = field(default=None, init=False, repr=False, compare=False)
    _said: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._warn_of_deprecated()
        self._check()
        if self.source_trials is not None:
            self.source_trials = plain_trials(self.source_trials, self.consider_pruned_trials)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_memory": None}  # what is remembered may be large, and is computed anew

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the numeric parameters that all observed trials share, none during start-up.

        Raises:
            ValueError: If the study has several objectives.
        """
        _check_single_objective(history)
        if self._is_startup(history):
            return {}
        return dict(_numeric(history.joint_space()))

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``space``, the numeric ones jointly.

        Raises:
            ValueError: If the study has several objectives, or ``x0`` or ``source_trials`` do not fit the space.
        """
        _check_single_objective(history)
        mine = _numeric(space)
        others = {name: distribution for name, distribution in space.items() if name not in mine}
        params = self._independent().propose(others, history, rng) if others else {}
        if mine:
            params |= external_params(mine, self._draw(mine, history, rng))
        return {name: params[name] for name in sorted(space)}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        """Draw one external value for a single parameter, by ``independent_sampler``.

        Raises:
            ValueError: If the study has several objectives.
        """
        _check_single_objective(history)
        # Without the pending ones: the trial that asks is one of them.
        is_late = self._n_with_value(history) >= self.n_startup_trials
        if is_late and self.warn_independent_sampling and not distribution.single():
            self._say_once(name, distribution)
        return self._independent().sample(name, distribution, history, rng)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        names = [each.name for each in fields(self) if each.init]
        spec = {name: getattr(self, name) for name in names}
        if self.independent_sampler is not None:
            spec["independent_sampler"] = self.independent_sampler.spec()
        return {"name": "CmaEsSampler", **spec}

    def _draw(
        self, space: Mapping[str, NumericDistribution], history: History, rng: np.random.Generator
    ) -> FloatArray:
        """Return the internal values of a proposal, in the order of ``space``."""
        maximize = history.directions[0] is StudyDirection.MAXIMIZE
        key, scale, generations = self._remembered(space, maximize)
        columns: FloatArray = np.stack([history.column(name) for name in space])
        told = np.flatnonzero(self._has_value(history) & ~np.isnan(columns).any(axis=0))[
            self.n_startup_trials :
        ]
        losses = _values(history)[told] * (-1.0 if maximize else 1.0)
        generations = generations.told(scale.to_unit(columns[:, told]).T, losses)
        # One assignment: studies in several threads may share a sampler.
        self._memory = _Memory(key, scale, generations)
        pending = columns[:, history.roles == Role.PENDING]
        can_repeat = all(distribution.step is not None for distribution in space.values())
        for _ in range(_MOST_DRAWS if can_repeat else 1):
            values = scale.from_unit(draw(generations.newest, rng)[:, None])
            if not (can_repeat and (values == pending).all(axis=0).any()):
                break
        return values[:, 0]

    def _remembered(self, space: Mapping[str, NumericDistribution], maximize: bool) -> _Memory:
        """Return what is remembered of a search with this space and direction, else what it starts from."""
        key = (tuple(space.items()), maximize)
        if self._memory is not None and self._memory.key == key:
            return self._memory
        scale = scale_of(space, self.with_margin)
        start = start_of(
            space,
            scale,
            x0=self.x0,
            sigma0=self.sigma0,
            sources=_plain(self.source_trials),
            maximize=maximize,
        )
        self._warn_of_one_parameter(len(space))
        return _Memory(key, scale, Generations.of(begin(self._settings(), start)))

    def _settings(self) -> CmaSettings:
        return CmaSettings(self.popsize, self.use_separable_cma, self.with_margin, self.lr_adapt)

    def _independent(self) -> Sampler:
        return self.independent_sampler or RandomSampler()

    def _is_startup(self, history: History) -> bool:
        return self._n_with_value(history) + history.n_pending < self.n_startup_trials

    def _n_with_value(self, history: History) -> int:
        return int(np.count_nonzero(self._has_value(history)))

    def _has_value(self, history: History) -> BoolArray:
        is_complete: BoolArray = history.states == TrialState.COMPLETE
        if not self.consider_pruned_trials:
            return is_complete
        is_judged: BoolArray = (history.roles == Role.OBSERVED) & ~np.isnan(history.observed_steps)
        return is_complete | is_judged

    def _say_once(self, name: str, distribution: Distribution) -> None:
        if "independent" in self._said:
            return
        self._said.add("independent")
        why = (
            "it is categorical"
            if isinstance(distribution, CategoricalDistribution)
            else "not all trials have it with the same range"
        )
        _logger.warning(
            "CmaEsSampler cannot draw parameter %r together with the others, as %s; %s draws it on its own, and "
            "others like it (said once; warn_independent_sampling=False turns it off)",
            name,
            why,
            type(self._independent()).__name__,
        )

    def _warn_of_one_parameter(self, n_params: int) -> None:
        if self.use_separable_cma and n_params == 1 and "separable" not in self._said:
            self._said.add("separable")
            warnings.warn(
                "CmaEsSampler: with a single parameter use_separable_cma=True is ignored",
                UserWarning,
                stacklevel=2,
            )

    def _warn_of_deprecated(self) -> None:
        given = {
            "x0": self.x0 is not None,
            "sigma0": self.sigma0 is not None,
            "restart_strategy": self.restart_strategy is not None or self.inc_popsize != -1,
        }
        for name in (name for name, is_given in given.items() if is_given):
            ignored = " and ignored: there are no restarts" if name == "restart_strategy" else ""
            warnings.warn(f"CmaEsSampler: {name} is deprecated{ignored}", FutureWarning, stacklevel=4)
        self.restart_strategy, self.inc_popsize = None, -1

    def _check(self) -> None:
        if self.n_startup_trials < 0 or (self.popsize is not None and self.popsize < _SMALLEST_POPSIZE):
            raise ValueError(
                f"CmaEsSampler: need n_startup_trials >= 0 and popsize >= {_SMALLEST_POPSIZE} or None, "
                f"got {self.n_startup_trials} and {self.popsize}"
            )
        if self.sigma0 is not None and not 0 < self.sigma0 < np.inf:
            raise ValueError(f"CmaEsSampler: need a finite sigma0 > 0, got {self.sigma0}")
        pairs = [
            ("source_trials", ("x0", "sigma0", "use_separable_cma")),
            ("lr_adapt", ("use_separable_cma", "with_margin")),
            ("use_separable_cma", ("with_margin",)),
        ]
        for option, excluded in pairs:
            found = [name for name in excluded if getattr(self, name) not in (None, False)]
            if found and getattr(self, option) not in (None, False):
                raise ValueError(f"CmaEsSampler: {option} excludes {' and '.join(found)}; give one of them")


def _numeric(space: Mapping[str, Distribution]) -> dict[str, NumericDistribution]:
    """Return the parameters that have a normal distribution, sorted by name."""
    return {
        name: distribution
        for name, distribution in sorted(space.items())
        if not isinstance(distribution, CategoricalDistribution) and not distribution.single()
    }


def _values(history: History) -> FloatArray:
    """Return the final value of each trial, else the last one that was judged, (n,)."""
    is_complete = history.states == TrialState.COMPLETE
    return np.where(is_complete, history.values[:, 0], history.observed_values)


def _plain(trials: Sequence[FrozenTrial | Mapping[str, Any]] | None) -> list[Mapping[str, Any]] | None:
    return None if trials is None else [trial for trial in trials if isinstance(trial, Mapping)]


def _check_single_objective(history: History) -> None:
    if len(history.directions) > 1:
        raise ValueError(
            f"CmaEsSampler: expected one objective, got {len(history.directions)}; use RandomSampler for several"
        )
