"""What a sampler that users write sees of its study, and the attributes that it may attach to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from raystudy.exceptions import UpdateFinishedTrialError
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.pareto import best_front
from raystudy.study_view import KnownTrials, StudyFacts, StudyView

__all__ = ["AttrNote", "SamplerStorage", "SamplerStudy"]


@dataclass(frozen=True, slots=True)
class AttrNote:
    """An attribute that a sampler has set and that is to be stored.

    Attributes:
        trial_id: Id of the trial, or None for a system attribute of the study.
        key: Name of the attribute.
        value: A plain JSON value.
        is_user: Whether it is a user attribute.
    """

    trial_id: int | None
    key: str
    value: Any
    is_user: bool = False


class SamplerStudy(StudyView):
    """A study as a sampler sees it: as ``Study``, read-only but for ``stop`` and attributes by ``_storage``.

    Attributes of the study are those that it had when the call began, and what the sampler has set since; in ask and
    tell they are read whenever a trial is asked for.

    Attributes:
        sampler: The sampler.
        history: The trials as columns, for samplers of ours that the sampler asks.
        stop_asked: Whether no further trial is to be begun.
        notes: Attributes to be stored, in order.
    """

    def __init__(
        self,
        directions: Sequence[StudyDirection],
        study: StudyFacts,
        trials: KnownTrials,
        history: History,
        sampler: object,
    ) -> None:
        super().__init__(directions, study, trials)
        self.sampler = sampler
        self.history = history
        self.stop_asked = False
        self.notes: list[AttrNote] = []
        self._study_id = study.study_id
        self._system_attrs: dict[str, Any] = dict(study.system_attrs)
        self._storage = SamplerStorage(self, trials, self._system_attrs)

    @property
    def system_attrs(self) -> dict[str, Any]:
        """System attributes of the study, as a copy."""
        return copy.deepcopy(self._system_attrs)

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The COMPLETE trials that meet their constraints and are dominated by no other such trial, as copies."""
        complete = self.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [copy.deepcopy(trial) for trial in best_front(complete, self.directions)]

    def refresh(self, user_attrs: Mapping[str, Any], system_attrs: Mapping[str, Any]) -> None:
        """Take the attributes of the study as they are stored now, with all that the sampler has set."""
        self.user_attrs = dict(user_attrs)
        self._system_attrs.clear()
        self._system_attrs.update(system_attrs)

    def stop(self) -> None:
        """Have no further trial begun; running ones finish."""
        self.stop_asked = True

    def set_user_attr(self, key: str, value: Any) -> NoReturn:
        """Raise NotImplementedError: samplers keep system attributes."""
        raise NotImplementedError(
            f"a sampler cannot set the user attribute {key!r} of its study; "
            "use study._storage.set_study_system_attr(study._study_id, key, value)"
        )

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Collection[TrialState] | None = None,
        use_cache: bool = False,  # noqa: ARG002 - Optuna's argument; trials are at hand in any case
    ) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)

    def _is_multi_objective(self) -> bool:
        return len(self.directions) > 1


class SamplerStorage:
    """What samplers use of a storage, by Optuna's names; all that is set is stored with the next write of the driver.

    Args:
        study: The study.
        trials: Its trials.
        system_attrs: Its system attributes, kept up to date here.
    """

    def __init__(self, study: SamplerStudy, trials: KnownTrials, system_attrs: dict[str, Any]) -> None:
        self._study = study
        self._trials = trials
        self._system_attrs = system_attrs

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Attach a JSON value to an unfinished trial.

        Raises:
            KeyError: If the trial is unknown.
            UpdateFinishedTrialError: If it is finished.
            TypeError: If JSON cannot hold the value.
        """
        plain = _plain(key, value)
        self._unfinished(trial_id).system_attrs[key] = plain
        self._study.notes.append(AttrNote(trial_id, key, plain))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Attach a JSON value to an unfinished trial, for the user; errors as for system attributes."""
        plain = _plain(key, value)
        self._unfinished(trial_id).user_attrs[key] = plain
        self._study.notes.append(AttrNote(trial_id, key, plain, is_user=True))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Attach a JSON value to the study; raise TypeError for another one, KeyError for another study."""
        self._require_mine(study_id)
        plain = self._system_attrs[key] = _plain(key, value)
        self._study.notes.append(AttrNote(None, key, plain))

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the system attributes of the study, as a copy."""
        self._require_mine(study_id)
        return self._study.system_attrs

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the user attributes of the study, as a copy."""
        self._require_mine(study_id)
        return copy.deepcopy(self._study.user_attrs)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return one direction per objective."""
        self._require_mine(study_id)
        return list(self._study.directions)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial, as a copy; raise KeyError for an unknown id."""
        return copy.deepcopy(self._known(trial_id))

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Collection[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials by number; without ``deepcopy``, do not change them."""
        self._require_mine(study_id)
        return self._study.get_trials(deepcopy, states)

    def get_n_trials(self, study_id: int, state: tuple[TrialState, ...] | TrialState | None = None) -> int:
        """Return the number of trials, of all states or some."""
        states = (state,) if isinstance(state, TrialState) else state
        return len(self.get_all_trials(study_id, deepcopy=False, states=states))

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return the system attributes of a trial, as a copy."""
        return copy.deepcopy(self._known(trial_id).system_attrs)

    def get_trial_user_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return the user attributes of a trial, as a copy."""
        return copy.deepcopy(self._known(trial_id).user_attrs)

    def get_trial_params(self, trial_id: int) -> dict[str, Any]:
        """Return the parameters of a trial."""
        return dict(self._known(trial_id).params)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"a sampler's study._storage has no {name!r}: samplers read trials and set attributes, "
            "everything else is the driver's",
            name=name,
            obj=self,
        )

    def _known(self, trial_id: int) -> FrozenTrial:
        trial = self._trials.of_id(trial_id)
        if trial is None:
            raise KeyError(f"expected the id of a trial of this study, got {trial_id}")
        return trial

    def _unfinished(self, trial_id: int) -> FrozenTrial:
        trial = self._known(trial_id)
        if trial.state.is_finished():
            raise UpdateFinishedTrialError(
                f"trial {trial.number} is {trial.state.name}: its attributes cannot change any more; "
                "set them in after_trial, or on the study"
            )
        return trial

    def _require_mine(self, study_id: int) -> None:
        if study_id != self._study._study_id:
            raise KeyError(f"expected the id of this study, {self._study._study_id}, got {study_id}")


def _plain(key: str, value: Any) -> Any:
    """Return a value as a database gives it back."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"attribute {key!r}: expected a value that JSON can hold, got {value!r} ({error})"
        ) from None
