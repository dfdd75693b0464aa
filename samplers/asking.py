"""What a sampler may have beside the methods of every sampler: an end, and the wish to be asked late.

``draws_ahead``: False if a parameter outside of the joint space is to be drawn when the trial asks for it, and not
before, since its value depends on those that the trial has by then.  ``is_spent(history)``: whether every point
known so far was tried or is being tried, so that no trial is to be created before one that runs has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from raystudy.frozen import FrozenTrial, StudyDirection
from raystudy.samplers.base import Sampler
from raystudy.samplers.history import History

__all__ = ["StudyLike", "draws_ahead", "finished_history", "is_spent"]


def draws_ahead(sampler: Sampler) -> bool:
    """Whether single parameters may be drawn before a trial asks for them; True if the sampler does not say."""
    return bool(getattr(sampler, "draws_ahead", True))


def is_spent(sampler: Sampler, history: History) -> bool:
    """Whether the sampler has nothing to try now; False if it does not say."""
    ask = getattr(sampler, "is_spent", None)
    return ask is not None and bool(ask(history))


class StudyLike(Protocol):
    """What ``is_exhausted`` needs of a study."""

    directions: list[StudyDirection]

    @property
    def trials(self) -> Sequence[FrozenTrial]:
        """All trials by number."""


def finished_history(study: StudyLike) -> History:
    """Return the history of a study's finished trials."""
    history = History(study.directions)
    for trial in study.trials:
        if trial.state.is_finished():
            history.update(trial.number, trial.state, trial.params, trial.distributions, trial.values)
    return history
