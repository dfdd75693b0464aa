"""Samplers of finite spaces on a real local Ray: nothing twice, nothing left out, and an end."""

import itertools
from collections import Counter

import pytest

import raystudy
from raystudy.samplers import BruteForceSampler, GridSampler

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]


def on_the_grid(trial):
    x = trial.suggest_float("x", 0, 10)
    return x * trial.suggest_int("n", 1, 9) + (trial.suggest_categorical("kind", ["a", "b"]) == "a")


def test_two_workers_try_each_combination_once_and_the_call_ends() -> None:
    grid: dict[str, list] = {"x": [0.5, 2.5], "n": [1, 9], "kind": ["a", "b"]}
    study = raystudy.create_study(sampler=GridSampler(grid))
    study.optimize(on_the_grid, n_trials=3, executor="ray", n_jobs=2)
    study.optimize(on_the_grid, n_trials=50, executor="ray", n_jobs=2)
    tried = Counter((t.params["x"], t.params["n"], t.params["kind"]) for t in study.trials)
    assert tried == Counter(itertools.product(*grid.values()))


def with_branches(trial):
    if trial.suggest_categorical("kind", ["a", "b", "c"]) == "a":
        return trial.suggest_float("x", 0, 1, step=0.25)
    low = trial.suggest_int("low", 0, 2)
    return low + trial.suggest_int("high", low, 2)


def test_two_workers_try_each_branch_once_and_the_call_ends() -> None:
    study = raystudy.create_study(sampler=BruteForceSampler(seed=1))
    study.optimize(with_branches, n_trials=3, executor="ray", n_jobs=2)
    study.optimize(with_branches, executor="ray", n_jobs=2)
    assert len(study.trials) == len({str(sorted(t.params.items())) for t in study.trials}) == 5 + 2 * 6
