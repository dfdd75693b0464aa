from __future__ import annotations

import warnings
from typing import Any

import pytest

import raystudy
from raystudy.samplers import MOTPESampler, TPESampler, sampler_from_spec


def objective(trial: Any) -> tuple[float, float]:
    x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_int("y", 0, 9)
    return x + y, (1.0 - x) * (10 - y)


def search(sampler: TPESampler) -> list[Any]:
    study = raystudy.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=16, executor="inline", show_progress_bar=False)
    return [trial.params for trial in study.trials]


def test_the_old_name_searches_as_tpe_does_and_says_so() -> None:
    with pytest.warns(FutureWarning, match="TPESampler searches for several objectives") as caught:
        old = MOTPESampler(n_startup_trials=5, n_ehvi_candidates=12, seed=3)
    assert len(caught) == 1
    assert search(old) == search(TPESampler(n_startup_trials=5, n_ei_candidates=12, seed=3))
    assert sampler_from_spec(old.spec()) == TPESampler(n_startup_trials=5, n_ei_candidates=12, seed=3)


def test_the_old_arguments_mean_what_they_meant() -> None:
    arguments: dict[str, Any] = {
        **{"prior_weight": 2.0, "consider_magic_clip": False, "consider_endpoints": True},
        **{"gamma": lambda n: 2, "seed": 1},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        old = MOTPESampler(consider_prior=False, weights_above=lambda n: [1.0] * n, **arguments)
        new = TPESampler(weights=lambda n: [1.0] * n, **arguments)
    assert search(old) == search(new)
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="n_ei_candidates >= 1"):
        MOTPESampler(n_ehvi_candidates=0)
