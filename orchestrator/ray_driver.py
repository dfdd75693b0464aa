"""The ``StudyDriver`` actor: the Ray shell of the driver.

One event loop: the call runs as a coroutine, and so does every attempt that it waits for.  The shell decides
nothing; it launches tasks, and tells the driver what came of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import ray
from ray.actor import ActorClass, ActorProxy

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import StudyError
from raystudy.frozen import FrozenTrial
from raystudy.orchestrator.assembly import Assembly
from raystudy.orchestrator.attempt import Failure, Outcome
from raystudy.orchestrator.calls import OwnedCall, begin_call
from raystudy.orchestrator.driver import Driver
from raystudy.orchestrator.events import CloseIntake
from raystudy.orchestrator.keeping import keep_of
from raystudy.orchestrator.lookout import LookAround, cause_of, look
from raystudy.orchestrator.orders import LearnTrials, StopTrial
from raystudy.orchestrator.ray_cluster import capacity, task_options
from raystudy.orchestrator.ray_desk import DeskLine
from raystudy.orchestrator.ray_manager import BracketManager
from raystudy.orchestrator.ray_messages import RayCall, Update
from raystudy.orchestrator.ray_task import Asker, TrialWork, failed_outcome, pack, run_trial
from raystudy.orchestrator.remote_study import answer
from raystudy.orchestrator.sweeping import Sweeper
from raystudy.orchestrator.writer import Outage, Writer, WriterFailed, WriterWord, new_writer
from raystudy.trial import Assignment, Proposal

__all__ = ["StudyDriver", "StudyDriverActor"]

#: Time between two looks at the clock, in seconds.
_TICK_S = 0.05
#: How long an update waits for company: trials of milliseconds end by the dozen.
_GATHER_S = 0.05
_POLL_EVERY_S = 1.0
_COUNT_SLOTS_EVERY_S = 2.0


class StudyDriver:
    """Runs one call.

    Args:
        call: What was asked.
        manager: The bracket manager, not yet opened.
    """

    def __init__(self, call: RayCall, manager: ActorProxy[BracketManager]) -> None:
        self._call = call
        self._deadline = None if call.timeout_s is None else time.monotonic() + call.timeout_s
        self._manager = manager
        self._task = ray.remote(max_retries=0, **task_options(call.resources).fixed)(run_trial)
        self._options = task_options(call.resources).per_call
        self._update = Update()
        self._changed = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._broken: asyncio.Future[None] | None = None
        self._driver: Driver | None = None
        self._desk: DeskLine | None = None
        self._writer: Writer | None = None
        self._assembly: Assembly | None = None
        self._stop_asked = False

    @ray.method
    async def run(self, me: ActorProxy[StudyDriver]) -> None:
        """Run the call to its end; errors are part of the last update."""
        try:
            await self._run(me)
        except ray.exceptions.RayActorError:
            await self._give_up_lease()
            self._update.lost = True
        except Exception as error:  # noqa: BLE001 - the shell's last line: the user's process must hear of it
            self._update.failure = Failure(error, str(error)).pickled()
        self._update.end(self._call.sampler)
        self._changed.set()

    @ray.method
    async def updates(self) -> Update:
        """Return what has happened, soon after something has, or after a quarter of a second."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), 0.25)
        if not self._update.ended:
            await asyncio.sleep(_GATHER_S)
        self._changed.clear()
        update, self._update = self._update, Update()
        if self._driver is not None and self._writer is not None:
            self._driver.progress.outage_s = self._writer.outage_s()
            update.progress = self._driver.progress
        return update

    @ray.method
    async def suggest(self, number: int, name: str, distribution: Distribution, news: Proposal) -> ParamValue:
        """Draw a parameter that a trial's proposal does not hold; ``news`` are those since its last report."""
        return self._begun.listener.suggest(number, name, distribution, news)

    @ray.method
    async def ask_study(self, path: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Answer an objective's question to its study."""
        return await asyncio.to_thread(answer, self._call.study, path, args, kwargs)

    @ray.method
    async def stop(self) -> None:
        """Create no more trials; running ones finish."""
        self._stop_asked = True
        if self._driver is not None:
            self._driver.stop(interrupt=False)
            self._obey()

    @ray.method
    async def abandon(self) -> str | None:
        """Store or save what is left and give up the lease, so that the next call can go on from here at once."""
        note = None if self._writer is None else await asyncio.to_thread(self._writer.close)
        await self._give_up_lease()
        return note

    async def _give_up_lease(self) -> None:
        if self._assembly is not None:
            fence = self._assembly.call.fence
            with contextlib.suppress(StudyError):  # then the lease runs out by itself
                await asyncio.to_thread(self._call.storage.renew_call, self._call.study_id, fence, 0.0)

    # ---- the call ----------------------------------------------------------------------------------

    @property
    def _begun(self) -> Driver:
        if self._driver is None:
            raise RuntimeError("the driver has not begun yet")
        return self._driver

    @property
    def _line(self) -> DeskLine:
        if self._desk is None:
            raise RuntimeError("the driver has not begun yet")
        return self._desk

    async def _run(self, me: ActorProxy[StudyDriver]) -> None:
        call, loop = self._call, asyncio.get_running_loop()
        self._broken = loop.create_future()
        begin = partial(begin_call, study_folder=call.study_folder)
        owned = await asyncio.to_thread(begin, call.storage, call.study_id, call.n_trials, self._say)
        if owned.taken_over:
            self._say("going on with an interrupted call of this study")
        parts = (call.storage, call.study_id, owned, call.sampler, call.seed, call.pruner)
        self._assembly = assembly = await asyncio.to_thread(Assembly, *parts)
        news = await self._manager.open.remote(call.pruner, assembly.study, assembly.past)

        def deliver(message: WriterWord) -> None:  # from the writer's thread
            loop.call_soon_threadsafe(self._on_word, message)

        folder = call.study_folder
        self._writer = writer = new_writer(call.storage, call.study_id, owned.fence, deliver, folder)
        sweeper = Sweeper(folder, keep_of(call.keep_checkpoints), assembly, self._say)
        slots = await asyncio.to_thread(self._slots)
        self._driver = driver = assembly.driver(writer, slots, partial(self._on_finished, sweeper), self._say)
        self._desk = desk = DeskLine(self._manager, driver)
        asker, uses_gpu = cast(ActorProxy[Asker], me), call.resources.get("GPU", 0) > 0
        self._work = pack(TrialWork(call.digest, self._manager, asker, uses_gpu))
        driver.take_news(news)
        driver.start()
        if self._stop_asked:
            driver.stop(interrupt=False)
        self._obey()
        try:
            await self._keep_watch(driver, desk)
        finally:
            if note := await asyncio.to_thread(writer.close):
                self._say(note)
            await asyncio.to_thread(sweeper.close)
        await asyncio.to_thread(OwnedCall(call.storage, call.study_id, owned.fence, self._say).end)
        failed = driver.failure
        self._update.failure = failed.failure.pickled() if failed and failed.failure else None

    async def _keep_watch(self, driver: Driver, desk: DeskLine) -> None:
        """Fetch reports, look at other programs and at the cluster, until the call has ended."""
        begun, deadline = time.monotonic(), self._deadline
        next_poll, next_count = begun + _POLL_EVERY_S, begun + _COUNT_SLOTS_EVERY_S
        while not driver.ended:
            await self._wait_a_little()
            await desk.fetch()
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                deadline = None
                driver.stop(interrupt=True)
            if now >= next_poll:
                next_poll = now + _POLL_EVERY_S
                driver.poll()
            if now >= next_count:
                next_count = now + _COUNT_SLOTS_EVERY_S
                driver.set_slots(await asyncio.to_thread(self._slots))
            self._obey()
            driver.headroom.use()

    async def _wait_a_little(self) -> None:
        if self._broken is None:
            raise RuntimeError("the call has not begun")
        done, _ = await asyncio.wait([self._broken], timeout=_TICK_S)
        if done:
            self._broken.result()

    def _slots(self) -> int:
        fitting = max(1, capacity(self._call.resources))
        return fitting if self._call.n_jobs in (None, -1) else min(fitting, self._call.n_jobs or 1)

    def _on_word(self, message: WriterWord) -> None:
        match message:
            case WriterFailed(error):
                self._spawn(self._break_with_cause(error))
            case Outage():
                self._say(message.message)
            case _:
                try:
                    self._begun.acknowledge(message)
                    self._obey()
                except StudyError as error:
                    self._break(error)  # the event loop would only log it

    def _on_finished(self, sweeper: Sweeper, trial: FrozenTrial) -> None:
        sweeper.finished(trial)
        self._update.finished.append(trial)
        self._changed.set()

    def _say(self, message: str) -> None:
        self._update.notes.append(message)
        self._changed.set()

    async def _break_with_cause(self, error: Exception) -> None:
        if self._assembly is not None:
            error = await asyncio.to_thread(cause_of, error, self._call.storage, self._assembly.study)
        self._break(error)

    def _break(self, error: BaseException) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    def _obey(self) -> None:
        while self._begun.orders:
            order = self._begun.orders.popleft()
            if isinstance(order, Assignment):
                self._spawn(self._attempt(order))
            elif isinstance(order, CloseIntake):
                self._spawn(self._close_intake())
            else:
                self._line.stop_all()
        self._run_errands()

    def _run_errands(self) -> None:
        while self._begun.errands:
            errand = self._begun.errands.popleft()
            if isinstance(errand, StopTrial):
                self._line.abandon(errand)
            elif isinstance(errand, LearnTrials):
                self._line.learn(errand)
            else:
                self._spawn(self._look(errand))

    async def _look(self, order: LookAround) -> None:
        if self._assembly is None:
            raise RuntimeError("the call has not begun")
        findings = await asyncio.to_thread(look, self._call.storage, self._assembly.study, order)
        self._begun.take_findings(findings)
        self._obey()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._attempts.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break(error)

    async def _attempt(self, assignment: Assignment) -> None:
        if assignment.bracket is not None:
            self._line.enrol(assignment.number, assignment.bracket)
        try:
            outcome: Outcome = await self._task.options(
                name=f"trial-{assignment.number}", **self._options
            ).remote(self._call.objective[0], self._work, assignment, self._call.study_folder)
        except ray.exceptions.RayError as error:
            outcome = failed_outcome(assignment, error)
        await self._line.hand_in(outcome)
        self._obey()

    async def _close_intake(self) -> None:
        await self._line.close_intake()
        self._obey()


StudyDriverActor: ActorClass[StudyDriver] = ray.remote(StudyDriver)
