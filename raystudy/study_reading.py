"""What can be read of a study."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

from raystudy.constraints import is_feasible
from raystudy.distributions import ParamValue
from raystudy.explaining import Explanation, explain
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.homes import kept_checkpoint
from raystudy.orchestrator.ledger import PRUNER, SAMPLER
from raystudy.orchestrator.rung_fates import RungFates, rung_fates
from raystudy.orchestrator.rung_tables import rung_tables
from raystudy.pruners import MedianPruner, pruner_from_spec
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers import TPESampler, sampler_from_spec
from raystudy.samplers.custom import SamplerLike
from raystudy.samplers.pareto import best_front
from raystudy.storages.base import Storage

__all__ = ["METRIC_NAMES", "StudyReader"]

#: Study attribute: names of the objectives, as Optuna has it.
METRIC_NAMES = "study:metric_names"
#: Columns of ``trials_dataframe``, as in Optuna.
DEFAULT_ATTRS = (
    *("number", "value", "datetime_start", "datetime_complete", "duration"),
    *("params", "user_attrs", "system_attrs", "state"),
)


class StudyReader:
    """A study as it is stored; base of ``Study``.

    Attributes:
        sampler: What proposes parameters.
        pruner: What stops trials.
        study_name: Name of the study.
        directions: One direction per objective.
    """

    def __init__(
        self, storage: Storage, study_id: int, sampler: SamplerLike | None, pruner: PrunerLike | None
    ) -> None:
        record = storage.read_study(study_id)
        stored = record.system_attrs
        self.study_name = record.name
        self.directions: list[StudyDirection] = list(record.directions)
        self.sampler = sampler or (sampler_from_spec(stored[SAMPLER]) if SAMPLER in stored else TPESampler())
        self.pruner = pruner or (pruner_from_spec(stored[PRUNER]) if PRUNER in stored else MedianPruner())
        self._storage = storage
        self._study_id = study_id

    @property
    def direction(self) -> StudyDirection:
        """The direction of a study with one objective; raises RuntimeError for several."""
        self._need_one_objective("direction")
        return self.directions[0]

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number, as copies."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Collection[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials by number, of all states or some; without ``deepcopy``, do not change them."""
        trials = self._storage.read_trials(self._study_id, states)
        return [trial.as_stored() for trial in trials] if deepcopy else trials

    @property
    def best_trial(self) -> FrozenTrial:
        """The COMPLETE trial with the best value among those that meet their constraints.

        Raises:
            ValueError: If no trial is complete, or none that meets its constraints.
            RuntimeError: If the study has several objectives.
        """
        self._need_one_objective("best_trial")
        trial_id = self._storage.find_best_trial(self._study_id)
        if trial_id is None:
            raise ValueError("no trial is complete yet; best_trial needs at least one")
        best = self._storage.read_trial(trial_id)
        return (best if is_feasible(best.constraints) else self._best_feasible()).as_stored()

    def _best_feasible(self) -> FrozenTrial:
        complete = self.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        feasible = [trial for trial in complete if is_feasible(trial.constraints)]
        if not feasible:
            raise ValueError("no trial that is complete meets its constraints; each must be at most 0")
        sign = -1.0 if self.directions[0] is StudyDirection.MAXIMIZE else 1.0
        return min(feasible, key=lambda trial: (sign * (trial.values or [0.0])[0], trial.number))

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The COMPLETE trials that meet their constraints and are dominated by no other such trial, by number.

        A trial dominates another if it is nowhere worse and somewhere better.  With one objective: all that have
        the best value.  Empty if no trial is complete and feasible.
        """
        complete = self.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        return [trial.as_stored() for trial in best_front(complete, self.directions)]

    @property
    def metric_names(self) -> list[str] | None:
        """Names of the objectives, or None if none were set."""
        names = self._storage.read_study(self._study_id).system_attrs.get(METRIC_NAMES)
        return None if names is None else list(names)

    def trials_dataframe(self, attrs: Sequence[str] = DEFAULT_ATTRS, multi_index: bool = False) -> Any:
        """Return the trials as a pandas DataFrame, one row each by number.

        Args:
            attrs: Attributes of ``FrozenTrial`` that become columns; one that holds several values becomes several
                columns, such as ``params_lr``, sorted by name.
            multi_index: Whether the columns are pairs such as ``("params", "lr")`` instead.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            dataframe = import_module("raystudy.dataframe")
        except ModuleNotFoundError as error:
            raise ImportError('trials_dataframe needs pandas: pip install "raystudy[dataframe]"') from error
        trials = self.get_trials(deepcopy=False)
        return dataframe.trials_dataframe(trials, len(self.directions), self.metric_names, attrs, multi_index)

    @property
    def best_value(self) -> float:
        """The value of the best trial; errors as for ``best_trial``."""
        value = self.best_trial.value
        if value is None:
            raise ValueError("the best trial has no value")
        return value

    @property
    def best_params(self) -> dict[str, ParamValue]:
        """The parameters of the best trial; errors as for ``best_trial``."""
        return self.best_trial.params

    def load_checkpoint(
        self, trial: FrozenTrial | int | None = None, *, storage_path: str | None = None
    ) -> Any:
        """Return the last state that a trial has kept (default: the best), the ``Path`` of a directory, or None."""
        number = trial if isinstance(trial, int) else (trial or self.best_trial).number
        return kept_checkpoint(self._storage.read_study(self._study_id), number, storage_path)

    @property
    def user_attrs(self) -> dict[str, Any]:
        """User attributes of the study, as a copy."""
        return copy.deepcopy(self._storage.read_study(self._study_id).user_attrs)

    def explain(self, number: int) -> Explanation:
        """Say why a trial went on, waited, was promoted or stopped; ``print`` the result, or read its fields.

        Raises:
            ValueError: If there is no such trial.
        """
        return explain(self._storage, self._study_id, self.pruner, number)

    def rungs(self) -> list[RungFates]:
        """Return the rungs of all brackets with what became of the trials there; empty without rungs."""
        study, trials = self._storage.read_study(self._study_id), self._storage.read_trials(self._study_id)
        return rung_fates(rung_tables(study, self.pruner, trials), trials)

    def _need_one_objective(self, what: str) -> None:
        if len(self.directions) > 1:
            raise RuntimeError(f"study.{what} needs one objective, this study has {len(self.directions)}")
