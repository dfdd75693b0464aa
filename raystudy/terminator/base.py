"""What terminators and their evaluators are; users may write their own."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.study import Study

__all__ = [
    "BaseErrorEvaluator",
    "BaseImprovementEvaluator",
    "BaseTerminator",
    "complete_of",
    "warn_deprecated",
]


class BaseImprovementEvaluator(ABC):
    """Says how much may still be gained."""

    @abstractmethod
    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the room for improvement, in units of the objective; the trials are all of the study, by number."""


class BaseErrorEvaluator(ABC):
    """Says how exactly the objective is known."""

    @abstractmethod
    def evaluate(self, trials: list[FrozenTrial], study_direction: StudyDirection) -> float:
        """Return the error, in units of the objective; the trials are all of the study, by number."""


class BaseTerminator(ABC):
    """Says when a study should end."""

    @abstractmethod
    def should_terminate(self, study: Study) -> bool:
        """Whether it should end now."""


def complete_of(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials with a result; raise ValueError if there is none."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not complete:
        raise ValueError("expected at least one COMPLETE trial, to see what may still be gained; got none")
    return complete


def warn_deprecated(name: str) -> None:
    """Warn that a name of this package is deprecated."""
    warnings.warn(
        f"raystudy.terminator.{name} is deprecated, as in Optuna; stop the study from a callback of your own",
        FutureWarning,
        stacklevel=3,
    )
