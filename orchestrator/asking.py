"""Ask and tell: trials that the user runs, stored at every step, with the sampler and judge in this process.

A trial may be *parked*: it waits at its checkpoint, as a paused trial of ``optimize`` does, until the judge
promotes it and ``ask(resume=True)`` hands it out again.  All of it is a fold over the stored trials, so that a
desk in another process goes on where this one ended.
"""

from __future__ import annotations

import datetime as dt
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from raystudy.constraints import CONSTRAINT_KEYS
from raystudy.frozen import FrozenTrial, TrialState, Verdict
from raystudy.orchestrator.ask_intake import AskIntake, asked_past
from raystudy.orchestrator.ask_link import AskLink
from raystudy.orchestrator.assembly import learned_proposer, new_judge
from raystudy.orchestrator.brackets import BracketDesk, EndedTrial, ReportNews
from raystudy.orchestrator.checkpoints import TrialVault, trial_folder
from raystudy.orchestrator.keeping import Keep, KeepRule
from raystudy.orchestrator.ledger import (
    ATTEMPT,
    BRACKET,
    CALL,
    FIRST_STEP,
    PAUSED,
    PROMOTED,
    LiveTrial,
    live_trial,
    past_trial,
)
from raystudy.orchestrator.parking import ParkingLot
from raystudy.orchestrator.sweeping import remove_trial
from raystudy.orchestrator.telling import (
    is_parked,
    last_value,
    require_parkable,
    require_tellable,
    result_of,
)
from raystudy.pruners.base import Learning
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike
from raystudy.storages.base import FinishTrial, Report, SetAttrs, Storage, Write
from raystudy.trial import Trial

__all__ = ["AskDesk"]


class AskDesk:
    """Hands out trials of a stored study and takes their results; safe for several threads.

    Several processes may ask one study at the same time; parked trials are for one of them at a time.

    Args:
        study: The user's study object, with its sampler and pruner.
        storage: The storage.
        study_id: The study.
        seed: Seed of the study.
        study_folder: Path or URL of the study's checkpoints.
    """

    def __init__(self, study: Any, storage: Storage, study_id: int, seed: int, study_folder: str) -> None:
        self.lock = threading.RLock()
        self.study = study
        self.sampler: SamplerLike = study.sampler
        self.pruner: PrunerLike = study.pruner
        self._storage = storage
        self._study = storage.read_study(study_id)
        self._study_folder = study_folder
        self._first_step: int | None = self._study.system_attrs.get(FIRST_STEP)
        columns = storage.read_columns(study_id, system_attrs=[CALL, BRACKET, PROMOTED, *CONSTRAINT_KEYS])
        self.proposer = learned_proposer(self.sampler, storage, self._study, seed, columns)
        self.intake = AskIntake(storage, study_id, self.proposer, columns)
        self._judge = new_judge(self.pruner, self._study)
        past = asked_past(storage, study_id, columns, self._judge)
        self._desk = BracketDesk(self._judge, past)
        best = storage.find_best_trial(study_id) if len(self._study.directions) == 1 else None
        others = [] if best is None else [storage.read_trial(best)]
        self._keep = KeepRule(Keep.BEST, self._study.directions, others)
        #: Numbers of the trials that the judge knows and that have not ended.
        self._judged = {trial.number for trial in past if trial.alive}
        #: Unfinished trials that were handed out here or are parked, by number.
        self._live: dict[int, LiveTrial] = {}
        self._lot = ParkingLot()
        self._restore_parked()

    def ask(self, *, resume: bool) -> Trial:
        """Hand out a promoted trial again (with ``resume``), the oldest waiting one, or a new one."""
        with self.lock:
            self._look_around()
            live = (self._resume() if resume else None) or self._new()
            link = AskLink(self, live, live.attempt)
            vault = TrialVault(trial_folder(self._study_folder, live.trial.number), live.attempt)
            trial = Trial(live.assignment(len(self._study.directions)), link, vault)
            if live.attempt > 1:
                trial.catch_up()
            for note in vault.notes:
                warnings.warn(f"trial {trial.number}: {note}", UserWarning, stacklevel=3)
            return trial

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
            trial = self._stored(number, "tell")
            if trial.state.is_finished() and skip_if_finished:
                return trial
            require_tellable(trial)
            return self._finish(trial, *result_of(trial, values, state, len(self._study.directions)))

    def park(self, trial: Trial) -> FrozenTrial:
        """Let a running trial wait at its checkpoint until it is promoted, and return it as it is stored.

        Raises:
            ValueError: If it is not running, was stopped for good, or could not go on from a checkpoint.
        """
        with self.lock:
            stored, live = self._stored(trial.number, "park"), self._live.get(trial.number)
            require_parkable(stored, trial, live.attempt if live else None)
            if live is not None:
                self._set_attrs(live, {PAUSED: stored.last_step})
                self._hold(live, trial.verdict)
            return self._storage.read_trial(stored.trial_id)

    def close(self) -> None:
        """End all parked trials: they become PRUNED."""
        with self.lock:
            self._look_around()
            for number in self._lot.numbers():
                if number in self._lot:  # else the judge has dropped it meanwhile
                    self._finish_parked(number)

    def report(self, live: LiveTrial, attempt: int, step: int, value: float, resumable: bool) -> Verdict:
        """Store a report and have it judged."""
        self.write(Report(live.trial.trial_id, step, value))
        with self.lock:
            if self._first_step is None:
                self._first_step = step
                self._storage.set_study_attrs(self._study.study_id, {}, {FIRST_STEP: step})
            live.trial.intermediate_values.setdefault(step, value)
            number, bracket = live.trial.number, live.bracket
            verdict = self._desk.report(number, attempt, bracket, step, value, None, resumable)
            self._hear()
            return verdict

    def write(self, write: Write) -> None:
        """Store something now."""
        self._storage.commit(self._study.study_id, [write])

    def _new(self) -> LiveTrial:
        bracket = self._judge.next_bracket()
        while (live := self.intake.take(bracket)) is None:
            self._look_around()
        number = live.trial.number
        self._live[number] = live
        self._judged.add(number)
        self._desk.enrol([(number, bracket)])
        return live

    def _resume(self) -> LiveTrial | None:
        while (number := self._lot.next_promoted()) is not None:
            rung, live = self._lot.leave(number), self._live[number]
            stored = self._storage.read_trial(live.trial.trial_id)
            if not is_parked(stored) or stored.system_attrs.get(ATTEMPT, 1) != live.attempt:
                del self._live[number]  # another process was faster
                continue
            live.trial, live.paused, live.attempt = stored, False, live.attempt + 1
            live.promoted_rung = rung if rung >= 0 else live.promoted_rung
            self._set_attrs(live, {ATTEMPT: live.attempt, PAUSED: None, PROMOTED: live.promoted_rung})
            return live
        return None

    def _hold(self, live: LiveTrial, verdict: Verdict) -> None:
        """Let a trial wait; one that was told to go on waits for nobody but the user."""
        live.paused = True
        self._lot.park(live.trial.number)
        if verdict is Verdict.CONTINUE:
            self._lot.may_go_on(live.trial.number, -1 if live.promoted_rung is None else live.promoted_rung)
        self._finish_dropped()

    def _stored(self, number: int, verb: str) -> FrozenTrial:
        live = self._live.get(number)
        trial_id = live.trial.trial_id if live else self._storage.find_trial(self._study.study_id, number)
        if trial_id is None:
            last = self.intake.last_number if self.intake.last_number >= 0 else None
            raise ValueError(f"{verb}: this study has no trial {number}, the last one is {last}")
        return self._storage.read_trial(trial_id)

    def _finish(self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> FrozenTrial:
        live = self._live.get(trial.number)
        if live is not None and (rulings := live.new_rulings()):
            self.write(SetAttrs(trial.trial_id, system_attrs=rulings))
        try:
            self.intake.ending(trial, state, None if values is None else list(values))
        finally:
            finished = self._finish_stored(trial)
        return finished

    def _finish_stored(self, trial: FrozenTrial) -> FrozenTrial:
        now = dt.datetime.now()  # noqa: DTZ005 - local
        self.write(FinishTrial(trial.trial_id, trial.state, trial.values, now))
        finished = self._storage.read_trial(trial.trial_id)
        self.proposer.observe(finished)
        self._ended(finished)
        for free in self._keep.finished(finished):
            remove_trial(self._study_folder, free)
        return finished

    def _finish_parked(self, number: int) -> None:
        trial = self._live[number].trial
        self._finish(trial, TrialState.PRUNED, last_value(trial))

    def _finish_dropped(self) -> None:
        while (number := self._lot.next_dropped()) is not None:
            self._finish_parked(number)

    def _ended(self, trial: FrozenTrial) -> None:
        """Let go of a trial that has ended, here or elsewhere, and have it judged."""
        self._live.pop(trial.number, None)
        self._lot.leave(trial.number)
        if trial.number in self._judged:
            self._judged.discard(trial.number)
            self._hear([EndedTrial(trial.number, trial.state, past_trial(trial).value)])
        elif self._judge.learns is Learning.RESULTS:
            self._desk.learn([past_trial(trial)])

    def _hear(self, settled: Sequence[EndedTrial] = ()) -> None:
        """Take the judge's word on reports and on trials that wait."""
        for item in self._desk.settle(settled):
            if isinstance(item, ReportNews):
                self._hear_verdict(item)
                continue
            self._lot.hear(dict(item.promoted), item.dropped)
            for number, why in item.why.items():
                if number in self._live:
                    self._live[number].note_ruling(why)
        self._finish_dropped()

    def _hear_verdict(self, item: ReportNews) -> None:
        if (live := self._live.get(item.number)) is not None:
            live.note_ruling(item.why)
            if item.rung is not None:
                live.rung_step = item.step
                self.proposer.observe(live.trial, item.step)

    def _set_attrs(self, live: LiveTrial, attrs: dict[str, object]) -> None:
        attrs |= live.new_rulings()
        live.trial.system_attrs.update(attrs)
        self.write(SetAttrs(live.trial.trial_id, system_attrs=attrs))

    def _restore_parked(self) -> None:
        space = self.proposer.history.known_space()
        parked = [live_trial(trial, space) for trial in self.intake.changes() if is_parked(trial)]
        for live in parked:
            self._live[live.trial.number] = live
            self._lot.park(live.trial.number)
            self.proposer.observe(live.trial, live.rung_step)
        self._hear()
        for live in parked:
            if live.trial.number in self._lot:
                self._hold(live, self._standing(live))

    def _standing(self, live: LiveTrial) -> Verdict:
        """Return the verdict on a parked trial: repeating its last report changes nothing."""
        trial, step = live.trial, live.trial.system_attrs[PAUSED]
        value = trial.intermediate_values[step]
        verdict = self._desk.report(trial.number, live.attempt, live.bracket, step, value, None, True)
        self._desk.drain()
        return verdict

    def _look_around(self) -> None:
        for trial in self.intake.changes():
            if trial.state.is_finished():
                self._ended(trial)  # if it was asked here, another program has finished it
            if self._judge.learns is Learning.TRIALS:
                self._desk.learn([past_trial(trial, trial)])
            if trial.number not in self._live and trial.state is not TrialState.WAITING:
                self.proposer.observe(trial)
