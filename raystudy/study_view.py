"""What a pruner or sampler that users write sees of its study: the trials as far as they are known."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raystudy.distributions import ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState

__all__ = ["KnownTrials", "StudyFacts", "StudyView"]


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What a user's pruner or sampler may ask about its study, as it was when the call began."""

    name: str = ""
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)
    study_id: int = -1


class KnownTrials:
    """The trials of a study as far as a judge knows them, by state."""

    def __init__(self) -> None:
        self._by_state: dict[TrialState, dict[int, FrozenTrial]] = {state: {} for state in TrialState}
        self._states: dict[int, TrialState] = {}
        self._numbers: dict[int, int] = {}

    def get(self, number: int) -> FrozenTrial | None:
        """Return a trial, or None if it is unknown."""
        state = self._states.get(number)
        return None if state is None else self._by_state[state][number]

    def of_id(self, trial_id: int) -> FrozenTrial | None:
        """Return the trial with an id, or None if it is unknown."""
        number = self._numbers.get(trial_id)
        return None if number is None else self.get(number)

    def put(self, trial: FrozenTrial) -> None:
        """Keep a trial in place of what was known of it."""
        if trial.number in self._states:
            del self._by_state[self._states[trial.number]][trial.number]
        self._states[trial.number] = trial.state
        self._numbers[trial.trial_id] = trial.number
        self._by_state[trial.state][trial.number] = trial

    def in_states(self, states: Collection[TrialState] | None) -> list[FrozenTrial]:
        """Return the trials that are in some states, or all, by number."""
        chosen = self._by_state if states is None else {state: self._by_state[state] for state in states}
        found = [trial for trials in chosen.values() for trial in trials.values()]
        return sorted(found, key=lambda trial: trial.number)


class StudyView:
    """A study as a pruner sees it; as ``Study``, but read-only.

    Args:
        directions: One direction per objective.
        study: What is known of the study.
        trials: Its trials, kept up to date by the owner.

    Trials of other programs are as new as the last look at the database (about a second); a running one of this
    call has its number, parameters and reports.

    Attributes:
        study_name: Name of the study.
        directions: One direction per objective.
        user_attrs: User attributes of the study when the call began.
    """

    def __init__(self, directions: Sequence[StudyDirection], study: StudyFacts, trials: KnownTrials) -> None:
        self.study_name = study.name
        self.directions = list(directions)
        self.user_attrs: dict[str, Any] = dict(study.user_attrs)
        self._trials = trials

    @property
    def direction(self) -> StudyDirection:
        """The direction of a study with one objective; RuntimeError for several."""
        if len(self.directions) > 1:
            raise RuntimeError(
                f"study.direction and study.best_trial need one objective, this study has {len(self.directions)}"
            )
        return self.directions[0]

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number, as copies."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Collection[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials by number, of all states or some; without ``deepcopy``, do not change them."""
        trials = self._trials.in_states(states)
        return [copy.deepcopy(trial) for trial in trials] if deepcopy else trials

    @property
    def best_trial(self) -> FrozenTrial:
        """The COMPLETE trial with the best value, the first of equals; ValueError if there is none."""
        sign = -1 if self.direction is StudyDirection.MAXIMIZE else 1
        complete = self.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not complete:
            raise ValueError("no trial is complete yet; best_trial needs at least one")
        return copy.deepcopy(min(complete, key=lambda trial: sign * (trial.values or [0.0])[0]))

    @property
    def best_value(self) -> float:
        """The value of the best trial; ValueError if there is none."""
        return (self.best_trial.values or [0.0])[0]

    @property
    def best_params(self) -> dict[str, ParamValue]:
        """The parameters of the best trial; ValueError if there is none."""
        return self.best_trial.params
