"""The driver core: what to create, launch, retry and finish, as a pure state machine.

It knows numbers, phases and counts; no Ray, no clock, no database, no parameter and no objective value.
``Scheduler.handle`` is the only way to change it: an event in, a list of actions out.

A *slot* is held from ``Create`` or ``SaveAttempt`` until the attempt's end is durable, so that with one slot
each proposal is drawn after the commit of the trial before it.  Trials that may go on come before new ones.
Every move of a trial stands in ``TRANSITIONS``::

    CREATING --Created--> RUNNING --Returned--> FINISHING --Saved--> (gone)
                            ^   |
                     Saved  |   +-- paused --> PAUSING --Saved--> PAUSED --Dropped--> FINISHING
                            |   +-- lost ----> QUEUED                |
                         STARTING <--slot-- QUEUED <---Promoted------+

Another program may finish a trial at any time: a running one is ABANDONED until its attempt has returned, any
other is gone at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import TrialState
from raystudy.orchestrator.events import (
    Abandon,
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
    TrialEvent,
)
from raystudy.orchestrator.phases import WITH_SLOT, IntakeState, Phase, ResumedTrial, Roster, ScheduledTrial

__all__ = ["Phase", "ResumedTrial", "Scheduler"]


class Scheduler:
    """The state of one call.

    Args:
        target: How many trials the call adds, or None for no limit.
        slots: How many attempts may run at once.
        created: How many trials the call has created before (it is taken over).
        resumed: Those of them which are unfinished.
        max_losses: How many lost attempts a trial survives.
    """

    def __init__(
        self,
        *,
        target: int | None,
        slots: int,
        created: int = 0,
        resumed: Iterable[ResumedTrial] = (),
        max_losses: int = 3,
    ) -> None:
        self.target = target
        self.slots = slots
        self.created = created
        self.max_losses = max_losses
        self.ended = False
        self._creating: set[int] = set()
        self._next_ticket = 0
        self._stopping = self._is_spent = False
        self._intake = IntakeState.OPEN
        self._trials = Roster()
        #: Trials that wait for a slot, first come first served.
        self._queue: deque[int] = deque()
        for old in resumed:
            phase = Phase.PAUSED if old.paused else Phase.QUEUED
            self._trials.add(ScheduledTrial(old.number, phase, old.attempt, holds_slot=False))
            self._queue.extend([] if old.paused else [old.number])

    def start(self) -> list[Action]:
        """Return the first actions."""
        return self._fill()

    def handle(self, event: Event) -> list[Action]:
        """Take one event and return what is to be done, in this order.

        Raises:
            IllegalTransition: If the trial's phase does not allow the event; the message tells its story.
        """
        actions: list[Action] = []
        match event:
            case Created(ticket, number):
                self._creating.remove(ticket)
                self._trials.add(ScheduledTrial(number, Phase.RUNNING, attempt=1, holds_slot=True))
                actions.append(Launch(number, 1))
            case CreateRefused(ticket, is_spent):
                self._creating.remove(ticket)
                self.created -= 1
                self._is_spent = self._is_spent or is_spent
            case IntakeClosed():
                self._intake = IntakeState.CLOSED
            case SlotsChanged(slots):
                self.slots = slots
            case StopAsked(interrupt):
                self._stopping = True
                actions += [StopRunning()] if interrupt else []
            case TrialEvent():
                self._is_spent = False  # what a trial has told may show what else can be tried
                actions += self._handle_trial(event)
        return actions + self._fill()

    def phase(self, number: int) -> Phase | None:
        """Return the phase of a live trial, or None once it has finished."""
        trial = self._trials.get(number)
        return trial.phase if trial else None

    def survives(self, number: int, ending: Ending) -> bool:
        """Whether a trial may go on after its attempt has ended so."""
        trial = self._trials.get(number)
        if trial is None or trial.phase is Phase.ABANDONED:
            return False
        return ending is Ending.PAUSED or (ending is Ending.LOST and trial.losses < self.max_losses)

    def count(self, phase: Phase) -> int:
        """Return how many trials are in a phase."""
        return self._trials.count(phase)

    def check_invariants(self) -> None:
        """Raise IllegalTransition if the state contradicts itself (for tests)."""
        queued = {trial.number for trial in self._trials if trial.phase is Phase.QUEUED}
        if queued != set(self._queue) or not len(queued) == len(self._queue) == self.count(Phase.QUEUED):
            raise IllegalTransition(f"queue {list(self._queue)} is not the queued trials {sorted(queued)}")
        self._trials.check_invariants()
        if self.target is not None and self.created > max(self.target, len(self._trials)):
            raise IllegalTransition(f"created {self.created} trials for a target of {self.target}")

    def _handle_trial(self, event: TrialEvent) -> list[Action]:
        trial = self._trials.get(event.number)
        if trial is None:
            return []  # rulings and late returns may cross with a foreign program's finish
        trial.story.append(event)
        if isinstance(event, Returned) and event.attempt != trial.attempt:
            return []  # an attempt that was given up long ago
        handler = TRANSITIONS.get((trial.phase, type(event)))
        if handler is None:
            raise IllegalTransition(
                f"trial {trial.number} cannot take {type(event).__name__} while {trial.phase.value}; "
                f"its story: {trial.story}"
            )
        return handler(self, trial, event)

    def _on_returned(self, trial: ScheduledTrial, event: TrialEvent) -> list[Action]:
        ending = event.ending if isinstance(event, Returned) else Ending.LOST
        match ending:
            case Ending.COMPLETE:
                return self._finish(trial, TrialState.COMPLETE)
            case Ending.PRUNED:
                return self._finish(trial, TrialState.PRUNED)
            case Ending.FAILED:
                return self._finish(trial, TrialState.FAIL)
            case Ending.PAUSED:
                self._trials.move(trial, Phase.PAUSING)
                return [SavePause(trial.number)]
            case Ending.LOST:
                trial.losses += 1
                if trial.losses > self.max_losses:
                    return self._finish(trial, TrialState.FAIL)
                return self._requeue(trial)

    def _on_paused(self, trial: ScheduledTrial, _event: TrialEvent) -> list[Action]:
        ruling, trial.early_ruling = trial.early_ruling, None
        self._trials.move(trial, Phase.PAUSED, holds_slot=False)
        if ruling is Promoted:
            return self._requeue(trial)
        return self._finish(trial, TrialState.PRUNED) if ruling is Dropped else []

    def _on_ruling(self, trial: ScheduledTrial, event: TrialEvent) -> list[Action]:
        is_promoted = isinstance(event, Promoted)
        return self._requeue(trial) if is_promoted else self._finish(trial, TrialState.PRUNED)

    def _on_early_ruling(self, trial: ScheduledTrial, event: TrialEvent) -> list[Action]:
        trial.early_ruling = Promoted if isinstance(event, Promoted) else Dropped
        return []

    def _on_started(self, trial: ScheduledTrial, _event: TrialEvent) -> list[Action]:
        self._trials.move(trial, Phase.RUNNING)
        return [Launch(trial.number, trial.attempt)]

    def _on_finished(self, trial: ScheduledTrial, _event: TrialEvent) -> list[Action]:
        self._trials.remove(trial)
        return []

    def _on_overtaken(self, trial: ScheduledTrial, _event: TrialEvent) -> list[Action]:
        if trial.phase is Phase.RUNNING:
            self._trials.move(trial, Phase.ABANDONED)
            return [Abandon(trial.number)]
        if trial.phase is Phase.QUEUED:
            self._queue.remove(trial.number)
        self._trials.remove(trial)
        return [Abandon(trial.number)]

    def _ignore(self, _trial: ScheduledTrial, _event: TrialEvent) -> list[Action]:
        return []

    def _finish(self, trial: ScheduledTrial, state: TrialState) -> list[Action]:
        self._trials.move(trial, Phase.FINISHING)
        return [SaveFinish(trial.number, state)]

    def _requeue(self, trial: ScheduledTrial) -> list[Action]:
        self._trials.move(trial, Phase.QUEUED, holds_slot=False)
        trial.early_ruling = None
        self._queue.append(trial.number)
        return []

    def _fill(self) -> list[Action]:
        actions: list[Action] = []
        free = self.slots - len(self._creating) - self._trials.n_slots_held
        while free > 0 and (action := self._next_for_slot()) is not None:
            actions.append(action)
            free -= 1
        is_spent = self._is_spent and not (self._queue or self._trials.n_slots_held)
        if not self._creating and self._intake is IntakeState.OPEN and (is_spent or not self.wants_more()):
            self._intake = IntakeState.CLOSING
            actions.append(CloseIntake())
        return actions + self._wind_up()

    def _next_for_slot(self) -> Action | None:
        if self._queue and not self._stopping:
            trial = self._trials[self._queue.popleft()]
            self._trials.move(trial, Phase.STARTING, holds_slot=True)
            trial.attempt += 1
            return SaveAttempt(trial.number, trial.attempt)
        if self.wants_more() and not self._is_spent:
            ticket, self._next_ticket = self._next_ticket, self._next_ticket + 1
            self._creating.add(ticket)
            self.created += 1
            return Create(ticket)
        return None

    def wants_more(self) -> bool:
        """Whether the call is to create further trials."""
        return not self._stopping and (self.target is None or self.created < self.target)

    def _wind_up(self) -> list[Action]:
        """Finish what nothing can bring back: once no trial holds a slot, no event can promote another."""
        if self._intake is not IntakeState.CLOSED or self._creating or self.ended:
            return []
        if not self._trials:
            self.ended = True
            return [EndCall()]
        if self._trials.count(*WITH_SLOT):
            return []
        if self._queue and not self._stopping:
            return []  # the cluster has no slot just now
        self._queue.clear()
        return [a for trial in self._trials for a in self._finish(trial, TrialState.PRUNED)]


Handler = Callable[[Scheduler, ScheduledTrial, TrialEvent], list[Action]]

_RULINGS = (Promoted, Dropped)

#: (phase, event) -> handler; a pair that is not listed is a defect.
TRANSITIONS: dict[tuple[Phase, type[TrialEvent]], Handler] = {
    (Phase.RUNNING, Returned): Scheduler._on_returned,
    (Phase.PAUSING, Saved): Scheduler._on_paused,
    (Phase.STARTING, Saved): Scheduler._on_started,
    (Phase.FINISHING, Saved): Scheduler._on_finished,
    (Phase.FINISHING, FinishedElsewhere): Scheduler._on_finished,
    (Phase.ABANDONED, Returned): Scheduler._on_finished,
    **{
        (phase, FinishedElsewhere): Scheduler._on_overtaken
        for phase in (Phase.RUNNING, Phase.PAUSING, Phase.PAUSED, Phase.QUEUED, Phase.STARTING)
    },
    **{
        (phase, ruling): Scheduler._on_early_ruling
        for phase in (Phase.RUNNING, Phase.PAUSING)
        for ruling in _RULINGS
    },
    **{(Phase.PAUSED, ruling): Scheduler._on_ruling for ruling in _RULINGS},
    **{
        (phase, ruling): Scheduler._ignore
        for phase in (Phase.QUEUED, Phase.STARTING, Phase.FINISHING, Phase.ABANDONED)
        for ruling in _RULINGS
    },
}
