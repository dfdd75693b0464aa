"""The terminator, and the callback of ``optimize`` that asks it."""

from __future__ import annotations

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.logging import get_logger
from raystudy.study import Study
from raystudy.terminator.base import (
    BaseErrorEvaluator,
    BaseImprovementEvaluator,
    BaseTerminator,
    warn_deprecated,
)
from raystudy.terminator.errors import CrossValidationErrorEvaluator, StaticErrorEvaluator
from raystudy.terminator.improvement import BestValueStagnationEvaluator, RegretBoundEvaluator

__all__ = ["Terminator", "TerminatorCallback"]

_logger = get_logger("raystudy.terminator")


class Terminator(BaseTerminator):
    """Ends a study once less may be gained than the objective's error.

    Args:
        improvement_evaluator: How much may be gained; default: ``RegretBoundEvaluator()``.
        error_evaluator: The error; default: that of a cross-validation, 0 with ``BestValueStagnationEvaluator``.
        min_n_trials: COMPLETE trials before which no study ends, >= 1.

    Raises:
        ValueError: If ``min_n_trials`` is below 1.
    """

    def __init__(
        self,
        improvement_evaluator: BaseImprovementEvaluator | None = None,
        error_evaluator: BaseErrorEvaluator | None = None,
        min_n_trials: int = 20,
    ) -> None:
        warn_deprecated("Terminator")
        if min_n_trials <= 0:
            raise ValueError(f"Terminator: need min_n_trials >= 1, got {min_n_trials}")
        self._improvement = improvement_evaluator or RegretBoundEvaluator()
        is_count = isinstance(self._improvement, BestValueStagnationEvaluator)
        default = StaticErrorEvaluator(0.0) if is_count else CrossValidationErrorEvaluator()
        self._error = error_evaluator or default
        self._min_n_trials = min_n_trials

    def should_terminate(self, study: Study) -> bool:
        """Whether the study should end now; errors as those of the evaluators."""
        if len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])) < self._min_n_trials:
            return False
        trials = study.get_trials()
        return self._improvement.evaluate(trials, study.direction) < self._error.evaluate(
            trials, study.direction
        )


class TerminatorCallback:
    """A callback of ``optimize`` that stops the study when a terminator says so.

    Args:
        terminator: The terminator; default: ``Terminator()``.
    """

    def __init__(self, terminator: BaseTerminator | None = None) -> None:
        warn_deprecated("TerminatorCallback")
        self._terminator = terminator or Terminator()

    def __call__(self, study: Study, _trial: FrozenTrial) -> None:
        """Ask, and stop the study."""
        if self._terminator.should_terminate(study):
            _logger.info("The terminator has stopped the study.")
            study.stop()
