"""The base class of pruners that users write, and that of ours, which are described by their arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any

from raystudy.frozen import FrozenTrial, StudyDirection
from raystudy.pruners.base import Judge, PastTrial, StudyFacts
from raystudy.pruners.reports import Reports
from raystudy.pruners.stopping import StopJudge, StopRule
from raystudy.study_view import StudyView

__all__ = ["BasePruner", "StopPruner"]


class BasePruner(ABC):
    """Base class of pruners; write your own by a subclass with a method ``prune``.

    ``prune`` is called once for each report, when it arrives, and its answer is for good.  It runs in this process,
    or under Ray in the bracket manager, so that all running trials wait while it does: keep it quick.  What it
    raises ends the call.  Under Ray the pruner is pickled once at the beginning of the call.  It is not stored
    with the study: give it again when you open the study by its name.
    """

    @abstractmethod
    def prune(self, study: StudyView, trial: FrozenTrial) -> bool:
        """Return whether a trial should be stopped.

        Args:
            study: The study, read-only.
            trial: The trial with its reports, as a copy.
        """


class StopPruner(BasePruner):
    """A pruner of ours: a frozen dataclass that can be stored with the study, and the rule it stands for."""

    @abstractmethod
    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:
        """Return when a trial should end.

        Raises:
            ValueError: If this pruner does more than stop trials.
        """

    def start(
        self,
        direction: StudyDirection,
        first_step: int | None,  # noqa: ARG002 - the protocol's signature
        study: StudyFacts | None = None,
    ) -> Judge:
        """Return a fresh judge; see ``raystudy.pruners.base.Pruner``."""
        return StopJudge(self.rule(direction, study or StudyFacts()), direction)

    def spec(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, with the class name under ``name``."""
        arguments = {each.name: getattr(self, each.name) for each in fields(self) if each.init}  # type: ignore[arg-type]
        return {"name": type(self).__name__, **arguments}

    def prune(self, study: StudyView, trial: FrozenTrial) -> bool:
        """Return whether a trial should be stopped, for pruners of yours that ask one of ours.

        It looks at all trials of the study each time; a study that has this pruner is judged as reports come.

        Raises:
            NotImplementedError: If the pruner has brackets, which only the driver of a study can keep.
        """
        rule = self.rule(study.direction, StudyFacts())
        if rule.dealer is not None:
            raise NotImplementedError(
                f"{type(self).__name__}.prune cannot be called: brackets are kept by the study's driver; "
                "give the pruner to the study"
            )
        for other in study.get_trials(deepcopy=False):
            if other.state.is_finished() and other.number != trial.number:
                value = other.values[0] if other.values else None
                past = PastTrial(
                    other.number, None, other.intermediate_values, None, other.state, value, other
                )
                rule.learn(past)
        reports = Reports(trial.number, None, study.direction)
        for step, reported in trial.intermediate_values.items():
            reports.add(step, reported)
        return bool(reports.steps) and rule.should_stop(reports)
