"""Samplers that users write with Optuna's hooks, as a study asks them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import cloudpickle
import numpy as np

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.asking import given_value
from raystudy.samplers.base import Sampler, check_sampler
from raystudy.samplers.history import History
from raystudy.samplers.hooks import BaseSampler, uses_hooks
from raystudy.samplers.sampler_study import SamplerStudy
from raystudy.study_view import KnownTrials, StudyFacts

__all__ = [
    "MissingSampler",
    "SamplerLike",
    "UserSampler",
    "adopt_state",
    "check_sampler_like",
    "seed_of",
    "spec_of",
    "state_of",
]

#: What a study takes as its sampler.
SamplerLike = Sampler | BaseSampler
Proposal = dict[str, tuple[ParamValue, Distribution]]


class UserSampler:
    """Asks a user's sampler, and keeps the study that it sees up to date.

    Args:
        sampler: The user's object.
        directions: Directions of the study.
        study: What is known of the study.
        history: The trials as columns, kept up to date by the owner.

    Attributes:
        study: The study as the sampler sees it.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        directions: Sequence[StudyDirection],
        study: StudyFacts,
        history: History,
    ) -> None:
        self._sampler = sampler
        self._trials = KnownTrials()
        self.study = SamplerStudy(directions, study, self._trials, history, sampler)

    def know(self, trials: Iterable[FrozenTrial]) -> None:
        """Take all trials that are stored."""
        for trial in trials:
            self._trials.put(trial)

    def observe(self, trial: FrozenTrial) -> None:
        """Take a trial as it is now; one that has not ended is looked at again whenever the sampler is asked."""
        self._trials.put(copy.deepcopy(trial) if trial.state.is_finished() else trial)

    def begin(self, trial: FrozenTrial) -> Proposal:
        """Have the parameters of a new trial drawn that the sampler draws jointly.

        Raises:
            ValueError: If it draws what is not in its search space.
            Exception: Whatever the hooks raise.
        """
        self._trials.put(trial)
        self._sampler.before_trial(self.study, copy.deepcopy(trial))
        space = dict(self._sampler.infer_relative_search_space(self.study, copy.deepcopy(trial)))
        params = self._sampler.sample_relative(self.study, copy.deepcopy(trial), dict(space))
        if strange := sorted(params.keys() - space.keys()):
            raise ValueError(
                f"{self._sampler}: sample_relative returned {strange}, which infer_relative_search_space did not; "
                f"expected some of {sorted(space)}"
            )
        internals = {name: space[name].to_internal_repr(value) for name, value in params.items()}
        # As in Optuna, what lies outside is drawn independently.
        inside = {name: each for name, each in internals.items() if space[name].contains(each)}
        return {name: (space[name].to_external_repr(each), space[name]) for name, each in inside.items()}

    def suggest(self, number: int, name: str, distribution: Distribution) -> ParamValue:
        """Have one parameter drawn; a value outside of the distribution is used, with a warning.

        Raises:
            Exception: Whatever the hook raises, or ValueError for a value that the parameter cannot have.
        """
        trial = copy.deepcopy(self._trials.get(number) or FrozenTrial(number, TrialState.RUNNING))
        value = self._sampler.sample_independent(self.study, trial, name, distribution)
        return given_value(str(self._sampler), name, value, distribution)

    def end(self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Tell of the end of a trial that is still RUNNING; raise what the hook raises."""
        self._trials.put(trial)
        result = None if values is None else list(values)
        self._sampler.after_trial(self.study, copy.deepcopy(trial), state, result)


class MissingSampler:
    """Stands for a user's sampler that was not given when its study was opened: the study can be read, not searched.

    Args:
        name: The class name.
    """

    seed: int | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def joint_space(self, history: History) -> Mapping[str, Distribution]:  # noqa: ARG002
        """Raise ValueError."""
        self._refuse()

    def propose(
        self,
        space: Mapping[str, Distribution],  # noqa: ARG002
        history: History,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, ParamValue]:
        """Raise ValueError."""
        self._refuse()

    def sample(
        self,
        name: str,  # noqa: ARG002
        distribution: Distribution,  # noqa: ARG002
        history: History,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> ParamValue:
        """Raise ValueError."""
        self._refuse()

    def spec(self) -> dict[str, Any]:
        """Raise ValueError."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ValueError(
            f"this study was searched by your own {self.name}, which is not stored with it; open it with "
            f"sampler={self.name}(...), or with another sampler"
        )


def check_sampler_like(sampler: object) -> None:
    """Raise TypeError for what is no sampler, neither of ours nor a user's."""
    if not isinstance(sampler, BaseSampler):
        check_sampler(sampler)


def spec_of(sampler: SamplerLike) -> dict[str, Any]:
    """Return what is stored of a sampler; of a user's own the class name alone."""
    if isinstance(sampler, BaseSampler) and uses_hooks(sampler):
        return {"name": type(sampler).__name__, "custom": True}
    return sampler.spec()  # type: ignore[union-attr]


def seed_of(sampler: SamplerLike) -> int | None:
    """Return the seed of the study that a sampler has set; a user's own keeps its random numbers to itself."""
    return None if uses_hooks(sampler) else sampler.seed  # type: ignore[union-attr]


def state_of(sampler: SamplerLike) -> bytes | None:
    """Return the attributes of a user's sampler as bytes; None if it is none, or they cannot be pickled."""
    if not uses_hooks(sampler) or not hasattr(sampler, "__dict__"):
        return None
    try:
        return bytes(cloudpickle.dumps(vars(sampler)))
    except (TypeError, AttributeError, ValueError, pickle.PicklingError):
        return None


def adopt_state(sampler: SamplerLike, state: bytes | None) -> None:
    """Give a sampler the attributes of its copy."""
    if state is not None:
        vars(sampler).update(cloudpickle.loads(state))
