"""The live trial that an objective is given.

``Trial`` knows no Ray and no database.  It answers ``suggest_*`` from the proposal in its *assignment*, sends
reports through a *link* and keeps checkpoints in a *vault*; the process that runs the attempt supplies both.
"""

from __future__ import annotations

import copy
import json
import warnings
from typing import Any

from raystudy.assignment import Assignment, News, Proposal, TrialLink, Vault
from raystudy.constraints import constraint_value
from raystudy.creating import create_trial
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    ParamValue,
    check_distribution_compatibility,
)
from raystudy.fixed import FixedTrial
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState, Verdict
from raystudy.suggesting import BaseTrial, as_step, as_value, check_name

__all__ = [
    "Assignment",
    "BaseTrial",
    "FixedTrial",
    "FrozenTrial",
    "News",
    "Proposal",
    "StudyDirection",
    "Trial",
    "TrialLink",
    "TrialState",
    "Vault",
    "Verdict",
    "create_trial",
]


class Trial(BaseTrial):
    """One trial while its objective runs.

    Attributes:
        number: Number of the trial within its study, from 0.
        params: Parameters suggested so far.
        distributions: Their distributions.
        user_attrs: User attributes set so far.
        constraints: Constraints set so far; a trial is feasible if none is above 0.
        datetime_start: When the trial was created, naive local time.
        resume_step: The step up to which an earlier attempt has trained what ``load_checkpoint`` returns; None
            if there is nothing to go on from.  The next step to train is the one after it.
    """

    def __init__(self, assignment: Assignment, link: TrialLink, vault: Vault) -> None:
        self.number = assignment.number
        self.params: dict[str, ParamValue] = {}
        self.distributions: dict[str, Distribution] = {}
        self.user_attrs: dict[str, Any] = dict(assignment.user_attrs)
        self.constraints: dict[str, float] = dict(assignment.constraints)
        self.intermediate_values: dict[int, float] = dict(assignment.reports)
        self.datetime_start = assignment.datetime_start
        self._assignment = assignment
        self._link = link
        self._vault = vault
        self._news = News()
        self._verdict = Verdict.CONTINUE
        self._verdict_step = -1
        self._verdict_seen = False
        self.resume_step: int | None = vault.newest_step() if assignment.attempt > 1 else None
        self._saved_step = self.resume_step
        self._saved_before_report = False

    @property
    def study(self) -> Any:
        """The study; under Ray something that asks the driver, anew for each attribute and method."""
        return self._link.study()

    @property
    def storage(self) -> Any:
        """The storage of the study, with the methods of Optuna's storages; under Ray the driver runs them."""
        return self._link.study()._storage

    @property
    def relative_params(self) -> dict[str, ParamValue]:
        """The values that the sampler has drawn for this trial, also of parameters that it never asks for."""
        return {name: value for name, (value, _) in self._assignment.proposed.items()}

    @property
    def _trial_id(self) -> int:
        return self._assignment.trial_id

    def report(self, value: float, step: int) -> None:
        """Report an intermediate value of the objective; the reply decides what ``should_prune`` returns.

        Args:
            value: The value after this step, in the study's direction.
            step: The step, e.g. the epoch: a whole number >= 0.  A step that was reported before is ignored.

        Raises:
            TypeError: If value or step is no number.
            ValueError: If the step is negative.
            NotImplementedError: If the study has several objectives.
        """
        if self._assignment.n_objectives > 1:
            raise NotImplementedError("trial.report needs a study with one objective; remove the call")
        value, step = as_value(value), as_step(step)
        if step in self.intermediate_values:
            if step not in self._assignment.reports:
                warnings.warn(
                    f"trial {self.number} has reported step {step} already; the first value is kept",
                    UserWarning,
                    stacklevel=2,
                )
            return
        self.intermediate_values[step] = value
        if self._saved_before_report:
            self._saved_step, self._saved_before_report = step, False
        if self._saved_step == step:
            self._vault.note_reports(self.intermediate_values)
        self._deliver(step, value)

    def should_prune(self) -> bool:
        """Whether the trial should end now, by the verdict on its last report; costs nothing.

        The verdict binds from the moment this has returned True: raise ``TrialPruned``.
        """
        return self.verdict is not Verdict.CONTINUE

    @property
    def verdict(self) -> Verdict:
        """The pruner's word on the last report: CONTINUE, PAUSE (wait at a checkpoint) or STOP (for good).

        Like ``should_prune``, it binds once it was read and is not CONTINUE.  A pause needs a checkpoint of this
        step, which may still be saved; without one it is a stop.
        """
        self._verdict_seen |= self._verdict is not Verdict.CONTINUE
        return self._verdict

    def set_user_attr(self, key: str, value: Any) -> None:
        """Attach a value that JSON can hold to the trial; raise TypeError for any other."""
        check_name("trial attribute", key)
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"set_user_attr({key!r}): expected a value that JSON can hold, got {value!r} ({error}); "
                "convert it to numbers, texts, lists and dictionaries"
            ) from None
        value = copy.deepcopy(value)
        self.user_attrs[key] = value
        self._news.user_attrs[key] = value
        self._link.attributes({key: value})

    def set_constraint(self, key: str, value: float) -> None:
        """Say by how much the trial violates a constraint: met if at most 0.  The first value of a key counts.

        ``study.best_trial`` is the best of the trials that meet all their constraints.

        Raises:
            ValueError: If the value is NaN.
            TypeError: If it is no number.
        """
        check_name("constraint", key)
        value = constraint_value(key, value)
        if key in self.constraints:
            warnings.warn(
                f"trial {self.number} has set constraint {key!r} already; the first value is kept",
                UserWarning,
                stacklevel=2,
            )
            return
        self.constraints[key] = value
        self._news.constraints[key] = value
        self._link.constraints({key: value})

    def save_checkpoint(self, state: object, step: int | None = None) -> None:
        """Store what is needed to go on from here, so that the trial can wait at a rung or outlive a crash.

        Args:
            state: A state (dictionaries, lists, numbers, texts, tensors; anything else is pickled), or the
                ``pathlib.Path`` of a directory, whose files are copied.
            step: The step that the state has been trained to.  Without it, the step of the next report,
                or of the last one if ``should_prune`` has returned True since.
        """
        if step is None and self._verdict_seen:
            step = max(self.intermediate_values, default=None)
        params = {name: (value, self.distributions[name]) for name, value in self.params.items()}
        self._vault.save(state, step, self.intermediate_values, News(params, self.user_attrs))
        self._saved_step, self._saved_before_report = step, step is None

    def load_checkpoint(self) -> Any:
        """Return the newest state saved by an earlier attempt, a ``Path`` for a directory, or None.

        None means: start from the beginning.
        """
        return self._vault.load() if self._assignment.attempt > 1 else None

    # ---- for the process that runs the attempt -----------------------------------------------------

    def catch_up(self) -> Verdict:
        """Bring the judge up to date with the newest checkpoint and return the standing verdict.

        A crash may have lost the last reports on their way to the database; the checkpoint still has them.
        """
        known = dict(self.intermediate_values)
        self.intermediate_values |= {s: v for s, v in self._vault.reports().items() if s not in known}
        unsent = sorted(self.intermediate_values.keys() - known.keys())
        if unsent:  # with the first of them the parameters may have been lost, too
            self._news = self._vault.news()
            self.user_attrs |= self._news.user_attrs
        for step in unsent or sorted(known)[-1:]:
            self._deliver(step, self.intermediate_values[step])
        self._verdict_seen = self._verdict is not Verdict.CONTINUE
        return self._verdict

    def binding_verdict(self) -> Verdict:
        """Return the verdict that the objective has seen, CONTINUE if it has seen none.

        A pause without a checkpoint at its step or after it is a stop, so that no step is ever run twice.
        """
        if not self._verdict_seen:
            return Verdict.CONTINUE
        return self._verdict if self.can_resume_from(self._verdict_step) else Verdict.STOP

    def can_resume_from(self, step: int) -> bool:
        """Whether a checkpoint of this step, or of a later one, was saved."""
        return self._saved_step is not None and self._saved_step >= step

    @property
    def attempt(self) -> int:
        """Number of this attempt at the trial, from 1."""
        return self._assignment.attempt

    @property
    def has_checkpoint(self) -> bool:
        """Whether a checkpoint was saved, in this attempt or an earlier one."""
        return self._saved_step is not None or self._saved_before_report

    def suggest(self, name: str, distribution: Distribution) -> ParamValue:
        """Return a value for a parameter of this distribution, as the ``suggest_*`` method of its kind does."""
        check_name("parameter", name)
        return self._suggest(name, distribution)

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        if name in self.params:
            return self._suggested_before(name, distribution)
        proposed = self._assignment.proposed.get(name)
        if proposed is not None and proposed[1] is not distribution:
            check_distribution_compatibility(proposed[1], distribution, name)
        value = self._choose(name, distribution)
        self.params[name] = value
        self.distributions[name] = distribution
        self._news.params[name] = (value, distribution)
        self._link.parameter(name, value, distribution)
        return value

    def _choose(self, name: str, distribution: Distribution) -> ParamValue:
        if name in self._assignment.fixed:
            value = self._assignment.fixed[name]
            internal = distribution.to_internal_repr(value)
            if not distribution.contains(internal):
                warnings.warn(
                    f"parameter {name!r}={value!r} was enqueued or stored outside of {distribution}; "
                    "it is used as it is",
                    UserWarning,
                    stacklevel=4,
                )
            return distribution.to_external_repr(internal)
        if distribution.single():
            only = 0.0 if isinstance(distribution, CategoricalDistribution) else float(distribution.low)
            return distribution.to_external_repr(only)
        if name in self._assignment.proposed:
            internal = distribution.to_internal_repr(self._assignment.proposed[name][0])
            if distribution.contains(internal):
                return distribution.to_external_repr(internal)
        return self._link.suggest(name, distribution, self._news.params)

    def _suggested_before(self, name: str, distribution: Distribution) -> ParamValue:
        first = self.distributions[name]
        check_distribution_compatibility(first, distribution, name)
        if first != distribution:
            warnings.warn(
                f"parameter {name!r} was suggested before in this trial, from {first}; "
                f"that value is kept, {distribution} is not used",
                RuntimeWarning,
                stacklevel=3,
            )
        return self.params[name]

    def _deliver(self, step: int, value: float) -> None:
        news = self._news or None
        self._news = News()
        verdict = self._link.report(step, value, news, self._saved_step is not None)
        if self._verdict is Verdict.CONTINUE:
            self._verdict, self._verdict_step = verdict, step
