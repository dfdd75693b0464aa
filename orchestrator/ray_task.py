"""The Ray task in which one attempt of a trial runs."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle
import ray
from ray.actor import ActorProxy

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import AttemptLost, CheckpointUnavailable
from raystudy.frozen import Verdict
from raystudy.orchestrator.attempt import Failure, Objective, Outcome, run_attempt
from raystudy.orchestrator.checkpoints import TrialVault, log_file, trial_folder
from raystudy.orchestrator.events import Ending
from raystudy.orchestrator.ray_manager import BracketManager, Facts, HeldReport
from raystudy.orchestrator.remote_study import RemoteStudy
from raystudy.trial import Assignment, News, Proposal

__all__ = ["Asker", "TrialWork", "failed_outcome", "pack", "run_trial"]

#: Longest time that a report waits for company, in seconds.
_HOLD_S = 0.2


class Asker:
    """The methods of the driver that a trial calls (a typed stand-in for its actor)."""

    @ray.method
    def ask_study(self, path: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return an attribute of the study, or the result of a method."""
        raise NotImplementedError

    @ray.method
    def stop(self) -> None:
        """Create no more trials."""
        raise NotImplementedError

    @ray.method
    def suggest(self, number: int, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Draw a parameter that the proposal does not hold."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TrialWork:
    """What is the same for all trials of a call.

    Attributes:
        digest: Names the objective, so that a warm worker need not unpickle it again.
        manager: The desk.
        driver: The driver.
        uses_gpu: Whether the trial has been given a GPU.
    """

    digest: str
    manager: ActorProxy[BracketManager]
    driver: ActorProxy[Asker]
    uses_gpu: bool


@dataclass(slots=True)
class _RemoteLink:
    """A trial's way to the actors.  A report at which anything can be decided is one call."""

    work: TrialWork
    assignment: Assignment
    #: How often this attempt has asked the driver for a parameter, and called the manager.
    driver_calls: int = 0
    manager_calls: int = 0
    #: Reports that wait for company, as (step, value, news), and until when.
    _held: list[HeldReport] = field(default_factory=list)
    _held_until: float = 0.0
    #: Reports below this step are answered by CONTINUE whatever they say, so that they may wait.
    _quiet_below: int = 0

    def suggest(self, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Ask the driver for a parameter that the proposal does not hold."""
        self.driver_calls += 1
        held = [news.params for _, _, news in self._held if news is not None]
        known = {key: pair for each in (*held, params) for key, pair in each.items()}
        with _actors_alive():
            return ray.get(self.work.driver.suggest.remote(self.assignment.number, name, distribution, known))

    def report(self, step: int, value: float, news: News | None, resumable: bool) -> Verdict:
        """Deliver a report to the bracket manager: one call, or none if nothing can depend on it yet."""
        self._held.append((step, value, news))
        if step < self._quiet_below and time.monotonic() < self._held_until:
            return Verdict.CONTINUE
        return self.deliver(resumable)

    def deliver(self, resumable: bool) -> Verdict:
        """Deliver the reports that wait."""
        mine, held = self.assignment, self._held
        self._held = []
        self.manager_calls += 1
        facts: Facts = [mine.number, mine.attempt, mine.bracket, resumable, held]
        with _actors_alive():
            verdict, self._quiet_below = ray.get(self.work.manager.report.remote(facts))
        self._held_until = time.monotonic() + _HOLD_S
        return Verdict(verdict)

    def close(self, resumable: bool) -> None:
        """Deliver what still waits when the attempt has ended."""
        if self._held:
            self.deliver(resumable)

    def study(self) -> RemoteStudy:
        """Return what stands for the study here."""
        return RemoteStudy(self._ask_study)

    def _ask_study(self, path: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        with _actors_alive():
            if tuple(path) == ("stop",):
                return ray.get(self.work.driver.stop.remote())
            return ray.get(self.work.driver.ask_study.remote(path, args, kwargs))

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Leave it to the next report or the end of the attempt."""

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Leave them to the next report or the end of the attempt."""

    def constraints(self, constraints: Mapping[str, float]) -> None:
        """Leave them to the next report or the end of the attempt."""


def run_trial(blob: bytes, packed: bytes, assignment: Assignment, study_folder: str) -> Outcome:
    """Run one attempt and return its outcome, in a form that can travel.

    Args:
        blob: The pickled objective and the exceptions to catch.
        packed: What is the same for all trials, packed by ``pack``.
        assignment: The trial.
        study_folder: The folder of the study's checkpoints and logs.
    """
    work = _unpack(packed)
    if not work.uses_gpu:
        # Ray shows all GPUs of the node to a task that asked for none.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    objective, catch = _load(_Blob(work.digest, blob))
    link = _RemoteLink(work, assignment)
    vault = TrialVault(trial_folder(study_folder, assignment.number), assignment.attempt)
    with _logged(log_file(study_folder, assignment.number)):
        outcome = run_attempt(objective, catch, assignment, link, vault)
    outcome.notes = vault.notes
    link.close(outcome.checkpointed)
    if outcome.failure is not None:
        outcome.failure = outcome.failure.pickled()
    return outcome


@dataclass(frozen=True, slots=True)
class _Blob:
    """A pickled objective, told from others by its digest alone."""

    digest: str
    content: bytes = field(compare=False)


@lru_cache(maxsize=1)
def _load(blob: _Blob) -> tuple[Objective, tuple[type[BaseException], ...]]:
    loaded: tuple[Objective, tuple[type[BaseException], ...]] = cloudpickle.loads(blob.content)
    return loaded


def pack(work: TrialWork) -> bytes:
    """Return the work as bytes, which a warm worker unpacks once: actor handles cost a millisecond each."""
    packed: bytes = cloudpickle.dumps(work)
    return packed


@lru_cache(maxsize=1)
def _unpack(packed: bytes) -> TrialWork:
    work: TrialWork = cloudpickle.loads(packed)
    return work


@contextlib.contextmanager
def _actors_alive() -> Iterator[None]:
    try:
        yield
    except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
        raise AttemptLost("the driver of this trial is gone") from error
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None


class _LogFile(io.TextIOBase):
    """A text file that is made when something is written to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.TextIOWrapper | None = None

    def write(self, text: str) -> int:
        """Append text."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self._file.write(text)

    def flush(self) -> None:
        """Write out what is buffered."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def _logged(path: str | None) -> Iterator[None]:
    """Send what the objective prints to a file, if there is one."""
    if path is None:
        yield
        return
    log = _LogFile(Path(path))
    with contextlib.closing(log), contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        yield
    sys.stdout.flush()


def failed_outcome(assignment: Assignment, error: ray.exceptions.RayError) -> Outcome:
    """Return the outcome of a task that ended outside of the objective: it was killed, or could not be loaded."""
    if not isinstance(error, ray.exceptions.RayTaskError):
        reason = str(error).strip().splitlines()[0]
        return Outcome(assignment.number, assignment.attempt, Ending.LOST, reason=reason)
    cause = error.cause if isinstance(error.cause, BaseException) else error
    reason = f"{type(cause).__name__}: {cause}".splitlines()[0]
    if isinstance(cause, (AttemptLost, CheckpointUnavailable)):
        return Outcome(assignment.number, assignment.attempt, Ending.LOST, reason=reason)
    failure = Failure(cause, str(cause)).pickled()
    return Outcome(assignment.number, assignment.attempt, Ending.FAILED, failure=failure, reason=reason)
