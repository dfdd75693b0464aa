"""Ask and tell: trials that the user runs, stored at every step, with the sampler and judge in this process."""

from __future__ import annotations

import datetime as dt
import math
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState, Verdict
from raystudy.orchestrator.assembly import learned_proposer, new_desk
from raystudy.orchestrator.attempt import values_of
from raystudy.orchestrator.checkpoints import TrialVault, trial_folder
from raystudy.pruners.base import Pruner
from raystudy.samplers.base import Sampler
from raystudy.storages.base import (
    ClaimTrial,
    CreateTrial,
    FinishTrial,
    Report,
    SetAttrs,
    SetParams,
    Storage,
    Write,
)
from raystudy.trial import Assignment, News, Trial

__all__ = ["AskDesk"]


@dataclass
class _AskLink:
    """A trial's way to the storage: every step is written through."""

    desk: AskDesk
    trial_id: int
    number: int
    bracket: int | None

    def suggest(self, name: str, distribution: Distribution) -> ParamValue:
        """Draw a parameter that the proposal does not hold."""
        with self.desk.lock:
            known = self.desk.known_params(self.number)
            return self.desk.proposer.suggest(self.number, name, distribution, known)

    def report(self, step: int, value: float, _news: News | None, _resumable: bool) -> Verdict:
        """Store a report and have it judged."""
        self.desk.write(Report(self.trial_id, step, value))
        with self.desk.lock:
            # Nobody would hand a paused trial out again, so it is judged as one that saves no checkpoints.
            return self.desk.brackets.report(self.number, 1, self.bracket, step, value, None, resumable=False)

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Store a parameter."""
        self.desk.record_param(self.number, name, value, distribution)
        self.desk.write(SetParams(self.trial_id, {name: (value, distribution)}))

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Store user attributes."""
        self.desk.write(SetAttrs(self.trial_id, user_attrs=user_attrs))


class AskDesk:
    """Hands out trials of a stored study and takes their results; safe for several threads.

    Args:
        storage: The storage.
        study_id: The study.
        sampler: The sampler.
        seed: Seed of the study.
        pruner: The pruner.
        study_folder: Path or URL of the study's checkpoints.
    """

    def __init__(
        self, storage: Storage, study_id: int, sampler: Sampler, seed: int, pruner: Pruner, study_folder: str
    ) -> None:
        self.lock = threading.RLock()
        self._storage = storage
        self._study = storage.read_study(study_id)
        self._study_folder = study_folder
        columns = storage.read_columns(study_id)
        self.proposer = learned_proposer(sampler, self._study, seed, columns)
        self.brackets = new_desk(pruner, self._study, [])
        self._planner = pruner.start(self._study.directions[0], None)
        self._planner.restore([])
        self._params: dict[int, dict[str, tuple[ParamValue, Distribution]]] = {}
        #: Ids of the trials that were handed out and not yet told, by number.
        self._ids: dict[int, int] = {}
        self._last_id = columns.last_id
        self._n_trials = int(columns.numbers.max(initial=-1)) + 1
        self._unfinished = set(columns.unfinished_ids)
        self._waiting: dict[int, FrozenTrial] = {}

    def ask(self) -> Trial:
        """Take the oldest waiting trial, or create one."""
        with self.lock:
            self._look_around()
            trial = self._claim() or self._create()
            self._unfinished.add(trial.trial_id)
            self._ids[trial.number] = trial.trial_id
            self._last_id = max(self._last_id, trial.trial_id)
            bracket = self._planner.next_bracket()
            self._planner.enrol(trial.number, bracket)
            self.brackets.enrol([(trial.number, bracket)])
            assignment = Assignment(
                number=trial.number,
                trial_id=trial.trial_id,
                attempt=1,
                bracket=bracket,
                n_objectives=len(self._study.directions),
                proposed=self._params.setdefault(trial.number, {}),
                fixed={**trial.system_attrs.get("fixed_params", {}), **trial.params},
                user_attrs=trial.user_attrs,
                datetime_start=trial.datetime_start,
            )
            link = _AskLink(self, trial.trial_id, trial.number, bracket)
            folder = trial_folder(self._study_folder, trial.number)
            return Trial(assignment, link, TrialVault(folder, 1))

    def tell(
        self,
        number: int,
        values: float | Sequence[float] | None,
        state: TrialState | None,
        skip_if_finished: bool,
    ) -> FrozenTrial:
        """Store the result of a running trial and return it finished.

        Raises:
            ValueError: If there is no such running trial, or state and values contradict each other.
        """
        with self.lock:
            trial_id = self._ids.get(number)
            if trial_id is None:
                trial_id = self._storage.find_trial(self._study.study_id, number)
            if trial_id is None:
                last = self._n_trials - 1 if self._n_trials else None
                raise ValueError(f"tell: this study has no trial {number}, the last one is {last}")
            trial = self._storage.read_trial(trial_id)
            if trial.state.is_finished() and skip_if_finished:
                return trial
            if trial.state is not TrialState.RUNNING:
                raise ValueError(
                    f"tell: trial {number} is {trial.state.name}, only a RUNNING one can be told"
                )
            final, told = _result(trial, values, state, len(self._study.directions))
            self.write(FinishTrial(trial.trial_id, final, told, dt.datetime.now()))  # noqa: DTZ005 - local
            finished = self._storage.read_trial(trial.trial_id)
            self.proposer.observe(finished)
            self._params.pop(number, None)
            self._ids.pop(number, None)
            return finished

    def write(self, write: Write) -> None:
        """Store something now."""
        self._storage.commit(self._study.study_id, [write])

    def known_params(self, number: int) -> dict[str, tuple[ParamValue, Distribution]]:
        """Return what is known of a trial's parameters."""
        return self._params.get(number, {})

    def record_param(self, number: int, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Keep a parameter among those of a pending trial."""
        with self.lock:
            self._params.setdefault(number, {})[name] = (value, distribution)

    def _claim(self) -> FrozenTrial | None:
        while self._waiting:
            trial = self._waiting.pop(min(self._waiting))
            now = dt.datetime.now()  # noqa: DTZ005 - local
            result = self._storage.commit(self._study.study_id, [ClaimTrial(trial.trial_id, now)])
            if result.claimed[0]:
                self._params[trial.number] = self.proposer.propose(trial.number)
                return self._storage.read_trial(trial.trial_id)
        return None

    def _create(self) -> FrozenTrial:
        while True:
            number, now = self._n_trials, dt.datetime.now()  # noqa: DTZ005 - local
            proposal = self.proposer.propose(number)
            result = self._storage.commit(
                self._study.study_id, [CreateTrial(number, TrialState.RUNNING, now)]
            )
            if result.created[0] is not None:
                self._n_trials += 1
                self._params[number] = proposal
                return self._storage.read_trial(result.created[0][0])
            self._look_around()

    def _look_around(self) -> None:
        for trial in self._storage.read_changes(self._study.study_id, self._last_id, self._unfinished):
            self._last_id = max(self._last_id, trial.trial_id)
            self._n_trials = max(self._n_trials, trial.number + 1)
            if trial.state.is_finished():
                self._unfinished.discard(trial.trial_id)
                self._params.pop(trial.number, None)  # if it was asked here, another program has finished it
            else:
                self._unfinished.add(trial.trial_id)
            if trial.state is TrialState.WAITING:
                self._waiting[trial.number] = trial
            elif trial.number not in self._params:
                self.proposer.observe(trial)


def _result(
    trial: FrozenTrial, values: float | Sequence[float] | None, state: TrialState | None, n_objectives: int
) -> tuple[TrialState, list[float] | None]:
    """Return the state and values that ``tell`` stands for."""
    if state in (TrialState.PRUNED, TrialState.FAIL):
        if values is not None:
            raise ValueError(f"tell: a {state.name} trial takes no values, got {values}")
        step = trial.last_step if state is TrialState.PRUNED else None
        last = math.nan if step is None else trial.intermediate_values[step]
        return state, None if math.isnan(last) else [last]
    if state not in (None, TrialState.COMPLETE):
        raise ValueError(f"tell: expected COMPLETE, PRUNED or FAIL as state, got {state.name}")
    told, reason = values_of(values, n_objectives)
    if told is None and state is TrialState.COMPLETE:
        raise ValueError(f"tell: {reason}")
    if told is None:
        warnings.warn(f"trial {trial.number} fails: {reason}", UserWarning, stacklevel=4)
        return TrialState.FAIL, None
    return TrialState.COMPLETE, told
