"""Proposals: what the sampler draws for a trial, from one history and one seed.

The proposal of a trial covers the whole space known so far: the sampler's joint space drawn jointly, every
other known parameter (a branch that not all trials take) drawn alone.  So a running trial asks the driver
only for a parameter that no trial has had before, or for one that its sampler will not draw ahead.  Each draw has
a generator of its own, made from the study's seed, the trial's number and, for a single parameter, its name: order
and place do not matter.

A user's sampler with Optuna's hooks (``user``) draws in two steps instead: jointly when the trial has been created
(``begin``), and each other parameter when the trial asks for it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from raystudy.constraints import CONSTRAINT_KEYS, constraint_value, constraints_from_attrs
from raystudy.distributions import Distribution, ParamValue, check_distribution_compatibility
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.samplers.asking import draws_ahead, is_spent, prepares_ahead, record
from raystudy.samplers.base import ConstrainedSampler, Sampler
from raystudy.samplers.batch import Batch
from raystudy.samplers.custom import SamplerLike, UserSampler
from raystudy.samplers.history import History
from raystudy.samplers.hooks import BaseSampler, uses_hooks
from raystudy.samplers.sampler_study import AttrNote
from raystudy.samplers.seeding import generator
from raystudy.storages.columns import Columns
from raystudy.study_view import StudyFacts

__all__ = ["Proposer"]

FloatArray = npt.NDArray[np.float64]

#: Trials for which nothing is prepared after a proposal was out of date: where trials end faster than proposals are
#: drawn, preparing some in vain would make all of them wait longer.
_REST = 8


@dataclass(slots=True)
class _Prepared:
    """A proposal that was drawn before its trial, and before so many others began or ended."""

    number: int
    proposal: dict[str, tuple[ParamValue, Distribution]]
    behind: int = 0


class Proposer:
    """A sampler with the history that it learns from.

    Args:
        sampler: The sampler.
        directions: Directions of the study.
        seed: Seed of the study.
        study: What a user's sampler may know of its study.

    Attributes:
        history: The trials.
        user: Asks the sampler if it is to be asked by Optuna's hooks, else None.
    """

    def __init__(
        self,
        sampler: SamplerLike,
        directions: Sequence[StudyDirection],
        seed: int,
        study: StudyFacts | None = None,
    ) -> None:
        self._seed = seed
        self.history = History(directions)
        self.history.seed = seed
        self.user: UserSampler | None = None
        if isinstance(sampler, BaseSampler) and uses_hooks(sampler):
            self.user = UserSampler(sampler, directions, study or StudyFacts(), self.history)
        self._sampler = cast("Sampler", sampler)
        self._prepared: _Prepared | None = None
        self._rest = 0

    def learn(self, columns: Columns) -> None:
        """Record the stored trials of the study, all at once and none of them recorded before."""
        observed = np.stack(columns.last_reports(), axis=1)
        # A running trial counts as observed at the step where a judge has seen it, which ``observe`` knows.
        observed[columns.states != TrialState.PRUNED] = np.nan
        params, reports = columns.params, columns.reports
        self.history.load(
            Batch(
                columns.numbers,
                columns.states,
                columns.values,
                observed,
                params.rows,
                params.kinds,
                params.internals,
                params.space,
                reports.rows,
                reports.steps,
                reports.values,
                _constraints(columns),
            )
        )

    def propose(self, number: int) -> dict[str, tuple[ParamValue, Distribution]]:
        """Draw the proposal of a trial and record the trial as pending with it; empty if it is drawn by ``begin``."""
        if self.user is not None:
            self._record_pending(number, {})
            return {}
        proposal = self._take_prepared(number) or self._draw_all(number)
        self._record_pending(number, proposal)
        self._fall_behind()
        return proposal

    def prepare(self, number: int) -> None:
        """Draw the proposal of a trial to come, if the sampler wishes that and the one at hand is not up to date.

        It is used when the trial comes, unless more than one trial has begun or ended by then.
        """
        prepared = self._prepared
        if self._rest or (prepared is not None and prepared.number == number and prepared.behind == 0):
            return
        if self.user is None and prepares_ahead(self._sampler) and not self.is_spent():
            self._prepared = _Prepared(number, self._draw_all(number))

    def _take_prepared(self, number: int) -> dict[str, tuple[ParamValue, Distribution]] | None:
        """Return what was prepared for a trial, if it is not out of date; what was prepared for a later one stays."""
        self._rest = max(self._rest - 1, 0)
        prepared = self._prepared
        if prepared is None or prepared.number > number:
            return None
        self._prepared = None
        if prepared.number == number and prepared.behind <= 1:
            return prepared.proposal
        self._rest = _REST
        return None

    def _draw_all(self, number: int) -> dict[str, tuple[ParamValue, Distribution]]:
        history = self.history
        history.asking = number
        space = dict(self._sampler.joint_space(history))
        drawn = self._sampler.propose(space, history, generator(self._seed, number)) if space else {}
        proposal = {name: (value, space[name]) for name, value in drawn.items()}
        alone = history.known_space() if draws_ahead(self._sampler) else {}
        for name, distribution in alone.items():
            if name not in proposal:
                proposal[name] = (self._draw(number, name, distribution), distribution)
        return proposal

    def _fall_behind(self) -> None:
        if self._prepared is not None:
            self._prepared.behind += 1

    def begin(self, trial: FrozenTrial) -> dict[str, tuple[ParamValue, Distribution]]:
        """Have a user's sampler draw the proposal of a new trial, which is stored by now.

        Raises:
            Exception: Whatever its hooks raise.
        """
        if self.user is None:
            return {}
        proposal = self.user.begin(trial)
        self._record_pending(trial.number, proposal)
        return proposal

    def end(self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Tell a user's sampler how a trial ends that is still RUNNING; raise what its hook raises."""
        if self.user is not None:
            self.user.end(trial, state, values)

    def take_notes(self) -> list[AttrNote]:
        """Return the attributes that a user's sampler has set since, to be stored."""
        if self.user is None:
            return []
        notes, self.user.study.notes = self.user.study.notes, []
        return notes

    @property
    def stop_asked(self) -> bool:
        """Whether a user's sampler has asked that no further trial be begun."""
        return self.user is not None and self.user.study.stop_asked

    def is_spent(self) -> bool:
        """Whether the sampler has nothing to try now."""
        return self.user is None and is_spent(self._sampler, self.history)

    def suggest(
        self,
        number: int,
        name: str,
        distribution: Distribution,
        known: Mapping[str, tuple[ParamValue, Distribution]],
    ) -> ParamValue:
        """Draw one parameter that the proposal of a trial does not hold; ``known`` are its other ones.

        Raises:
            ValueError: If the distribution contradicts that of another trial.
        """
        earlier = self.history.known_space().get(name)
        if earlier is not None:
            check_distribution_compatibility(earlier, distribution, name)
        self.history.asking = number
        if self.user is not None:
            self._record_pending(number, known)
            value = self.user.suggest(number, name, distribution)
        else:
            value = self._draw(number, name, distribution)
        self._record_pending(number, {**known, name: (value, distribution)})
        return value

    def took(
        self,
        number: int,
        proposal: Mapping[str, tuple[ParamValue, Distribution]],
        known: Mapping[str, tuple[ParamValue, Distribution]],
    ) -> None:
        """Record the parameters that a pending trial has, instead of all that were drawn for it.

        It may be on a branch where it will never ask for some of them; those that all trials have stay.
        """
        shared = self.history.joint_space()
        kept = {name: pair for name, pair in proposal.items() if name in shared}
        self._record_pending(number, {**kept, **known})

    def observe(self, trial: FrozenTrial, rung_step: int | None = None) -> None:
        """Record what is known of a trial.

        Args:
            trial: The trial.
            rung_step: For a running or paused one, the step of the last rung at which it was judged.
        """
        record(self.history, trial, rung_step)
        if trial.state.is_finished():
            self._fall_behind()
        if self.user is not None:
            self.user.observe(trial)

    def constraints_of(self, trial: FrozenTrial) -> dict[str, float]:
        """Return what the user's function says of the constraints of a trial that has just ended, if there is one.

        Raises:
            Exception: Whatever the user's function raises.
            ValueError, TypeError: If a constraint is NaN, or no number.
        """
        if not isinstance(self._sampler, ConstrainedSampler) or self._sampler.constraints_func is None:
            return {}
        if trial.state not in (TrialState.COMPLETE, TrialState.PRUNED):
            return {}
        values = self._sampler.constraints_func(copy.deepcopy(trial))
        return {str(at): constraint_value(str(at), value) for at, value in enumerate(values)}

    def _draw(self, number: int, name: str, distribution: Distribution) -> ParamValue:
        return self._sampler.sample(name, distribution, self.history, generator(self._seed, number, name))

    def _record_pending(self, number: int, params: Mapping[str, tuple[ParamValue, Distribution]]) -> None:
        values = {name: value for name, (value, _) in params.items()}
        distributions = {name: distribution for name, (_, distribution) in params.items()}
        self.history.update(number, TrialState.RUNNING, values, distributions)


def _constraints(columns: Columns) -> dict[str, FloatArray]:
    """Return the constraints of all trials by name, read with ``CONSTRAINT_KEYS``; NaN where a trial has none."""
    attrs: dict[int, dict[str, Any]] = {}
    for key, by_row in columns.system_attrs.items():
        if key.startswith(CONSTRAINT_KEYS):
            for row, value in by_row.items():
                attrs.setdefault(row, {})[key] = value
    found: dict[str, FloatArray] = {}
    for row, of_trial in attrs.items():
        for name, value in constraints_from_attrs(of_trial).items():
            found.setdefault(name, np.full(len(columns), np.nan))[row] = value
    return found
