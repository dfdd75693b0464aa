"""Ray Tune's own schedulers and searcher in virtual time, around a controller that only keeps statuses.

The controller does what ``TuneController`` does with a scheduler's decision, in the same order: a result goes to
the scheduler, then (unless it says STOP) to the searcher; a stopped trial is told to both; a trial that is
stopped while paused is removed from the scheduler and completed in the searcher without a result.  A new trial
is suggested when a worker is free and the scheduler has none to run, as Ray Tune does for a searcher without
``max_concurrent_trials`` (under which its HyperBand does not halve).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.multifidelity.optuna_peer import optuna_space
from benchmarks.multifidelity.problem import MAX_BUDGET, Problem
from benchmarks.multifidelity.race import Job, new_curve

__all__ = ["RayMethod"]

_METRIC = "loss"


class _Trial:
    """What a scheduler looks at in a trial."""

    is_saving = False

    def __init__(self, trial_id: str, job: Job) -> None:
        self.trial_id, self.job = trial_id, job
        self.status = Trial.PENDING
        self.last_result: dict[str, Any] = {}


class RayMethod:
    """``OptunaSearch`` (Optuna's default TPE) with ASHA or HyperBand, ``max_t=81`` and ``reduction_factor=3``."""

    def __init__(self, problem: Problem, seed: int, *, asynchronous: bool) -> None:
        np.random.seed(seed)  # noqa: NPY002 - ASHA draws brackets from the global generator
        kind = AsyncHyperBandScheduler if asynchronous else HyperBandScheduler
        # Any: they are typed for Ray Tune's own controller and trials, which need a cluster.
        self._scheduler: Any = kind(metric=_METRIC, mode="min", max_t=MAX_BUDGET, reduction_factor=3)
        self._searcher: Any = OptunaSearch(optuna_space(problem), metric=_METRIC, mode="min", seed=seed)
        self._problem, self._seed, self._n_trials = problem, seed, 0
        self._live: dict[_Trial, None] = {}

    def next_job(self) -> Job:
        """Return the trial that the scheduler chooses, or a new one."""
        trial = self._scheduler.choose_trial_to_run(self)
        if trial is None:
            self._scheduler.on_trial_add(self, self._suggest())
            trial = self._scheduler.choose_trial_to_run(self)
        trial.status = Trial.RUNNING
        job: Job = trial.job
        return job

    def goes_on(self, job: Job, value: float) -> bool:
        """Have the scheduler decide on a result."""
        trial: _Trial = job.handle
        result = {"training_iteration": job.budget, _METRIC: value}
        decision = self._scheduler.on_trial_result(self, trial, result)
        trial.last_result = result
        if decision == TrialScheduler.STOP:
            self.stop_trial(trial)
            return False
        self._searcher.on_trial_result(trial.trial_id, result)
        if decision == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED
            return False
        return True

    def get_trials(self) -> list[_Trial]:
        """Return the trials that have not ended (for the scheduler)."""
        return list(self._live)

    def stop_trial(self, trial: _Trial) -> None:
        """End a trial (for the scheduler)."""
        if trial.status == Trial.TERMINATED:
            return
        if trial.status == Trial.RUNNING:
            self._scheduler.on_trial_complete(self, trial, trial.last_result)
            self._searcher.on_trial_complete(trial.trial_id, result=trial.last_result)
        else:
            self._scheduler.on_trial_remove(self, trial)
            self._searcher.on_trial_complete(trial.trial_id)
        trial.status = Trial.TERMINATED
        self._live.pop(trial, None)

    def _suggest(self) -> _Trial:
        number, self._n_trials = self._n_trials, self._n_trials + 1
        params = self._searcher.suggest(str(number))
        job = Job(number, new_curve(self._problem, params, self._seed, number))
        trial = job.handle = _Trial(str(number), job)
        self._live[trial] = None
        return trial
