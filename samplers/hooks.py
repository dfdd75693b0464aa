"""Optuna's hooks: the base class of samplers that users write, and how our samplers answer them.

A study draws from one of ours directly (``samplers/base.py``).  The hooks are for samplers of users which delegate to
one of ours, or which change one by overriding a hook; the history is then the study's own, or made of its trials.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers.asking import StudyLike, record
from raystudy.samplers.base import Sampler
from raystudy.samplers.history import History
from raystudy.samplers.sampler_study import SamplerStudy
from raystudy.samplers.seeding import generator

__all__ = ["BaseSampler", "HistorySampler", "uses_hooks"]


class BaseSampler(ABC):
    """Base class of samplers that users write, with Optuna's hooks.

    For each trial ``before_trial``, ``infer_relative_search_space`` and ``sample_relative`` are called in this order
    when it has been created, ``sample_independent`` for each parameter that was not drawn then, when the objective
    asks for it, and ``after_trial`` once when it ends, right before its result is stored.  They run one at a time where
    the study is driven: in this process, or under Ray in the driver, which all trials wait for: keep them quick.
    What they raise ends the call.  ``trial`` is a copy.

    The object is pickled for Ray at the beginning of a call and gets its attributes back at the end.  It is not stored
    with the study: give it again when you open the study by its name, and keep what must outlive the process in
    attributes (``study._storage.set_trial_system_attr``, ``set_study_system_attr``).
    """

    __slots__ = ()

    def __str__(self) -> str:
        return type(self).__name__

    @abstractmethod
    def infer_relative_search_space(
        self, study: SamplerStudy, trial: FrozenTrial
    ) -> Mapping[str, Distribution]:
        """Return the parameters that ``sample_relative`` draws jointly for a trial; none is allowed."""

    @abstractmethod
    def sample_relative(
        self, study: SamplerStudy, trial: FrozenTrial, search_space: dict[str, Distribution]
    ) -> Mapping[str, Any]:
        """Return external values of parameters of ``search_space``; those left out are drawn independently."""

    @abstractmethod
    def sample_independent(
        self, study: SamplerStudy, trial: FrozenTrial, param_name: str, param_distribution: Distribution
    ) -> Any:
        """Return an external value of one parameter; ``trial`` has those that were suggested before."""

    def before_trial(self, study: SamplerStudy, trial: FrozenTrial) -> None:  # noqa: B027 - may be left out
        """Prepare for a trial that was just created."""

    def after_trial(  # noqa: B027 - may be left out
        self,
        study: SamplerStudy,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Take the result of a trial, which is still RUNNING."""

    def reseed_rng(self) -> None:  # noqa: B027 - may be left out
        """Take other random numbers: called if a driver on Ray has died and the sampler begins anew in another."""


class HistorySampler(BaseSampler):
    """Base class of our samplers: answers Optuna's hooks by ``joint_space``, ``propose`` and ``sample``.

    Two equal calls for one trial give two draws.  With a seed, they are the same whenever the calls are.
    """

    __slots__ = ("_hook_draws", "_hook_seed")

    seed: int | None

    def infer_relative_search_space(self, study: StudyLike, trial: FrozenTrial) -> dict[str, Distribution]:
        """Return the parameters that the sampler draws jointly now."""
        with self._history_for(study, trial) as history:
            return dict(self.hook_space(history))

    def hook_space(self, history: History) -> Mapping[str, Distribution]:
        """Return the parameters that samplers of users, who ask this one, have it draw jointly now."""
        return cast("Sampler", self).joint_space(history)

    def sample_relative(
        self, study: StudyLike, trial: FrozenTrial, search_space: Mapping[str, Distribution]
    ) -> dict[str, ParamValue]:
        """Draw one external value for every parameter of ``search_space``, jointly."""
        if not search_space:
            return {}
        with self._history_for(study, trial) as history:
            return cast("Sampler", self).propose(search_space, history, self._generator(trial, ""))

    def sample_independent(
        self, study: StudyLike, trial: FrozenTrial, param_name: str, param_distribution: Distribution
    ) -> ParamValue:
        """Draw one external value for a single parameter."""
        with self._history_for(study, trial) as history:
            rng = self._generator(trial, param_name)
            return cast("Sampler", self).sample(param_name, param_distribution, history, rng)

    def reseed_rng(self) -> None:
        """Have the hooks draw other random numbers."""
        self._hook_seed = _entropy()

    def _seed(self) -> int:
        if getattr(self, "_hook_seed", None) is None:
            self._hook_seed = _entropy() if self.seed is None else self.seed
        return self._hook_seed

    def _generator(self, trial: FrozenTrial, name: str) -> np.random.Generator:
        number, draws = getattr(self, "_hook_draws", (trial.number, 0))
        draws = draws + 1 if number == trial.number else 1
        self._hook_draws = trial.number, draws
        return generator(self._seed(), trial.number, f"{name}/{draws}")

    @contextmanager
    def _history_for(self, study: StudyLike, trial: FrozenTrial) -> Iterator[History]:
        """Give the history of a study as it is asked for a trial."""
        history = getattr(study, "history", None)
        if not isinstance(history, History):
            history = History(study.directions)
            for each in study.trials:
                if each.number != trial.number or each.params:
                    record(history, each)
        before = history.asking, history.seed
        history.asking, history.seed = trial.number, self._seed()
        try:
            yield history
        finally:
            history.asking, history.seed = before


_HOOKS = (
    *("infer_relative_search_space", "sample_relative", "sample_independent"),
    *("before_trial", "after_trial"),
)


def uses_hooks(sampler: object) -> bool:
    """Whether a sampler is to be asked by Optuna's hooks: one that users wrote, or one of ours with a hook changed."""
    if not isinstance(sampler, BaseSampler):
        return False
    return not isinstance(sampler, HistorySampler) or any(
        getattr(type(sampler), hook) is not getattr(HistorySampler, hook) for hook in _HOOKS
    )


def _entropy() -> int:
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(16))
