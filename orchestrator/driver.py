"""The driver of one call: carries out what the scheduler decides, with the sampler, the judge and the writer.

It knows no Ray and starts no thread: a shell feeds it outcomes, news and acknowledgements, and takes orders
from it.  So the same driver runs in process and in the ``StudyDriver`` actor.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.attempt import Outcome
from raystudy.orchestrator.brackets import DeskNews, EndedTrial, ReportNews
from raystudy.orchestrator.events import (
    Abandon,
    Action,
    CloseIntake,
    Create,
    Created,
    CreateRefused,
    Dropped,
    EndCall,
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
from raystudy.orchestrator.headroom import Headroom
from raystudy.orchestrator.intake import Intake, NewTrial
from raystudy.orchestrator.ledger import LiveTrial
from raystudy.orchestrator.listening import Listener
from raystudy.orchestrator.lookout import Findings, Lookout
from raystudy.orchestrator.mirror import Mirror
from raystudy.orchestrator.orders import Errand, Order, StopTrial
from raystudy.orchestrator.progress import Progress
from raystudy.orchestrator.proposing import Proposer
from raystudy.orchestrator.remarks import Remarks
from raystudy.orchestrator.scheduling import Phase, Scheduler
from raystudy.orchestrator.teaching import Teacher, ended_trial
from raystudy.orchestrator.writer import Acknowledgement
from raystudy.pruners.base import Judge
from raystudy.storages.base import StudyRecord

__all__ = ["Driver"]


class Driver:
    """One call of ``optimize``.

    Args:
        study: The study.
        scheduler: The core.
        proposer: The sampler with its history of all stored trials.
        planner: The intake's judge, which is kept up to date here.
        mirror: Where everything that must be stored goes.
        intake: Where new trials come from.
        lookout: What is known of other programs' trials.
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
        lookout: Lookout,
        live: Sequence[LiveTrial],
        progress: Progress,
        on_finished: Callable[[FrozenTrial], None],
        say: Callable[[str], None],
        now: Callable[[], dt.datetime],
    ) -> None:
        #: What the shell has to do, in this order.
        self.orders: deque[Order] = deque()
        #: What the shell has to do at once.
        self.errands: deque[Errand] = deque()
        #: The first exception of an objective that the user did not ask to catch.
        self.failure: Outcome | None = None
        self.ended = False
        self.progress = progress
        self._study = study
        self._core = scheduler
        self._proposer = proposer
        self._mirror = mirror
        self._intake = intake
        self._lookout = lookout
        self._looking = False
        self._on_finished = on_finished
        self._remarks = Remarks(say, pauses=planner.pauses)
        self._now = now
        self._teacher = Teacher(planner, self.errands)
        self._live = {live_trial.trial.number: live_trial for live_trial in live}
        self.headroom = Headroom(scheduler, intake)
        #: Takes what running trials tell and ask.
        self.listener = Listener(self._live, proposer, planner, mirror, progress)

    def start(self) -> None:
        """Give the first orders."""
        for action in self._core.start():
            self._perform(action)

    def ends_trial(self, outcome: Outcome) -> EndedTrial | None:
        """Return how an outcome ends its trial for good, which the judge must settle first; None if not."""
        return None if self._core.survives(outcome.number, outcome.ending) else ended_trial(outcome)

    def returned(self, outcome: Outcome) -> None:
        """Take the outcome of an attempt; news that came before it must have been passed on."""
        live = self._live.get(outcome.number)
        if live is None or outcome.attempt != live.attempt:
            return
        if self._core.phase(outcome.number) is Phase.ABANDONED:
            del self._live[outcome.number]
            self._handle(Returned(outcome.number, outcome.attempt, outcome.ending))
            return
        self.listener.outcome(outcome)
        self._remarks.ended(outcome, live)
        self._note_failure(outcome)
        live.result = outcome.values
        self._handle(Returned(outcome.number, outcome.attempt, outcome.ending))

    def take_news(self, news: Sequence[DeskNews]) -> None:
        """Take reports and rulings, in the order in which they happened."""
        for item in news:
            if isinstance(item, ReportNews):
                self.listener.report(item)
                continue
            self.listener.ruled(item)
            for number, _ in item.promoted:
                self._handle(Promoted(number))
            for number in item.dropped:
                self._handle(Dropped(number))

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Take the word of the writer that something is durable, or was refused."""
        for trial in acknowledgement.refused.values():
            self._overtaken(trial)
        match acknowledgement.ticket:
            case NewTrial() as new:
                self._on_created(new, acknowledgement)
            case int(number):
                self._on_saved(number)
            case None:
                pass  # only refusals were to be told
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

    def poll(self) -> None:
        """Have a look at what other programs have done to the study; call it about once a second."""
        if self._looking:
            return
        self._looking = True
        ours = [live.trial for live in self._live.values() if not live.trial.state.is_finished()]
        self.errands.append(self._lookout.question({trial.trial_id: trial.state for trial in ours}))

    def take_findings(self, findings: Findings | None) -> None:
        """Take the answer to a look; None if the database could not be asked."""
        self._looking = False
        if findings is None:
            return
        foreign, ours = self._lookout.learn(findings)
        for trial in foreign:
            self._intake.note(trial)
            self._proposer.observe(trial)
            self.progress.count_foreign(trial)
            self._teacher.note(trial, ours=False)
        for trial in ours:
            # Where something is being stored, the answer to that tells who was first.
            if self._core.phase(trial.number) in (Phase.RUNNING, Phase.PAUSED, Phase.QUEUED):
                self._overtaken(trial)

    def _handle(self, event: Event) -> None:
        for action in self._core.handle(event):
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Create(ticket):
                if (new := self._intake.take(ticket)) is None:
                    self._remarks.spent()
                    self._handle(CreateRefused(ticket, is_spent=True))
                else:
                    (self._mirror.claim if new.waiting else self._mirror.create)(new.live, new)
            case Launch(number, attempt):
                self._launch(self._live[number], attempt)
            case SavePause(number):
                self._live[number].paused = True
                self.progress.paused(number)
                self._mirror.pause(self._live[number])
            case SaveAttempt(number, attempt):
                self._live[number].attempt = attempt
                self._mirror.attempt(self._live[number])
            case SaveFinish(number, state):
                self._save_finish(self._live[number], state)
            case Abandon(number):
                self.errands.append(StopTrial(number, self._live[number].bracket))
            case CloseIntake() | StopRunning():
                self.orders.append(action)
            case EndCall():
                self.ended = True

    def _launch(self, live: LiveTrial, attempt: int) -> None:
        live.attempt, live.paused = attempt, False
        self.progress.started(live.trial.number)
        self._teacher.note(live.trial, ours=True)
        if (failed := self.listener.begin(live)) is None:
            self.orders.append(live.assignment(len(self._study.directions)))
        else:
            self.returned(failed)

    def _save_finish(self, live: LiveTrial, state: TrialState) -> None:
        trial, values = live.trial, live.final_values(state)
        self._note_failure(self.listener.ending(live, state, values))
        trial.state, trial.values, trial.datetime_complete = state, values, self._now()
        self._note_failure(self.listener.constrain(live))
        self._mirror.finish(live)
        self._proposer.observe(trial)
        self._teacher.settle(live)

    def _note_failure(self, outcome: Outcome | None) -> None:
        if outcome is None or outcome.failure is None or outcome.caught or self.failure is not None:
            return
        self.failure = outcome
        self._handle(StopAsked(interrupt=True))

    def _on_created(self, new: NewTrial, acknowledgement: Acknowledgement) -> None:
        trial = new.live.trial
        if not self._intake.answered(new, acknowledgement):
            self.poll()
            self._handle(CreateRefused(new.ticket))
            return
        if not new.waiting:
            self._lookout.stored(trial.number, trial.trial_id)
        self._live[trial.number] = new.live
        self.progress.created()
        self._handle(Created(new.ticket, trial.number))

    def _on_saved(self, number: int) -> None:
        if (live := self._live.get(number)) is None:
            return  # another program has finished the trial, and its result stands
        if live.trial.state.is_finished():
            self._release(live)
            del self._live[number]
        if self._proposer.stop_asked:
            self.stop(interrupt=False)
        self._handle(Saved(number))

    def _overtaken(self, trial: FrozenTrial) -> None:
        """Take a trial of ours that another program has finished."""
        live = self._live.get(trial.number)
        if live is None or not trial.state.is_finished() or self._core.phase(trial.number) is Phase.ABANDONED:
            return
        live.trial = trial
        self._proposer.observe(trial)
        self._teacher.settle(live)
        self._teacher.note(trial, ours=False)
        self._remarks.overtaken(trial)
        self._release(live)
        self._handle(FinishedElsewhere(trial.number))
        if self._core.phase(trial.number) is None:
            del self._live[trial.number]

    def _release(self, live: LiveTrial) -> None:
        """Let the user see a result; its slot is free after that."""
        self.progress.finished(live.trial)
        self._teacher.note(live.trial, ours=True)
        self._on_finished(live.trial)
