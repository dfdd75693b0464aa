"""What a user asked of ``optimize``, checked and complete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raystudy.frozen import FrozenTrial
from raystudy.logging import log_trial
from raystudy.orchestrator.attempt import Objective
from raystudy.orchestrator.checkpoints import trial_folder
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike
from raystudy.storages.base import Storage

__all__ = ["CallRequest", "check_options"]


@dataclass
class CallRequest:
    """One call of ``optimize``.

    Attributes:
        study: The user's study object, for the objective.
        storage: The storage.
        study_id: The study's id.
        sampler: The sampler.
        seed: Seed of the study.
        pruner: The pruner.
        objective: The objective.
        n_trials: How many trials to add, or None for no limit.
        timeout_s: So many seconds after ``begun`` no trial is begun any more; None for no limit.
        n_jobs: How many attempts run at once, or None for the executor's default.
        catch: Exceptions of the objective that do not end the call.
        callbacks: Called with each finished trial, in commit order, in this process.
        resources: What Ray must give to each trial, e.g. ``{"CPU": 4, "GPU": 1}``.
        study_folder: Path or URL of the study's checkpoints and logs.
        show_progress: Whether to show the progress line.
        say: Called with a line for the user.
        keep_checkpoints: Whose checkpoints are kept: see ``raystudy.orchestrator.keeping.Keep``.
        begun: When the call was made, by ``time.monotonic()``: a driver that replaces a dead one inherits it.
        stop_asked: Set by ``study.stop()``.
        callback_failure: The first exception of a callback; raised once the call has ended.
    """

    study: Any
    storage: Storage
    study_id: int
    sampler: SamplerLike
    seed: int
    pruner: PrunerLike
    objective: Objective
    n_trials: int | None
    timeout_s: float | None
    n_jobs: int | None
    catch: tuple[type[BaseException], ...]
    callbacks: Sequence[Callable[[FrozenTrial], None]]
    resources: Mapping[str, float]
    study_folder: str
    show_progress: bool
    say: Callable[[str], None]
    keep_checkpoints: str = "best"
    begun: float = field(default_factory=time.monotonic)
    stop_asked: threading.Event = field(default_factory=threading.Event)
    callback_failure: Exception | None = None

    def call_back(self, trial: FrozenTrial) -> None:
        """Log a trial and run the callbacks; their first exception asks for a stop, as no trial may be left over."""
        if self.callback_failure is not None:
            return
        log_trial(trial)
        try:
            for callback in self.callbacks:
                callback(trial)
        except Exception as error:  # noqa: BLE001 - the user's callback may raise anything
            self.callback_failure = error
            self.stop_asked.set()

    def time_left(self) -> float | None:
        """Return how long trials may still be begun, in seconds, or None for ever."""
        return None if self.timeout_s is None else max(0.0, self.begun + self.timeout_s - time.monotonic())

    def folder_of(self, number: int) -> str:
        """Return the folder of a trial's checkpoints."""
        return trial_folder(self.study_folder, number)


def check_options(func: object, n_trials: int | None, n_jobs: int | None, timeout: float | None) -> None:
    """Raise TypeError or ValueError for an argument of ``optimize`` that is out of its range."""
    if not callable(func):
        raise TypeError(f"optimize: expected a function of one trial as objective, got {func!r}")
    for name, value, good, expected in (
        ("n_trials", n_trials, _is_count(n_trials, 0), ">= 0"),
        ("n_jobs", n_jobs, n_jobs == -1 or _is_count(n_jobs, 1), ">= 1, -1"),
        ("timeout", timeout, isinstance(timeout, (int, float)) and timeout >= 0, ">= 0 in seconds"),
    ):
        if value is not None and not good:
            raise ValueError(f"optimize: expected {name} {expected} or None, got {value!r}")


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and value >= least
