"""What can be added to a study from outside: trials, and attributes of the study itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raystudy.creating import check_trial
from raystudy.distributions import ParamValue
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages.base import CreateTrial
from raystudy.storages.optuna_verbs import creation_of
from raystudy.study_reading import METRIC_NAMES, StudyReader
from raystudy.suggesting import check_name

__all__ = ["StudyWriter"]

_RELATIVE_TOLERANCE = 1e-5  # numpy's, which Optuna uses


class StudyWriter(StudyReader):
    """A study that can be added to; base of ``Study``."""

    def enqueue_trial(
        self,
        params: Mapping[str, ParamValue],
        user_attrs: Mapping[str, Any] | None = None,
        skip_if_exists: bool = False,
    ) -> None:
        """Have a trial with these parameters run before any new one; parameters left out are sampled.

        Args:
            params: External values by name.
            user_attrs: User attributes of the trial.
            skip_if_exists: Add nothing if a trial of any state has, or is to have, just these parameters.

        Raises:
            TypeError: If the parameters are no dictionary.
        """
        if not isinstance(params, Mapping):
            raise TypeError(f"enqueue_trial: expected parameters as a dictionary, got {params!r}")
        if skip_if_exists and self._has_trial(params):
            return
        write = CreateTrial(
            None,
            TrialState.WAITING,
            None,
            user_attrs=user_attrs or {},
            system_attrs={"fixed_params": dict(params)},
        )
        self._storage.commit(self._study_id, [write])

    def add_trial(self, trial: FrozenTrial) -> None:
        """Add a trial, made by ``create_trial`` or of another study; it gets the next number.

        Raises:
            ValueError: If its parts contradict each other, or it has not one value per objective.
        """
        self.add_trials([trial])

    def add_trials(self, trials: Iterable[FrozenTrial]) -> None:
        """Add many trials, all or none of them; errors as for ``add_trial``."""
        writes = []
        for trial in trials:
            check_trial(trial)
            if trial.values is not None and len(trial.values) != len(self.directions):
                raise ValueError(
                    f"add_trial: expected one value per objective, {len(self.directions)}, got {trial.values}"
                )
            writes.append(creation_of(trial))
        self._storage.commit(self._study_id, writes)

    def set_user_attr(self, key: str, value: Any) -> None:
        """Attach a JSON-serialisable value to the study."""
        check_name("study attribute", key)
        self._storage.set_study_attrs(self._study_id, {key: value}, {})

    def set_metric_names(self, metric_names: Sequence[str]) -> None:
        """Name the objectives, for dataframes and plots.

        Raises:
            ValueError: If there is not one name per objective.
        """
        names = [check_name("metric", name) for name in metric_names]
        if len(names) != len(self.directions):
            raise ValueError(
                f"set_metric_names: expected one name per objective, {len(self.directions)}, got {names}"
            )
        self._storage.set_study_attrs(self._study_id, {}, {METRIC_NAMES: names})

    def _has_trial(self, params: Mapping[str, ParamValue]) -> bool:
        for trial in self.get_trials(deepcopy=False):
            known = trial.system_attrs.get("fixed_params", trial.params)
            if known.keys() == params.keys() and all(_is_equal(params[n], known[n]) for n in params):
                return True
        return False


def _is_equal(wanted: ParamValue, known: ParamValue) -> bool:
    if not isinstance(wanted, type(known)):
        return False
    if not isinstance(wanted, float) or not isinstance(known, float):
        return wanted == known
    if math.isnan(wanted) or math.isnan(known):
        return math.isnan(wanted) and math.isnan(known)
    return wanted == known or abs(wanted - known) <= _RELATIVE_TOLERANCE * abs(known)
