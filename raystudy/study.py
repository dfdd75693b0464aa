"""A study: what users optimise, ask and read.  No algorithm lives here."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from raystudy.distributions import Distribution
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.asking import AskDesk
from raystudy.orchestrator.attempt import CollectGarbage, Objective
from raystudy.orchestrator.executors import optimize
from raystudy.orchestrator.homes import study_home
from raystudy.orchestrator.progress import ProgressLine
from raystudy.orchestrator.request import CallRequest, check_options
from raystudy.orchestrator.settings import remember_settings
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike
from raystudy.storages import fail_stale_trials
from raystudy.storages.base import Storage
from raystudy.study_adding import StudyWriter
from raystudy.trial import Trial

__all__ = ["Study", "StudyDirection"]

#: Names that Optuna has in this module, and the modules where they are: those import this one.
_HOMES = {
    "MaxTrialsCallback": "callbacks",
    "StudySummary": "studies",
    "copy_study": "studies",
    "create_study": "opening",
    "delete_study": "opening",
    "get_all_study_names": "opening",
    "get_all_study_summaries": "studies",
    "load_study": "opening",
}

Callback = Callable[["Study", FrozenTrial], None]


class Study(StudyWriter):
    """A study: a storage's trials, with a sampler and a pruner.  Made by ``create_study`` or ``load_study``.

    Attributes:
        sampler: What proposes parameters.
        pruner: What stops trials.
        study_name: Name of the study.
        directions: One direction per objective.
    """

    def __init__(
        self, storage: Storage, study_id: int, sampler: SamplerLike | None, pruner: PrunerLike | None
    ) -> None:
        super().__init__(storage, study_id, sampler, pruner)
        self._ask_desk: AskDesk | None = None
        self._stop_asked: threading.Event | None = None

    def __getstate__(self) -> dict[str, Any]:
        # What is under way stays in the process where it is.
        return {**self.__dict__, "_ask_desk": None, "_stop_asked": None}

    # ---- optimise ----------------------------------------------------------------------------------

    def optimize(
        self,
        func: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int | None = None,
        catch: Iterable[type[BaseException]] | type[BaseException] = (),
        callbacks: Iterable[Callback] | None = None,
        gc_after_trial: bool = False,
        show_progress_bar: bool = True,
        *,
        executor: str = "auto",
        resources: Mapping[str, float] | None = None,
        storage_path: str | None = None,
        keep_checkpoints: str = "best",
    ) -> None:
        """Run trials until the call has added ``n_trials``, whatever dies meanwhile.

        Args:
            func: The objective: takes a trial, returns a number (or one per objective).
            n_trials: How many trials this call adds, or None for no limit.
            timeout: After so many seconds no trial is begun, however often the driver was replaced meanwhile.
            n_jobs: How many trials run at once; default: 1 in process, all that the cluster can run under Ray.
            catch: Exceptions of the objective after which the call goes on.
            callbacks: Called here with (study, trial) for each finished trial, in commit order.
            gc_after_trial: Whether the process that has run a trial collects garbage after it.
            show_progress_bar: Whether to show the progress line.
            executor: "inline" (this process), "ray", or "auto": Ray if it is initialised, ``RAY_ADDRESS`` is
                set or ``resources`` are given, else this process.
            resources: What Ray must give to each trial, e.g. ``{"CPU": 4, "GPU": 1}``.
            storage_path: Path or URL for checkpoints and logs that all nodes can write
                (default: ``$RAYSTUDY_HOME``, else ``~/raystudy``).
            keep_checkpoints: Whose last checkpoint is kept once a trial has finished: "best" (COMPLETE trial of this
                call), "complete", "all" or "none".

        Raises:
            RuntimeError: If the study is being optimised already by this object.
            StudyDeleted: If another program deletes the study meanwhile.
            ValueError: If an option is out of its range.
            Exception: What the objective raised, unless it is to be caught.
        """
        if self._stop_asked is not None:
            raise RuntimeError("study.optimize is running already; it cannot be called from within itself")
        check_options(func, n_trials, n_jobs, timeout)
        fail_stale_trials(self)
        line = ProgressLine(enabled=True)
        request = CallRequest(
            study=self,
            storage=self._storage,
            study_id=self._study_id,
            sampler=self.sampler,
            seed=remember_settings(self._storage, self._study_id, self.sampler, self.pruner, line.say),
            pruner=self.pruner,
            objective=CollectGarbage(func) if gc_after_trial else func,
            n_trials=n_trials,
            timeout_s=timeout,
            n_jobs=n_jobs,
            catch=(catch,) if isinstance(catch, type) else tuple(catch),
            callbacks=[lambda trial, c=c: c(self, trial) for c in callbacks or ()],  # type: ignore[misc]
            resources=dict(resources or {}),
            study_folder=study_home(self._storage, self._study_id, storage_path),
            keep_checkpoints=keep_checkpoints,
            show_progress=show_progress_bar,
            say=line.say,
        )
        self._stop_asked = request.stop_asked
        try:
            optimize(request, executor)
        finally:
            self._stop_asked = None

    def stop(self) -> None:
        """Begin no more trials; running ones finish.  For callbacks and objectives in this process.

        Raises:
            RuntimeError: If the study is not being optimised.
        """
        if self._stop_asked is None:
            raise RuntimeError("study.stop() works while study.optimize runs: call it from a callback")
        self._stop_asked.set()

    # ---- ask and tell ------------------------------------------------------------------------------

    def ask(
        self, fixed_distributions: Mapping[str, Distribution] | None = None, *, resume: bool = False
    ) -> Trial:
        """Return a new running trial, or the oldest enqueued one; give its result to ``tell``.

        Args:
            fixed_distributions: Parameters to suggest at once, by name; they are then in ``trial.params``.
            resume: Rather hand out a parked trial that was promoted, if there is one: under the same number and
                with the same parameters.  ``trial.resume_step`` and ``trial.load_checkpoint()`` say where it goes on.
        """
        trial = self._asking().ask(resume=resume)
        for name, distribution in (fixed_distributions or {}).items():
            trial.suggest(name, distribution)
        return trial

    def park(self, trial: Trial) -> FrozenTrial:
        """Let a trial from ``ask`` wait at its checkpoint, and return it as it is stored: RUNNING.

        That is what ``trial.verdict`` PAUSE asks for.  The trial goes on when the pruner promotes it, or at once if
        its verdict is CONTINUE: then ``ask(resume=True)`` hands it out again, here or in another process later.

        Raises:
            ValueError: If it is not running, was stopped for good, or has no checkpoint of its last report.
        """
        return self._asking().park(trial)

    def close(self) -> None:
        """End all parked trials: they become PRUNED.  The study may be asked again later."""
        self._asking().close()

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | None = None,
        state: TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """Finish a trial from ``ask``.

        Args:
            trial: The trial or its number.
            values: The objective value, or one per objective.
            state: COMPLETE, PRUNED or FAIL; default: COMPLETE, or FAIL if the values are no numbers.
            skip_if_finished: Return a finished trial as it is instead of raising.

        Raises:
            ValueError: If there is no such running trial, or state and values contradict each other.
        """
        number = trial if isinstance(trial, int) else trial.number
        return self._asking().tell(number, values, state, skip_if_finished)

    # ---- helpers -----------------------------------------------------------------------------------

    def _asking(self) -> AskDesk:
        desk = self._ask_desk
        if desk is None or desk.sampler is not self.sampler or desk.pruner is not self.pruner:
            say = ProgressLine().say
            seed = remember_settings(self._storage, self._study_id, self.sampler, self.pruner, say)
            folder = study_home(self._storage, self._study_id, None)
            desk = AskDesk(self, self._storage, self._study_id, seed, folder)
            self._ask_desk = desk
        return desk


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"raystudy.{_HOMES[name]}"), name)
