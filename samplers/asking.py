"""What a sampler may have beside the methods of every sampler: an end, and the wish to be asked late.

``draws_ahead``: False if a parameter outside of the joint space is to be drawn when the trial asks for it, and not
before, since its value depends on those that the trial has by then.  ``is_spent(history)``: whether every point
known so far was tried or is being tried, so that no trial is to be created before one that runs has ended.
``restricted(fixed_params)``: a sampler of the points that have these values.  ``prepares_ahead``: True if a proposal
takes so long that it is to be drawn while the trials before it run.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from raystudy.distributions import Distribution, IntDistribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.base import Sampler
from raystudy.samplers.history import History

__all__ = [
    "StudyLike",
    "draws_ahead",
    "finished_history",
    "given_value",
    "is_spent",
    "prepares_ahead",
    "record",
    "restricted",
]


def draws_ahead(sampler: Sampler) -> bool:
    """Whether single parameters may be drawn before a trial asks for them; True if the sampler does not say."""
    return bool(getattr(sampler, "draws_ahead", True))


def prepares_ahead(sampler: object) -> bool:
    """Whether proposals are to be drawn before there is a slot for them; False if the sampler does not say."""
    return bool(getattr(sampler, "prepares_ahead", False))


def is_spent(sampler: Sampler, history: History) -> bool:
    """Whether the sampler has nothing to try now; False if it does not say."""
    ask = getattr(sampler, "is_spent", None)
    return ask is not None and bool(ask(history))


def restricted(sampler: Sampler, fixed_params: Mapping[str, ParamValue]) -> Sampler:
    """Return a sampler for the points that have these values; the same one if it does not mind."""
    restrict = getattr(sampler, "restricted", None)
    return sampler if restrict is None else cast("Sampler", restrict(fixed_params))


def given_value(who: str, name: str, value: ParamValue, distribution: Distribution) -> ParamValue:
    """Return a value that the user gave to a parameter; one outside of the distribution is used, with a warning.

    Raises:
        ValueError: If the parameter cannot have the value.
    """
    internal = distribution.to_internal_repr(value)
    if isinstance(distribution, IntDistribution) and not internal.is_integer():
        raise ValueError(f"{who}: expected whole numbers for the int parameter {name!r}, got {value!r}")
    if not distribution.contains(internal):
        warnings.warn(
            f"{who}: {name}={value!r} lies outside of {distribution}; it is used as it is",
            UserWarning,
            stacklevel=3,
        )
    return distribution.to_external_repr(internal)


class StudyLike(Protocol):
    """What samplers need of a study that users give them."""

    directions: list[StudyDirection]

    @property
    def trials(self) -> Sequence[FrozenTrial]:
        """All trials by number."""


def record(history: History, trial: FrozenTrial, rung_step: int | None = None) -> None:
    """Record in a history what is known of a trial.

    Args:
        history: The history.
        trial: The trial.
        rung_step: For a running or paused one, the step of the last rung at which it was judged.
    """
    step = trial.last_step if trial.state is TrialState.PRUNED else rung_step
    reports = trial.intermediate_values
    history.update(
        trial.number,
        trial.state,
        trial.params,
        trial.distributions,
        trial.values,
        None if step is None else (step, reports[step]),
        reports,
        constraints=trial.constraints,
    )


def finished_history(study: StudyLike) -> History:
    """Return the history of a study's finished trials."""
    history = History(study.directions)
    for trial in study.trials:
        if trial.state.is_finished():
            record(history, trial)
    return history
