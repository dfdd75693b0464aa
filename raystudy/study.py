"""A study: what users optimise, ask and read.  No algorithm lives here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from raystudy.distributions import ParamValue
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.asking import AskDesk
from raystudy.orchestrator.attempt import Objective
from raystudy.orchestrator.executors import optimize
from raystudy.orchestrator.homes import study_home
from raystudy.orchestrator.progress import ProgressLine
from raystudy.orchestrator.request import CallRequest, check_options
from raystudy.orchestrator.settings import remember_settings
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.base import Sampler
from raystudy.storages import fail_stale_trials
from raystudy.storages.base import CreateTrial, Storage
from raystudy.study_reading import StudyReader
from raystudy.trial import Trial

__all__ = ["Study"]

Callback = Callable[["Study", FrozenTrial], None]


class Study(StudyReader):
    """A study: a storage's trials, with a sampler and a pruner.  Made by ``create_study`` or ``load_study``.

    Attributes:
        sampler: What proposes parameters.
        pruner: What stops trials.
        study_name: Name of the study.
        directions: One direction per objective.
    """

    def __init__(
        self, storage: Storage, study_id: int, sampler: Sampler | None, pruner: PrunerLike | None
    ) -> None:
        super().__init__(storage, study_id, sampler, pruner)
        self._ask_desk: AskDesk | None = None
        self._stop_asked: threading.Event | None = None

    # ---- optimise ----------------------------------------------------------------------------------

    def optimize(
        self,
        func: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int | None = None,
        catch: Iterable[type[BaseException]] | type[BaseException] = (),
        callbacks: Iterable[Callback] | None = None,
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
            storage=self._storage,
            study_id=self._study_id,
            sampler=self.sampler,
            seed=remember_settings(self._storage, self._study_id, self.sampler, self.pruner, line.say),
            pruner=self.pruner,
            objective=func,
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

    def ask(self, *, resume: bool = False) -> Trial:
        """Return a new running trial, or the oldest enqueued one; give its result to ``tell``.

        Args:
            resume: Rather hand out a parked trial that was promoted, if there is one: under the same number and
                with the same parameters.  ``trial.resume_step`` and ``trial.load_checkpoint()`` say where it goes on.
        """
        return self._asking().ask(resume=resume)

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

    def enqueue_trial(
        self, params: Mapping[str, ParamValue], user_attrs: Mapping[str, Any] | None = None
    ) -> None:
        """Have a trial with these parameters run before any new one; parameters left out are sampled."""
        write = CreateTrial(
            None,
            TrialState.WAITING,
            None,
            user_attrs=user_attrs or {},
            system_attrs={"fixed_params": dict(params)},
        )
        self._storage.commit(self._study_id, [write])

    def add_trial(self, trial: FrozenTrial) -> None:
        """Add a trial made by ``create_trial``; it gets the next number.

        Raises:
            ValueError: If it has not one value per objective.
        """
        if trial.values is not None and len(trial.values) != len(self.directions):
            raise ValueError(
                f"add_trial: expected one value per objective, {len(self.directions)}, got {trial.values}"
            )
        write = CreateTrial(
            number=None,
            state=trial.state,
            datetime_start=trial.datetime_start,
            params={name: (value, trial.distributions[name]) for name, value in trial.params.items()},
            user_attrs=trial.user_attrs,
            system_attrs=trial.system_attrs,
            values=trial.values,
            intermediate_values=trial.intermediate_values,
            datetime_complete=trial.datetime_complete,
        )
        self._storage.commit(self._study_id, [write])

    def set_user_attr(self, key: str, value: Any) -> None:
        """Attach a JSON-serialisable value to the study."""
        self._storage.set_study_attrs(self._study_id, {key: value}, {})

    # ---- helpers -----------------------------------------------------------------------------------

    def _asking(self) -> AskDesk:
        desk = self._ask_desk
        if desk is None or desk.sampler is not self.sampler or desk.pruner is not self.pruner:
            say = ProgressLine().say
            seed = remember_settings(self._storage, self._study_id, self.sampler, self.pruner, say)
            folder = study_home(self._storage, self._study_id, None)
            desk = AskDesk(self._storage, self._study_id, self.sampler, seed, self.pruner, folder)
            self._ask_desk = desk
        return desk
