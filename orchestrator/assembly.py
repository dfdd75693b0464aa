"""Putting a driver together from a stored study: one path for a new call and for the recovery of a dead one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from raystudy.constraints import CONSTRAINT_KEYS
from raystudy.distributions import Distribution
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.brackets import BracketDesk
from raystudy.orchestrator.calls import Call
from raystudy.orchestrator.driver import Driver
from raystudy.orchestrator.intake import Intake
from raystudy.orchestrator.ledger import (
    BRACKET,
    CALL,
    FIRST_STEP,
    PROMOTED,
    LiveTrial,
    live_trial,
    past_trial,
    past_trials,
)
from raystudy.orchestrator.lookout import Lookout
from raystudy.orchestrator.mirror import Mirror
from raystudy.orchestrator.progress import Progress
from raystudy.orchestrator.proposing import Proposer
from raystudy.orchestrator.scheduling import ResumedTrial, Scheduler
from raystudy.orchestrator.writer import Writer
from raystudy.pruners.base import Judge, Learning, PastTrial, StudyFacts
from raystudy.pruners.custom import PrunerLike, as_pruner
from raystudy.samplers.custom import SamplerLike
from raystudy.storages.base import Storage, StudyRecord
from raystudy.storages.columns import Columns

__all__ = ["Assembly", "learned_proposer", "new_desk", "new_judge", "past_of"]


def learned_proposer(
    sampler: SamplerLike, storage: Storage, study: StudyRecord, seed: int, columns: Columns
) -> Proposer:
    """Return a proposer that has seen all stored trials."""
    facts = StudyFacts(study.name, study.user_attrs, study.system_attrs, study.study_id)
    proposer = Proposer(sampler, study.directions, seed, facts)
    proposer.learn(columns)
    if proposer.user is not None:
        proposer.user.know(storage.read_trials(study.study_id))
    return proposer


@dataclass
class Assembly:
    """The stored study as one driver finds it, read once.

    Args:
        storage: The storage.
        study_id: The study.
        call: The call that the driver will run.
        sampler: The sampler.
        seed: Seed of the study.
        pruner: The pruner.
    """

    storage: Storage
    study_id: int
    call: Call
    sampler: SamplerLike
    seed: int
    pruner: PrunerLike

    def __post_init__(self) -> None:
        self.study = self.storage.read_study(self.study_id)
        columns = self.storage.read_columns(
            self.study_id, system_attrs=[CALL, BRACKET, PROMOTED, *CONSTRAINT_KEYS]
        )
        self.proposer = learned_proposer(self.sampler, self.storage, self.study, self.seed, columns)
        call_id = self.call.fence.call_id
        self.planner = new_judge(self.pruner, self.study)
        self.past = past_of(self.storage, self.study_id, columns, call_id, self.planner)
        self.trials = self._trials_that_matter(columns, call_id)
        self.of_call = [t for t in self.trials if t.system_attrs.get(CALL) == call_id]

    def _trials_that_matter(self, columns: Columns, call_id: str) -> list[FrozenTrial]:
        """Return as objects: our trials, those that may still change, the best one and the newest."""
        ours = [
            int(columns.trial_ids[row]) for row, call in columns.system_attrs[CALL].items() if call == call_id
        ]
        best = self.storage.find_best_trial(self.study_id)
        ids = {*ours, *columns.unfinished_ids, *([] if best is None else [best]), columns.last_id}
        trials = self.storage.read_changes(self.study_id, columns.last_id, ids)
        for trial in trials:
            self.proposer.observe(trial)  # another program may have changed it since the columns were read
        return trials

    def desk(self) -> BracketDesk:
        """Return a desk with a restored judge; it can be built in another process from the same arguments."""
        return new_desk(self.pruner, self.study, self.past)

    def driver(
        self,
        writer: Writer,
        slots: int,
        on_finished: Callable[[FrozenTrial], None],
        say: Callable[[str], None],
        now: Callable[[], dt.datetime] = dt.datetime.now,
    ) -> Driver:
        """Return the driver, ready to start; see ``Driver`` for the arguments."""
        live = self._live(self.proposer.history.known_space())
        for trial in live:
            self.proposer.observe(trial.trial, trial.rung_step)
        scheduler = Scheduler(
            target=self.call.target,
            slots=slots,
            created=len(self.of_call),
            resumed=[ResumedTrial(t.trial.number, t.attempt, t.paused) for t in live],
        )
        planner = self.planner
        if planner.has_rungs:
            planner.restore(self.past)
        call_id = self.call.fence.call_id
        return Driver(
            study=self.study,
            scheduler=scheduler,
            proposer=self.proposer,
            planner=planner,
            mirror=Mirror(writer, self.study),
            intake=Intake(call_id, self.proposer, planner, self.trials, now),
            lookout=Lookout(self.trials, lambda trial: trial.system_attrs.get(CALL) == call_id),
            live=live,
            progress=self._progress(live),
            on_finished=on_finished,
            say=say,
            now=now,
        )

    def _live(self, known_space: Mapping[str, Distribution]) -> list[LiveTrial]:
        return [live_trial(t, known_space) for t in self.of_call if t.state is TrialState.RUNNING]

    def _progress(self, live: list[LiveTrial]) -> Progress:
        progress = Progress(
            self.call.target, self.study.directions[0], single=len(self.study.directions) == 1
        )
        for trial in self.trials:
            progress.count_foreign(trial)
        for trial in self.of_call:
            progress.created()
            if trial.state.is_finished():
                progress.finished(trial)
        for item in live:
            if item.paused:
                progress.paused(item.trial.number)
        return progress


def new_desk(pruner: PrunerLike, study: StudyRecord, past: list[PastTrial]) -> BracketDesk:
    """Return a desk for a study's trials."""
    return BracketDesk(new_judge(pruner, study), past)


def past_of(
    storage: Storage, study_id: int, columns: Columns, call_id: str | None, judge: Judge
) -> list[PastTrial]:
    """Return what a judge is restored from; see ``past_trials`` for the arguments."""
    if judge.learns is Learning.TRIALS:
        return [past_trial(trial, trial) for trial in storage.read_trials(study_id)]
    return past_trials(columns, call_id, judge)


def new_judge(pruner: PrunerLike, study: StudyRecord) -> Judge:
    """Return a fresh judge for a study."""
    facts = StudyFacts(study.name, study.user_attrs)
    return as_pruner(pruner).start(study.directions[0], study.system_attrs.get(FIRST_STEP), facts)
