"""The in-process shell: runs the driver and the objective here, in this thread or in a few.

With one job the objective runs in the thread that called ``optimize``, as Optuna's does: globals, debuggers
and Ctrl-C work as ever.  With more, each attempt runs in a thread of a pool.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import LeaseLost, StudyError
from raystudy.frozen import FrozenTrial, Verdict
from raystudy.orchestrator.assembly import Assembly
from raystudy.orchestrator.attempt import Outcome, run_attempt
from raystudy.orchestrator.calls import OwnedCall, begin_call
from raystudy.orchestrator.checkpoints import TrialVault
from raystudy.orchestrator.driver import Driver
from raystudy.orchestrator.events import CloseIntake
from raystudy.orchestrator.keeping import keep_of
from raystudy.orchestrator.lookout import Findings, LookAround, cause_of, look
from raystudy.orchestrator.orders import LearnTrials, StopTrial
from raystudy.orchestrator.progress import ProgressLine
from raystudy.orchestrator.request import CallRequest
from raystudy.orchestrator.sweeping import Sweeper
from raystudy.orchestrator.writer import Outage, WriterFailed, WriterWord, new_writer
from raystudy.trial import Assignment, News, Proposal

__all__ = ["InlineShell", "Message", "optimize_inline"]


@dataclass(frozen=True, slots=True)
class _Crash:
    """What ended a thread of the pool: an exit, or a checkpoint that cannot be read."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class _Looked:
    """A look at what other programs have done is over."""


#: What arrives in the shell's inbox.
Message = WriterWord | Outcome | _Crash | _Looked

#: Time between two looks at what other programs have done to the study, in seconds.
POLL_EVERY_S = 1.0
#: Longest time between two looks at the clock, in seconds.
_SHOW_EVERY_S = 0.5


@dataclass
class _InlineLink:
    """A trial's way to the desk and the driver of this process."""

    shell: InlineShell
    assignment: Assignment

    def suggest(self, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Draw a parameter that the proposal does not hold."""
        with self.shell.lock:
            return self.shell.driver.listener.suggest(self.assignment.number, name, distribution, params)

    def report(self, step: int, value: float, news: News | None, resumable: bool) -> Verdict:
        """Have a report judged, and pass it on to the driver."""
        mine = self.assignment
        self.shell.glance()
        with self.shell.lock:
            verdict = self.shell.desk.report(
                mine.number, mine.attempt, mine.bracket, step, value, news, resumable
            )
            self.shell.driver.take_news(self.shell.desk.drain())
        return verdict

    def study(self) -> Any:
        """Return the study object that is being optimised."""
        return self.shell.request.study

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Leave it to the next report or the end of the attempt."""

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Pass user attributes on to the driver."""
        with self.shell.lock:
            self.shell.driver.listener.attributes(self.assignment.number, user_attrs)

    def constraints(self, constraints: Mapping[str, float]) -> None:
        """Leave them to the next report or the end of the attempt."""


class InlineShell:
    """Runs one call to its end.

    Args:
        request: What the user asked for.
        assembly: The study as it is stored.
    """

    driver: Driver

    def __init__(self, request: CallRequest, assembly: Assembly) -> None:
        #: Held by whoever touches the driver or the desk; objectives run without it.
        self.lock = threading.RLock()
        self.desk = assembly.desk()
        self.request = request
        self._study = assembly.study
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        #: Answers to looks; with one job they are taken at a report, while the inbox waits for the objective.
        self._findings: queue.SimpleQueue[Findings | None] = queue.SimpleQueue()
        fence, folder = assembly.call.fence, request.study_folder
        self._writer = new_writer(assembly.storage, assembly.study_id, fence, self._hear_writer, folder)
        n_jobs = (os.cpu_count() or 1) if request.n_jobs == -1 else request.n_jobs or 1
        self._sweeper = Sweeper(folder, keep_of(request.keep_checkpoints), assembly, request.say)
        self.driver = assembly.driver(self._writer, n_jobs, self._tell_finished, request.say)
        self._pool = ThreadPoolExecutor(n_jobs, "raystudy-trial") if n_jobs > 1 else None
        self._line = ProgressLine(enabled=request.show_progress)
        self._deadline = math.inf if request.timeout_s is None else request.begun + request.timeout_s
        self._next_poll = time.monotonic() + POLL_EVERY_S

    def run(self) -> None:
        """Run until the call has ended; exceptions of the writer end it early."""
        try:
            self.driver.start()
            self._obey()
            while not self.driver.ended:
                self._take_next()
                self._obey()
                self._look_around()
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._hand_in_outcomes()
            if note := self._writer.close():
                self.request.say(note)
            self._sweeper.close()
            self._line.show(self.driver.progress, last=True)

    def glance(self) -> None:
        """Look at other programs between two reports, where the objective runs in the thread of the shell."""
        if self._pool is None:
            with self.lock:
                self._take_findings()
                self._poll_if_due()

    def _obey(self) -> None:
        here: Assignment | None = None
        while self.driver.orders:
            order = self.driver.orders.popleft()
            if isinstance(order, Assignment):
                with self.lock:
                    self.desk.enrol([(order.number, order.bracket)])
                if self._pool is None:
                    here = order
                else:
                    self._pool.submit(self._attempt, order).add_done_callback(self._put)
            elif isinstance(order, CloseIntake):
                with self.lock:
                    self.driver.take_news(self.desk.close())
                    self.driver.intake_closed()
            # StopRunning: as in Optuna, trials that run in this process are left to finish.
        # Last, as elsewhere: the judge knows that no further trial comes before this one reports.
        if here is not None:
            self._inbox.put(self._attempt(here))

    def _attempt(self, assignment: Assignment) -> Outcome:
        vault = TrialVault(self.request.folder_of(assignment.number), assignment.attempt)
        link = _InlineLink(self, assignment)
        outcome = run_attempt(self.request.objective, self.request.catch, assignment, link, vault)
        outcome.notes = vault.notes
        return outcome

    def _put(self, future: Future[Outcome]) -> None:
        error = future.exception()
        self._inbox.put(future.result() if error is None else _Crash(error))

    def _take_next(self) -> None:
        """Take what arrives next, if anything does before it is time to look around."""
        try:
            message = self._inbox.get(timeout=_SHOW_EVERY_S)
        except queue.Empty:
            with self.lock:
                self._stop_if_asked()
        else:
            self._take(message)

    def _hand_in_outcomes(self) -> None:
        """After the call was cut short, let the writer have the results that had come in already."""
        while not self.driver.ended and not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, Outcome):
                with self.lock:
                    self.driver.returned(message)

    def _take(self, message: Message) -> None:
        with self.lock:
            self._stop_if_asked()
            match message:
                case Outcome():
                    ended = self.driver.ends_trial(message)
                    self.driver.take_news(self.desk.settle([ended] if ended else []))
                    self.driver.returned(message)
                case WriterFailed(error):
                    raise cause_of(error, self.request.storage, self._study)
                case _Crash(error):
                    raise error
                case _Looked():
                    self._take_findings()
                case Outage():
                    self.request.say(message.message)
                case _:
                    self.driver.acknowledge(message)

    def _tell_finished(self, trial: FrozenTrial) -> None:
        self._sweeper.finished(trial)
        self.request.call_back(trial)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.request.stop_asked.is_set() or time.monotonic() >= self._deadline:
            self._deadline = math.inf
            self.driver.stop(interrupt=False)

    def _look_around(self) -> None:
        with self.lock:
            self._poll_if_due()
            self.driver.headroom.use()
        self.driver.progress.outage_s = self._writer.outage_s()
        self._line.show(self.driver.progress)

    def _poll_if_due(self) -> None:
        now = time.monotonic()
        if now >= self._next_poll:
            self._next_poll = now + POLL_EVERY_S
            self.driver.poll()
        self._run_errands()

    def _take_findings(self) -> None:
        while not self._findings.empty():
            self.driver.take_findings(self._findings.get())
        self._run_errands()

    def _run_errands(self) -> None:
        while self.driver.errands:
            errand = self.driver.errands.popleft()
            if isinstance(errand, StopTrial):
                self.desk.abandon(errand.number, errand.bracket)
                self.driver.take_news(self.desk.drain())
            elif isinstance(errand, LearnTrials):
                self.desk.learn(errand.trials)
            else:
                # A daemon: the end of this process does not wait for a database that does not answer.
                threading.Thread(target=self._look, args=(errand,), name="raystudy-look", daemon=True).start()

    def _look(self, order: LookAround) -> None:
        try:
            self._findings.put(look(self.request.storage, self._study, order))
        except StudyError as error:
            self._give_up(error)
        else:
            self._inbox.put(_Looked())

    def _hear_writer(self, word: WriterWord) -> None:
        if isinstance(word, WriterFailed) and isinstance(word.error, (LeaseLost, KeyError)):
            self.desk.stop_all()  # the study, or the call, is not ours any more
        self._inbox.put(word)

    def _give_up(self, error: Exception) -> None:
        self.desk.stop_all()
        self._inbox.put(_Crash(error))


def optimize_inline(request: CallRequest) -> None:
    """Run a call of ``optimize`` in this process.

    Raises:
        Exception: What the objective or a callback raised.
    """
    storage, study_id, folder = request.storage, request.study_id, request.study_folder
    call = begin_call(storage, study_id, request.n_trials, request.say, study_folder=folder)
    if call.taken_over:
        request.say("going on with an interrupted call of this study")
    assembly = Assembly(
        request.storage, request.study_id, call, request.sampler, request.seed, request.pruner
    )
    shell = InlineShell(request, assembly)
    with OwnedCall(storage, study_id, call.fence, request.say):
        shell.run()
    if request.callback_failure is not None:
        raise request.callback_failure
    if shell.driver.failure is not None and shell.driver.failure.failure is not None:
        raise shell.driver.failure.failure.exception()
