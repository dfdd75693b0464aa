"""The fronts that genetic samplers find: ahead of random search, and level with Optuna's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.samplers import NSGAIIISampler, NSGAIISampler, RandomSampler
from raystudy.samplers.pareto import hypervolume

optuna.logging.set_verbosity(optuna.logging.WARNING)


def zdt1(x: list[float]) -> list[float]:
    """Zitzler, Deb and Thiele (2000): the front is where all but the first parameter are 0."""
    g = 1.0 + 9.0 * sum(x[1:]) / len(x[1:])
    return [x[0], g * (1.0 - math.sqrt(x[0] / g))]


def ran(library: Any, sampler: Any, n_trials: int) -> np.ndarray:
    """Return the values of a study with eight parameters."""

    def objective(trial: Any) -> list[float]:
        return zdt1([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(8)])

    study = library.create_study(directions=["minimize", "minimize"], sampler=sampler)
    options = {} if library is optuna else {"executor": "inline", "show_progress_bar": False}
    study.optimize(objective, n_trials=n_trials, **options)
    return np.array([trial.values for trial in study.trials])


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_they_cover_more_than_random_search_and_about_as_much_as_optunas() -> None:
    reference, seeds = np.array([1.1, 6.0]), range(4)

    def volumes(library: Any, kind: Any, **options: Any) -> np.ndarray:
        return np.array([hypervolume(ran(library, kind(seed=s, **options), 250), reference) for s in seeds])

    by_chance = volumes(raystudy, RandomSampler)
    for kind in (NSGAIISampler, NSGAIIISampler):
        ours = volumes(raystudy, kind, population_size=20)
        theirs = volumes(optuna, getattr(optuna.samplers, kind.__name__), population_size=20)
        assert (ours > by_chance + 0.5).all(), kind
        assert ours.mean() > theirs.mean() - 0.2, kind
