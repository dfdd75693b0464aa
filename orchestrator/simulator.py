"""The simulated shell: runs a call to its end in virtual time, on any number of virtual workers.

It is the third shell beside the inline and the Ray one, and drives the same driver, scheduler, sampler, desk,
judge and storage; only the workers and the clock are imagined.  It is a discrete-event simulation: an agenda of
moments at which a step of some trial ends, and everything that follows from one moment happens at that moment.
Moments at the same time come in the order in which they were put down, so that a run is a function of its
arguments.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import IllegalTransition
from raystudy.frozen import FrozenTrial, Verdict
from raystudy.orchestrator.assembly import Assembly
from raystudy.orchestrator.attempt import Outcome, conclude, values_of
from raystudy.orchestrator.calls import Call
from raystudy.orchestrator.curves import CurveFunction, CurveStep, Playback
from raystudy.orchestrator.events import CloseIntake, Ending, StopRunning
from raystudy.orchestrator.orders import Errand, LearnTrials, Order, StopTrial
from raystudy.orchestrator.workplace import Shelf, VirtualClock, Workplace, WorkSpan
from raystudy.orchestrator.writer import Acknowledgement, DirectWriter, WriterWord
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike
from raystudy.storages.base import Fence
from raystudy.storages.memory import InMemoryStorage
from raystudy.trial import Assignment, News, Proposal, Trial

__all__ = ["Simulator"]


@dataclass(frozen=True, slots=True)
class _Link:
    """A trial's way to the desk and the driver."""

    simulator: Simulator
    assignment: Assignment

    def suggest(self, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Draw a parameter that the proposal does not hold."""
        return self.simulator.driver.listener.suggest(self.assignment.number, name, distribution, params)

    def report(self, step: int, value: float, news: News | None, resumable: bool) -> Verdict:
        """Have a report judged, and pass it on to the driver."""
        mine, desk = self.assignment, self.simulator.desk
        verdict = desk.report(mine.number, mine.attempt, mine.bracket, step, value, news, resumable)
        self.simulator.driver.take_news(desk.drain())
        return verdict

    def study(self) -> Any:
        """Raise NotImplementedError: a curve says what a trial gives, whatever the others do."""
        raise NotImplementedError("simulate: a curve cannot look at the study")

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Leave it to the next report or the end of the attempt."""

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Pass user attributes on to the driver."""
        self.simulator.driver.listener.attributes(self.assignment.number, user_attrs)

    def constraints(self, constraints: Mapping[str, float]) -> None:
        """Leave them to the next report or the end of the attempt."""


@dataclass(slots=True)
class _Shift:
    """An attempt under way: where, on what, since when, and the step that ends next."""

    worker: int
    assignment: Assignment
    trial: Trial
    playback: Playback
    begun_s: float
    step: CurveStep | None = None
    epochs: int = 0


class Simulator:
    """Runs one call on an empty study in memory, or on one with enqueued trials only.

    Args:
        storage: Where the study is; its leases must run by ``clock``.
        study_id: The study.
        n_trials: How many trials to run, or None to stop at the timeout.
        sampler: The sampler.
        seed: Seed of the study.
        pruner: The pruner.
        curve: Takes a trial and returns its learning curve; called once per trial.
        workplace: The workers.
        clock: The time, which runs only here.

    Attributes:
        driver: The driver of the call.
        desk: The desk with the judge.
        spans: All attempts, in the order in which they ended.
        best: (seconds, objective value) each time a trial was completed better than all before.
    """

    def __init__(
        self,
        storage: InMemoryStorage,
        study_id: int,
        n_trials: int | None,
        sampler: SamplerLike,
        seed: int,
        pruner: PrunerLike,
        curve: CurveFunction,
        workplace: Workplace,
        clock: VirtualClock,
    ) -> None:
        self.spans: list[WorkSpan] = []
        self.best: list[tuple[float, float]] = []
        self._curve, self._workplace, self._clock = curve, workplace, clock
        self._storage, self._study_id = storage, study_id
        # Not drawn by chance, as other calls' names are: a simulation is a function of its arguments.
        self._fence = Fence("simulation", "simulator")
        storage.open_call(study_id, self._fence, n_trials, lease_s=0.0)
        call = Call(self._fence, n_trials, taken_over=False)
        assembly = Assembly(storage, study_id, call, sampler, seed, pruner)
        #: What arrives at this moment: words of the writer, and outcomes.
        self._inbox: deque[WriterWord | Outcome] = deque()
        #: Moments to come as (time, sequence, attempt whose step ends), None for the timeout.
        self._agenda: list[tuple[float, int, _Shift | None]] = []
        self._n_noted = 0
        self._idle = list(range(workplace.n_workers))
        self._playbacks: dict[int, Playback] = {}
        self._shelves: dict[int, Shelf] = {}
        self.desk = assembly.desk()
        writer = DirectWriter(storage, study_id, self._fence, self._inbox.append)
        self.driver = assembly.driver(
            writer, workplace.n_workers, self._note_best, lambda _line: None, clock.now
        )

    def run(self) -> None:
        """Run the call to its end.

        Raises:
            IllegalTransition: If trials are left and none can go on, which is a defect in raystudy.
            Exception: What the curve raised.
        """
        if self._workplace.timeout_s is not None:
            self._note(self._workplace.timeout_s, None)
        self.driver.start()
        self._settle()
        while not self.driver.ended:
            if not self._agenda:
                raise IllegalTransition(
                    f"the simulation stands still after {self._clock.elapsed_s} s: {self.desk!r}"
                )
            self._clock.elapsed_s, _, shift = heapq.heappop(self._agenda)
            if shift is None:
                self.driver.stop(interrupt=True)
            else:
                self._end_step(shift)
            self._settle()
        self._storage.end_call(self._study_id, self._fence)

    # ---- everything that happens at one moment -----------------------------------------------------

    def _settle(self) -> None:
        driver = self.driver
        while True:
            if driver.errands:
                self._run(driver.errands.popleft())
            elif driver.orders:
                self._obey(driver.orders.popleft())
            elif self._inbox:
                self._take(self._inbox.popleft())
            else:
                return

    def _run(self, errand: Errand) -> None:
        if isinstance(errand, LearnTrials):
            self.desk.learn(errand.trials)
        elif isinstance(errand, StopTrial):
            self.desk.abandon(errand.number, errand.bracket)
            self.driver.take_news(self.desk.drain())
        # A look around is never due: nobody else can change a study in this memory.

    def _obey(self, order: Order) -> None:
        match order:
            case Assignment():
                self.desk.enrol([(order.number, order.bracket)])
                self._begin(order)
            case CloseIntake():
                self.driver.take_news(self.desk.close())
                self.driver.intake_closed()
            case StopRunning():
                self.desk.stop_all()

    def _take(self, word: WriterWord | Outcome) -> None:
        match word:
            case Outcome():
                ended = self.driver.ends_trial(word)
                self.driver.take_news(self.desk.settle([ended] if ended else []))
                self.driver.returned(word)
            case Acknowledgement():
                self.driver.acknowledge(word)
            case _:
                raise IllegalTransition(f"memory is never out of reach, but its writer says {word!r}")

    # ---- attempts ----------------------------------------------------------------------------------

    def _begin(self, assignment: Assignment) -> None:
        number, place = assignment.number, self._workplace
        shelf = self._shelves.setdefault(number, Shelf())
        trial = Trial(assignment, _Link(self, assignment), shelf)
        playback = self._playbacks.get(number)
        if playback is None:
            playback = Playback(number, self._curve(trial), place.epoch_s, place.max_steps)
            self._playbacks[number] = playback
        shift = _Shift(heapq.heappop(self._idle), assignment, trial, playback, self._clock.elapsed_s)
        if assignment.attempt > 1 and trial.catch_up() is not Verdict.CONTINUE:
            self._end(shift, Ending.PRUNED)
        else:
            self._begin_step(shift, place.start_s)

    def _begin_step(self, shift: _Shift, delay_s: float = 0.0) -> None:
        shift.step = shift.playback.advance()
        if shift.step is None:
            self._end(shift, Ending.COMPLETE)
        else:
            self._note(self._clock.elapsed_s + delay_s + shift.step.seconds, shift)

    def _end_step(self, shift: _Shift) -> None:
        if shift.step is None:
            raise IllegalTransition(f"trial {shift.trial.number} has no step that could end")
        shift.epochs += 1
        if self._workplace.checkpoints:
            shift.trial.save_checkpoint(None, step=shift.step.step)
        shift.trial.report(shift.step.value, shift.step.step)
        if shift.trial.should_prune():
            self._end(shift, Ending.PRUNED)
        else:
            self._begin_step(shift)

    def _end(self, shift: _Shift, ending: Ending) -> None:
        assignment = shift.assignment
        outcome = Outcome(assignment.number, assignment.attempt, ending)
        if ending is Ending.COMPLETE:
            outcome.values, outcome.reason = values_of(shift.playback.result, 1)
            outcome.ending = Ending.FAILED if outcome.values is None else ending
        conclude(outcome, shift.trial, assignment)
        self._inbox.append(outcome)
        heapq.heappush(self._idle, shift.worker)
        self.spans.append(
            WorkSpan(
                shift.worker,
                assignment.number,
                assignment.attempt,
                shift.begun_s,
                self._clock.elapsed_s,
                shift.epochs,
                outcome.ending.value,
            )
        )

    def _note(self, time_s: float, shift: _Shift | None) -> None:
        heapq.heappush(self._agenda, (time_s, self._n_noted, shift))
        self._n_noted += 1

    def _note_best(self, trial: FrozenTrial) -> None:
        progress = self.driver.progress
        if progress.best_number == trial.number and progress.best is not None:
            self.best.append((self._clock.elapsed_s, progress.best))
