"""Optuna's own study, sampler and pruner in virtual time."""

from __future__ import annotations

import warnings

import optuna

from benchmarks.multifidelity.problem import MAX_BUDGET, Problem
from benchmarks.multifidelity.race import Job, new_curve
from raystudy.distributions import distribution_to_json

__all__ = ["OptunaMethod", "optuna_space"]

#: Optuna's trial, kept by each job.
OptunaSpace = dict[str, optuna.distributions.BaseDistribution]


def optuna_space(problem: Problem) -> OptunaSpace:
    """Return the space of a problem in Optuna's classes."""
    return {
        name: optuna.distributions.json_to_distribution(distribution_to_json(distribution))
        for name, distribution in problem.space.items()
    }


class OptunaMethod:
    """A study with the default ``TPESampler``, and with ``HyperbandPruner(1, 81, 3)`` or without pruning.

    A worker asks, reports after each epoch, and tells; what is pruned never comes back.
    """

    def __init__(self, problem: Problem, seed: int, *, prune: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruner = optuna.pruners.HyperbandPruner(1, MAX_BUDGET, 3) if prune else optuna.pruners.NopPruner()
        # Hyperband hashes the study's name into the trials' brackets: a random one would make it irreproducible.
        self._study = optuna.create_study(
            study_name=f"{problem.name}-{seed}", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner
        )
        self._study.set_user_attr("problem", problem.name)
        self._problem, self._seed, self._space = problem, seed, optuna_space(problem)

    def next_job(self) -> Job:
        """Ask for a new trial."""
        trial = self._study.ask(self._space)
        return Job(trial.number, new_curve(self._problem, trial.params, self._seed, trial.number), trial)

    def goes_on(self, job: Job, value: float) -> bool:
        """Report, and ask whether to prune."""
        trial: optuna.Trial = job.handle
        trial.report(value, job.budget)
        if job.budget == MAX_BUDGET:
            self._study.tell(trial, value)
            return False
        if trial.should_prune():
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return False
        return True
