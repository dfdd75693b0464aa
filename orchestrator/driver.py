"""The driver of one call: carries out what the scheduler decides, with the sampler, the judge and the writer.

It knows no Ray and starts no thread: a shell feeds it outcomes, news and acknowledgements, and takes orders
from it.  So the same driver runs in process and in the ``StudyDriver`` actor.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import IllegalTransition
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.attempt import Outcome
from raystudy.orchestrator.brackets import DeskNews, ReportNews
from raystudy.orchestrator.events import (
    Action,
    CloseIntake,
    Create,
    Created,
    CreateRefused,
    Dropped,
    EndCall,
    Ending,
    Event,
    FinishedElsewhere,
    IntakeClosed,
    Launch,
    Promoted,
    Returned,
    SaveAttempt,
    Saved,
    SaveFinish,
    SavePause,
    SlotsChanged,
    StopAsked,
    StopRunning,
)
from raystudy.orchestrator.intake import Intake, NewTrial
from raystudy.orchestrator.ledger import LiveTrial
from raystudy.orchestrator.mirror import FirstStep, Mirror
from raystudy.orchestrator.progress import Progress
from raystudy.orchestrator.proposing import Proposer
from raystudy.orchestrator.scheduling import Scheduler
from raystudy.orchestrator.writer import Acknowledgement
from raystudy.pruners.base import Judge
from raystudy.storages.base import Storage, StudyRecord
from raystudy.trial import Assignment, News

__all__ = ["Driver", "Order"]

Order = Assignment | CloseIntake | StopRunning


class Driver:
    """One call of ``optimize``.

    Args:
        study: The study.
        scheduler: The core.
        proposer: The sampler with its history of all stored trials.
        planner: The intake's judge, which is kept up to date here.
        mirror: Where everything that must be stored goes.
        intake: Where new trials come from.
        storage: For reading what another program has made of a trial.
        live: The unfinished trials of this call.
        on_finished: Called with each trial whose result is durable, in commit order, before its slot is free.
        say: Called with a line for the user.
        now: The local time.
    """

    def __init__(
        self,
        *,
        study: StudyRecord,
        scheduler: Scheduler,
        proposer: Proposer,
        planner: Judge,
        mirror: Mirror,
        intake: Intake,
        storage: Storage,
        live: Sequence[LiveTrial],
        progress: Progress,
        on_finished: Callable[[FrozenTrial], None],
        say: Callable[[str], None],
        now: Callable[[], dt.datetime],
    ) -> None:
        #: What the shell has to do, in this order.
        self.orders: deque[Order] = deque()
        #: The first exception of an objective that the user did not ask to catch.
        self.failure: Outcome | None = None
        self.ended = False
        self.progress = progress
        self._study = study
        self._core = scheduler
        self._proposer = proposer
        self._planner = planner
        self._mirror = mirror
        self._intake = intake
        self._storage = storage
        self._on_finished = on_finished
        self._say = say
        self._said_cannot_wait = False
        self._now = now
        self._live = {live_trial.trial.number: live_trial for live_trial in live}
        self._results: dict[int, list[float] | None] = {}
        self._first_step = FirstStep(storage, study)

    # ---- what a shell tells ------------------------------------------------------------------------

    def start(self) -> None:
        """Give the first orders."""
        for action in self._core.start():
            self._perform(action)

    def ends_trial(self, outcome: Outcome) -> bool:
        """Whether an outcome ends its trial for good, so that the judge has to settle it first."""
        return not self._core.survives(outcome.number, outcome.ending)

    def returned(self, outcome: Outcome) -> None:
        """Take the outcome of an attempt; news that came before it must have been passed on."""
        live = self._live.get(outcome.number)
        if live is None or outcome.attempt != live.attempt:
            return
        self._tell(live, News(outcome.params, outcome.user_attrs), outcome.reports)
        self._explain(outcome, live)
        if outcome.failure is not None and not outcome.caught and self.failure is None:
            self.failure = outcome
            self._handle(StopAsked(interrupt=True))
        self._results[outcome.number] = outcome.values
        self._handle(Returned(outcome.number, outcome.attempt, outcome.ending))

    def take_news(self, news: Sequence[DeskNews]) -> None:
        """Take reports and rulings, in the order in which they happened."""
        for item in news:
            if isinstance(item, ReportNews):
                self._take_report(item)
                continue
            for number, rung in item.promoted:
                if number in self._live:
                    self._live[number].promoted_rung = rung
                self._handle(Promoted(number))
            for number in item.dropped:
                self._handle(Dropped(number))

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Take the word of the writer that something is durable."""
        match acknowledgement.ticket:
            case NewTrial() as new:
                self._on_created(new, acknowledgement)
            case int(number):
                self._on_saved(number, acknowledgement.refused)
            case other:
                raise IllegalTransition(f"an acknowledgement of {other!r}, which nobody asked for")

    def intake_closed(self) -> None:
        """Note that the judge has been told, and its news passed on."""
        self._handle(IntakeClosed())

    def stop(self, *, interrupt: bool) -> None:
        """Create no more trials; with ``interrupt``, end running ones at their next report."""
        self._handle(StopAsked(interrupt))

    def set_slots(self, slots: int) -> None:
        """Change how many attempts may run at once."""
        if slots != self._core.slots:
            self._handle(SlotsChanged(slots))

    def suggest(self, number: int, name: str, distribution: Distribution) -> ParamValue:
        """Draw a parameter that a trial's proposal does not hold, and store it."""
        live = self._live[number]
        if name in live.trial.params:
            return live.trial.params[name]
        value = self._proposer.suggest(number, name, distribution, {**live.proposal, **live.known_params()})
        new = live.learn_params({name: (value, distribution)})
        self._mirror.parameter(live, new)
        return value

    def tell_attributes(self, number: int, user_attrs: Mapping[str, Any]) -> None:
        """Store user attributes of a running trial."""
        self._mirror.tell(self._live[number], News(user_attrs=dict(user_attrs)), {})

    def poll(self) -> None:
        """Look at what other programs have done to the study; call it about once a second."""
        for trial in self._intake.look_around():
            self._proposer.observe(trial)
            self.progress.count_foreign(trial)

    def _take_report(self, item: ReportNews) -> None:
        live = self._live.get(item.number)
        if live is None or item.attempt < live.attempt:
            return
        self._tell(live, item.news, {item.step: item.value})
        self._first_step.note(item.step)
        if self._planner.has_rungs:
            self._planner.report(live.planned_as, item.step, item.value, resumable=True)
        if item.rung is not None:
            live.rung_step = item.step
            self._proposer.observe(live.trial, live.rung_step)

    def _tell(self, live: LiveTrial, news: News | None, reports: dict[int, float]) -> None:
        new_params, new_reports = self._mirror.tell(live, news, reports)
        self.progress.epochs += new_reports
        if new_params:
            self._proposer.observe(live.trial, live.rung_step)

    def _explain(self, outcome: Outcome, live: LiveTrial) -> None:
        if outcome.ending is Ending.LOST:
            self._say(f"trial {outcome.number}: attempt {outcome.attempt} was lost: {outcome.reason}")
        elif outcome.reason:
            self._say(f"trial {outcome.number} failed: {outcome.reason}")
        cannot_wait = (
            live.bracket is not None and outcome.ending is Ending.PRUNED and not outcome.checkpointed
        )
        if cannot_wait and not self._said_cannot_wait:
            self._said_cannot_wait = True
            self._say(
                f"trial {outcome.number} saved no checkpoint, so it is stopped for good instead of waiting at its "
                "rung; call trial.save_checkpoint(...) before trial.report(...) to have good trials promoted later"
            )

    # ---- actions of the core -----------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        for action in self._core.handle(event):
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Create(ticket):
                new = self._intake.take(ticket)
                (self._mirror.claim if new.waiting else self._mirror.create)(new.live, new)
            case Launch(number, attempt):
                live = self._live[number]
                live.attempt, live.paused = attempt, False
                self.progress.started(number)
                self.orders.append(live.assignment(len(self._study.directions)))
            case SavePause(number):
                self._live[number].paused = True
                self.progress.paused(number)
                self._mirror.pause(self._live[number])
            case SaveAttempt(number, attempt):
                self._live[number].attempt = attempt
                self._mirror.attempt(self._live[number])
            case SaveFinish(number, state):
                self._save_finish(self._live[number], state)
            case CloseIntake() | StopRunning():
                self.orders.append(action)
            case EndCall():
                self.ended = True

    def _save_finish(self, live: LiveTrial, state: TrialState) -> None:
        trial = live.trial
        values = self._results.pop(trial.number, None)
        if state is not TrialState.COMPLETE:
            values = live.pruned_values() if state is TrialState.PRUNED else None
        trial.state, trial.values, trial.datetime_complete = state, values, self._now()
        self._mirror.finish(live)
        self._proposer.observe(trial)
        if self._planner.has_rungs:
            self._planner.settle(live.planned_as)

    # ---- acknowledgements --------------------------------------------------------------------------

    def _on_created(self, new: NewTrial, acknowledgement: Acknowledgement) -> None:
        trial = new.live.trial
        if new.waiting:
            accepted = acknowledgement.claimed[0]
        elif (created := acknowledgement.created[0]) is not None:
            trial.trial_id, accepted = created[0], True
        else:
            accepted = False
        if not accepted:
            self._intake.refused(new)
            self.poll()
            self._handle(CreateRefused(new.ticket))
            return
        self._intake.accepted(new)
        self._live[trial.number] = new.live
        self.progress.created()
        self._handle(Created(new.ticket, trial.number))

    def _on_saved(self, number: int, refused: frozenset[int]) -> None:
        live = self._live[number]
        event: Event = Saved(number)
        if live.trial.trial_id in refused:
            if not live.trial.state.is_finished():
                event = FinishedElsewhere(number)
            live.trial = self._storage.read_trial(live.trial.trial_id)
            self._say(f"trial {number} was finished by another program; its result stands")
            self._proposer.observe(live.trial)
        if live.trial.state.is_finished():
            del self._live[number]
            self.progress.finished(live.trial)
            self._on_finished(live.trial)
        self._handle(event)
