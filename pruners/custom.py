"""Pruners that users write, as judges: their ``prune`` is asked at each report."""

from __future__ import annotations

import copy
import math
import traceback
from dataclasses import dataclass
from typing import Any

from raystudy.exceptions import PrunerFailed
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.pruners.base import Learning, PastTrial, Pruner, StudyFacts
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports
from raystudy.pruners.stop_pruner import BasePruner, StopPruner
from raystudy.pruners.stopping import StopRule
from raystudy.study_view import KnownTrials, StudyView

__all__ = ["CustomPruner", "MissingPruner", "PrunerLike", "as_pruner", "as_stop_pruner"]

#: What a study takes as its pruner.
PrunerLike = Pruner | BasePruner


def as_pruner(pruner: PrunerLike) -> Pruner:
    """Return what the engine needs of a pruner, whoever has written it.

    Raises:
        TypeError: If it is no pruner.
    """
    if isinstance(pruner, BasePruner):
        return as_stop_pruner(pruner)
    if isinstance(pruner, type) or not hasattr(pruner, "start") or not hasattr(pruner, "spec"):
        raise TypeError(
            "expected a pruner, such as raystudy.pruners.MedianPruner(), or an object of a subclass of BasePruner, "
            f"got {pruner!r}"
        )
    return pruner


def as_stop_pruner(pruner: BasePruner) -> StopPruner:
    """Return a pruner of ours as it is, and one of a user's as a rule."""
    return pruner if isinstance(pruner, StopPruner) else CustomPruner(pruner)


@dataclass(frozen=True)
class CustomPruner(StopPruner):
    """A pruner that a user has written.

    Attributes:
        pruner: The user's object.
    """

    pruner: BasePruner

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:
        """Return when a trial should end."""
        return _CustomRule(self.pruner, direction, study)

    def spec(self) -> dict[str, Any]:
        """Return the class name alone: nobody can tell how the object was made."""
        return {"name": type(self.pruner).__name__, "custom": True}


@dataclass(frozen=True)
class MissingPruner(StopPruner):
    """Stands for a user's pruner that was not given when its study was opened: the study can be read, not searched.

    Attributes:
        name: The class name.
    """

    name: str

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Raise ValueError."""
        raise self._error()

    def spec(self) -> dict[str, Any]:
        """Raise ValueError."""
        raise self._error()

    def _error(self) -> ValueError:
        return ValueError(
            f"this study was pruned by your own {self.name}, which is not stored with it; open it with "
            f"pruner={self.name}(...), or with another pruner"
        )


class _CustomRule:
    learns = Learning.TRIALS
    dealer: Dealer | None = None

    def __init__(self, pruner: BasePruner, direction: StudyDirection, study: StudyFacts) -> None:
        self._pruner = pruner
        self._trials = KnownTrials()
        self._view = StudyView([direction], study, self._trials)

    def should_stop(self, trial: Reports) -> bool:
        """Ask the user's pruner."""
        known = copy.deepcopy(self._trials.get(trial.number) or FrozenTrial(trial.number, TrialState.RUNNING))
        known.intermediate_values = dict(trial.values)
        self._trials.put(known)
        try:
            stops = bool(self._pruner.prune(self._view, copy.deepcopy(known)))
        except Exception as error:  # the user's pruner may raise anything
            raise PrunerFailed(
                f"{type(self._pruner).__name__}.prune raised {type(error).__name__}: {error} "
                f"(trial {trial.number}, step {trial.steps[-1]})\n{_own_traceback(error)}"
            ) from error
        return stops and trial.because(f"{type(self._pruner).__name__}.prune returned True")

    def learn(self, trial: PastTrial) -> None:
        """Keep a trial as it is now; of a running one, what is new."""
        known = self._trials.get(trial.number)
        if trial.trial is None:
            self._trials.put(_ended(known, trial))
        elif known is None or trial.state is not TrialState.RUNNING:
            self._trials.put(trial.trial if trial.state.is_finished() else copy.deepcopy(trial.trial))
        elif known.state is TrialState.RUNNING:
            _update(known, trial.trial)


def _ended(known: FrozenTrial | None, end: PastTrial) -> FrozenTrial:
    """Return a trial of this judge as it has ended; what is stored of it comes later."""
    trial = copy.deepcopy(known) if known is not None else FrozenTrial(end.number, end.state)
    trial.state, trial.intermediate_values = end.state, dict(end.reports)
    last = trial.intermediate_values[trial.last_step] if trial.last_step is not None else math.nan
    value = last if end.state is TrialState.PRUNED else end.value
    trial.values = None if value is None or math.isnan(value) else [value]
    return trial


def _update(known: FrozenTrial, news: FrozenTrial) -> None:
    known.params = {**known.params, **news.params}
    known.distributions = {**known.distributions, **news.distributions}
    known.user_attrs = {**known.user_attrs, **news.user_attrs}
    known.system_attrs = {**known.system_attrs, **news.system_attrs}
    known.intermediate_values = {**known.intermediate_values, **news.intermediate_values}
    known.datetime_start = news.datetime_start or known.datetime_start
    known.trial_id = max(known.trial_id, news.trial_id)


def _own_traceback(error: Exception) -> str:
    """Return the traceback from the user's code on."""
    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    return "".join(traceback.format_exception(type(error), error, frames))
