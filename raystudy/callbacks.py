"""Callbacks of ``optimize`` that come with raystudy."""

from __future__ import annotations

from collections.abc import Container

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.study import Study

__all__ = ["MaxTrialsCallback"]


class MaxTrialsCallback:
    """Stop a study once it has so many trials, whoever ran them.

    ``optimize(n_trials=...)`` counts what one call adds; this counts what the study has, those of other programs
    and of earlier calls included.  Trials that run at that moment still finish.

    Args:
        n_trials: How many trials are enough, >= 0.
        states: Which states count; None for all of them.
    """

    def __init__(self, n_trials: int, states: Container[TrialState] | None = (TrialState.COMPLETE,)) -> None:
        self._n_trials = n_trials
        self._states = states

    def __call__(self, study: Study, _trial: FrozenTrial) -> None:
        """Count, and stop the study if there are enough."""
        states = None if self._states is None else [each for each in TrialState if each in self._states]
        if len(study.get_trials(deepcopy=False, states=states)) >= self._n_trials:
            study.stop()
