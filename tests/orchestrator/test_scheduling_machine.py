"""The driver core under every interleaving of answers that hypothesis can think of."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from raystudy.orchestrator.events import (
    Abandon,
    CloseIntake,
    Create,
    Created,
    CreateRefused,
    Dropped,
    EndCall,
    Ending,
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
from raystudy.orchestrator.scheduling import Phase, ResumedTrial, Scheduler

MAX_LOSSES = 2


class SchedulerMachine(RuleBasedStateMachine):
    """A shell that answers what is outstanding in any order, and a judge that rules as it likes."""

    @initialize(
        missing=st.none() | st.integers(0, 8),
        slots=st.integers(1, 4),
        resumed=st.lists(st.booleans(), max_size=3),
    )
    def start(self, missing, slots, resumed):
        self.target = None if missing is None else missing + len(resumed)
        self.slots = slots
        self.outstanding = []
        self.holding = set()
        self.losses = Counter()
        self.lost = set()  # those that must be tried again
        self.attempts = dict.fromkeys(range(len(resumed)), 1)
        self.finished = set()
        self.abandoned = set()
        self.stopped = self.ended = self.spent = self.was_spent = False
        trials = [ResumedTrial(n, attempt=1, paused=paused) for n, paused in enumerate(resumed)]
        self.core = Scheduler(
            target=self.target, slots=slots, created=len(resumed), resumed=trials, max_losses=MAX_LOSSES
        )
        self.obey(self.core.start())

    def tell(self, event):
        self.spent &= not isinstance(event, TrialEvent)
        self.obey(self.core.handle(event))

    def obey(self, actions):
        for action in actions:
            assert not self.ended, f"{action} after the end"
            match action:
                case Launch(number, attempt):
                    assert attempt == self.attempts[number]
                    self.holding.add(number)
                case SaveAttempt(number, attempt):
                    assert attempt == self.attempts[number] + 1
                    self.attempts[number] = attempt
                    self.holding.add(number)
                    self.lost.discard(number)
                case Create():
                    assert not self.stopped
                    assert not self.spent
                case SaveFinish(number, _):
                    assert number not in self.finished | self.abandoned
                    assert self.stopped or number not in self.lost
                    self.finished.add(number)
                case Abandon(number):
                    assert number not in self.abandoned
                    self.abandoned.add(number)
                case EndCall():
                    self.ended = True
            if not isinstance(action, (EndCall, StopRunning, Abandon)):
                self.outstanding.append(action)
        self.core.check_invariants()
        if any(isinstance(action, (Create, SaveAttempt)) for action in actions):
            # Fewer slots interrupt nothing, but nothing is begun beyond them.
            assert len(self.holding) + sum(isinstance(a, Create) for a in self.outstanding) <= self.slots

    def take(self, data, kinds):
        choices = [action for action in self.outstanding if isinstance(action, kinds)]
        action = data.draw(st.sampled_from(choices))
        self.outstanding.remove(action)
        return action

    def has(self, *kinds):
        return any(isinstance(action, kinds) for action in self.outstanding)

    @precondition(lambda self: self.has(Create))
    @rule(data=st.data())
    def creation_is_durable(self, data):
        ticket = self.take(data, Create).ticket
        number = len(self.attempts)
        self.attempts[number] = 1
        self.tell(Created(ticket, number))

    @precondition(lambda self: self.has(Create))
    @rule(data=st.data())
    def creation_is_refused(self, data):
        self.tell(CreateRefused(self.take(data, Create).ticket))

    @precondition(lambda self: self.has(Create))
    @rule(data=st.data())
    def nothing_is_left_to_try(self, data):
        self.spent = self.was_spent = True
        self.tell(CreateRefused(self.take(data, Create).ticket, is_spent=True))

    @precondition(lambda self: self.has(Launch))
    @rule(data=st.data(), ending=st.sampled_from(Ending))
    def attempt_returns(self, data, ending):
        action = self.take(data, Launch)
        if action.number in self.abandoned:
            self.holding.discard(action.number)
        elif ending is Ending.LOST:
            self.holding.discard(action.number)
            self.losses[action.number] += 1
            if self.losses[action.number] <= MAX_LOSSES:
                self.lost.add(action.number)
        self.tell(Returned(action.number, action.attempt, ending))

    @precondition(lambda self: self.has(SaveAttempt, SaveFinish, SavePause))
    @rule(data=st.data())
    def save_is_durable(self, data):
        self.saved(self.take(data, (SaveAttempt, SaveFinish, SavePause)))

    @precondition(lambda self: self.has(SaveAttempt, SaveFinish, SavePause))
    @rule(data=st.data())
    def save_is_refused(self, data):
        action = self.take(data, (SaveAttempt, SaveFinish, SavePause))
        self.holding.discard(action.number)
        self.tell(FinishedElsewhere(action.number))

    @precondition(lambda self: self.attempts and not self.ended)
    @rule(data=st.data())
    def another_program_finishes(self, data):
        number = data.draw(st.sampled_from(sorted(self.attempts)))
        if self.core.phase(number) in (Phase.RUNNING, Phase.PAUSED, Phase.QUEUED):
            self.lost.discard(number)
            self.tell(FinishedElsewhere(number))
            assert not self.core.survives(number, Ending.PAUSED)

    def saved(self, action):
        if not isinstance(action, SaveAttempt):
            self.holding.discard(action.number)
        self.tell(Saved(action.number))

    @precondition(lambda self: self.has(CloseIntake))
    @rule(data=st.data())
    def judge_is_told(self, data):
        self.take(data, CloseIntake)
        self.tell(IntakeClosed())

    @precondition(lambda self: self.attempts and not self.ended)
    @rule(data=st.data(), ruling=st.sampled_from([Promoted, Dropped]))
    def judge_rules(self, data, ruling):
        self.tell(ruling(data.draw(st.sampled_from(sorted(self.attempts)))))

    @rule(slots=st.integers(0, 5))
    def slots_change(self, slots):
        self.slots = slots
        self.tell(SlotsChanged(slots))

    @precondition(lambda self: not self.ended)
    @rule(interrupt=st.booleans())
    def stop_is_asked(self, interrupt):
        self.stopped = True
        self.tell(StopAsked(interrupt))

    @precondition(lambda self: any(a > 1 for a in self.attempts.values()) and not self.ended)
    @rule(data=st.data(), ending=st.sampled_from(Ending))
    def replaced_attempt_returns(self, data, ending):
        number = data.draw(st.sampled_from([n for n, attempt in self.attempts.items() if attempt > 1]))
        self.tell(Returned(number, self.attempts[number] - 1, ending))

    @invariant()
    def never_creates_more_than_the_target(self):
        if self.target is not None:
            n_creating = sum(isinstance(action, Create) for action in self.outstanding)
            assert len(self.attempts) + n_creating <= self.target

    def teardown(self):
        """Answer everything: the call must end, with every trial finished and none missing."""
        if not hasattr(self, "core"):
            return
        self.slots = max(self.slots, 1)
        self.tell_unless_ended(SlotsChanged(self.slots))
        if self.target is None:
            self.stopped = True
            self.tell_unless_ended(StopAsked(interrupt=True))
        while self.outstanding:
            self.answer(self.outstanding.pop(0))
        assert self.ended
        assert self.core.ended
        assert self.finished | self.abandoned == set(self.attempts)
        assert self.stopped or self.was_spent or len(self.attempts) == self.target

    def tell_unless_ended(self, event):
        if not self.ended:
            self.tell(event)

    def answer(self, action):
        match action:
            case Create(ticket):
                number = len(self.attempts)
                self.attempts[number] = 1
                self.tell(Created(ticket, number))
            case Launch(number, attempt):
                self.holding -= {number} & self.abandoned
                self.tell(Returned(number, attempt, Ending.COMPLETE))
            case CloseIntake():
                self.tell(IntakeClosed())
            case _:
                self.saved(action)


SchedulerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
test_every_interleaving_keeps_the_budget_and_ends = SchedulerMachine.TestCase
