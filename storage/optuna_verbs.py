"""Optuna's names for what a storage does, so that tools written for Optuna's storages find them here.

Everything below is written over the few verbs of ``Storage``: it holds for memory and for databases alike, and
a storage of one's own gets it by deriving from ``BaseStorage``.  Trials and distributions are raystudy's.
Missing studies and trials are KeyErrors, finished trials that were to change an ``UpdateFinishedTrialError``,
as in Optuna.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from raystudy.distributions import Distribution, ParamValue, check_distribution_compatibility
from raystudy.exceptions import UpdateFinishedTrialError
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import ClaimTrial, CreateTrial, FinishTrial, Report, SetAttrs, SetParams, Storage

__all__ = ["BaseStorage", "FrozenStudy", "creation_of"]


@dataclass(frozen=True, slots=True)
class FrozenStudy:
    """A study without its trials, as ``get_all_studies`` lists it."""

    study_name: str
    directions: list[StudyDirection]
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]
    study_id: int

    @property
    def _study_id(self) -> int:
        return self.study_id

    @property
    def direction(self) -> StudyDirection:
        """The direction of a study with one objective; raises RuntimeError for several."""
        if len(self.directions) > 1:
            raise RuntimeError(f"{self.study_name!r} has {len(self.directions)} objectives: read .directions")
        return self.directions[0]


class BaseStorage(Storage):
    """A storage under Optuna's names; each method is one transaction, or one per trial that it looks at."""

    # ---- studies -----------------------------------------------------------------------------------

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Create a study, without a name under a random one, and return its id.

        Raises:
            DuplicatedStudyError: If the name is taken.
        """
        return self.create_study(study_name or f"no-name-{uuid.uuid4()}", directions)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set a user attribute of a study; raise KeyError if there is no such study."""
        self.set_study_attrs(study_id, {key: value}, {})

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set a system attribute of a study; raise KeyError if there is no such study."""
        self.set_study_attrs(study_id, {}, {key: value})

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the id of the study of this name; raise KeyError if there is none."""
        study_id = self.find_study(study_name)
        if study_id is None:
            raise KeyError(f"expected the name of a study, got {study_name!r}: there is none")
        return study_id

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of a study; raise KeyError if there is no such study."""
        return self.read_study(study_id).name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return one direction per objective; raise KeyError if there is no such study."""
        return list(self.read_study(study_id).directions)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the user attributes of a study; raise KeyError if there is no such study."""
        return self.read_study(study_id).user_attrs

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the system attributes of a study; raise KeyError if there is no such study."""
        return self.read_study(study_id).system_attrs

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return all studies, oldest first; one that is deleted meanwhile is left out."""
        studies = []
        for name in self.study_names():
            study_id = self.find_study(name)
            if study_id is None:
                continue
            record = self.read_study(study_id)
            attrs = record.user_attrs, record.system_attrs
            studies.append(FrozenStudy(record.name, list(record.directions), *attrs, record.study_id))
        return studies

    # ---- writing trials ----------------------------------------------------------------------------

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a RUNNING trial, or one like the template, under the next number, and return its id."""
        if template_trial is None:
            write = CreateTrial(None, TrialState.RUNNING, dt.datetime.now())  # noqa: DTZ005 - local, naive
        else:
            write = creation_of(template_trial)
        (created,) = self.commit(study_id, [write]).created
        if created is None:
            raise KeyError(f"expected the id of a study, got {study_id}: no trial could be created in it")
        return created[0]

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: Distribution
    ) -> None:
        """Record a parameter of an unfinished trial; one that is recorded already keeps its value.

        Raises:
            ValueError: If an earlier trial of the study has the parameter with another kind of distribution.
        """
        study_id = self.study_of_trial(trial_id)
        earlier = next(
            (
                trial.distributions[param_name]
                for trial in self.read_trials(study_id)
                if param_name in trial.distributions
            ),
            distribution,
        )
        check_distribution_compatibility(earlier, distribution, param_name)
        value = distribution.to_external_repr(param_value_internal)
        self._change(SetParams(trial_id, {param_name: (value, distribution)}), study_id)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Record an intermediate value of an unfinished trial; a step that is recorded keeps its value."""
        self._change(Report(trial_id, step, intermediate_value))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set a user attribute of an unfinished trial."""
        self._change(SetAttrs(trial_id, user_attrs={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set a system attribute of an unfinished trial."""
        self._change(SetAttrs(trial_id, system_attrs={key: value}))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Start a waiting trial (RUNNING), or finish an unfinished one, at once and at the present time.

        Returns:
            False if the trial was to start and another program has started it; True otherwise.

        Raises:
            ValueError: If state and values contradict each other, or a trial was to go back to WAITING.
            UpdateFinishedTrialError: If the trial is finished.
        """
        now = dt.datetime.now()  # noqa: DTZ005 - local and naive, as Optuna's
        if state is not TrialState.RUNNING:
            self._change(FinishTrial(trial_id, state, values, now))
            return True
        if values is not None:
            raise ValueError(f"expected values with a final state, got {list(values)} with RUNNING")
        claim = ClaimTrial(trial_id, now)
        if self.commit(self.study_of_trial(trial_id), [claim]).claimed == [True]:
            return True
        self.check_trial_is_updatable(trial_id, self.read_trial(trial_id).state)
        return False

    def check_trial_is_updatable(self, trial_id: int, trial_state: TrialState) -> None:
        """Raise UpdateFinishedTrialError if ``trial_state`` is a final one."""
        if trial_state.is_finished():
            self._refuse(trial_id)

    # ---- reading trials ----------------------------------------------------------------------------

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial, not to be changed; raise KeyError if there is no such trial."""
        return self.read_trial(trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Collection[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials by number, of all states or some; without ``deepcopy``, do not change them."""
        trials = self.read_trials(study_id, states)
        return [trial.as_stored() for trial in trials] if deepcopy else trials

    def get_n_trials(self, study_id: int, state: tuple[TrialState, ...] | TrialState | None = None) -> int:
        """Return the number of trials, of all states or some; raise KeyError if there is no such study."""
        return len(self.read_trials(study_id, (state,) if isinstance(state, TrialState) else state))

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        """Return the COMPLETE trial with the best value, the oldest of equals; constraints do not count.

        Raises:
            RuntimeError: If the study has several objectives.
            ValueError: If no trial is complete.
        """
        directions = self.read_study(study_id).directions
        if len(directions) > 1:
            raise RuntimeError(f"expected a study with one objective, found {len(directions)}")
        trial_id = self.find_best_trial(study_id)
        if trial_id is None:
            raise ValueError("No trials are completed yet: expected at least one that is COMPLETE")
        return self.read_trial(trial_id)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """Return the id of the study's trial of this number; raise KeyError if there is none."""
        trial_id = self.find_trial(study_id, trial_number)
        if trial_id is None:
            raise KeyError(f"expected the number of a trial of study {study_id}, got {trial_number}")
        return trial_id

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """Return the number of a trial; raise KeyError if there is no such trial."""
        return self.read_trial(trial_id).number

    def get_trial_param(self, trial_id: int, param_name: str) -> float:
        """Return the internal value of a parameter; raise KeyError if there is no such trial or parameter."""
        trial = self.read_trial(trial_id)
        return trial.distributions[param_name].to_internal_repr(trial.params[param_name])

    def get_trial_params(self, trial_id: int) -> dict[str, ParamValue]:
        """Return the parameters of a trial; raise KeyError if there is no such trial."""
        return self.read_trial(trial_id).params

    def get_trial_user_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return the user attributes of a trial; raise KeyError if there is no such trial."""
        return self.read_trial(trial_id).user_attrs

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """Return the system attributes of a trial; raise KeyError if there is no such trial."""
        return self.read_trial(trial_id).system_attrs

    def remove_session(self) -> None:
        """Do nothing: no connection outlives its transaction in a thread."""

    # ---- helpers -----------------------------------------------------------------------------------

    def _change(
        self, write: SetParams | SetAttrs | Report | FinishTrial, study_id: int | None = None
    ) -> None:
        study_id = self.study_of_trial(write.trial_id) if study_id is None else study_id
        if self.commit(study_id, [write]).refused:
            self._refuse(write.trial_id)

    def _refuse(self, trial_id: int) -> NoReturn:
        trial = self.read_trial(trial_id)  # a KeyError tells that it was deleted meanwhile
        raise UpdateFinishedTrialError(
            f"Trial#{trial.number} has already finished and can not be updated: it is {trial.state.name}"
        )


def creation_of(trial: FrozenTrial) -> CreateTrial:
    """Return the write that creates a trial like this one, under the next number."""
    return CreateTrial(
        number=None,
        state=trial.state,
        datetime_start=trial.datetime_start,
        params={name: (value, trial.distributions[name]) for name, value in trial.params.items()},
        user_attrs=trial.user_attrs,
        system_attrs=trial.system_attrs,
        values=trial.values,
        intermediate_values=trial.intermediate_values,
        datetime_complete=trial.datetime_complete,
    )
