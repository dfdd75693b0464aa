"""The start-up along a Sobol sequence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import qmc

import raystudy
from raystudy.distributions import Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import GPSampler, Sampler, TPESampler, sampler_from_spec
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

X = FloatDistribution(0.0, 1.0)
CUBE: dict[str, Distribution] = {f"x{i}": X for i in range(4)}


def asked_in_a_row(sampler: Sampler, space: dict[str, Distribution], count: int, seed: int) -> np.ndarray:
    """Return the points (count, d) of trials of which none ends."""
    history = History([StudyDirection.MINIMIZE])
    history.seed = seed
    for number in range(count):
        history.asking = number
        params = sampler.propose(space, history, generator(seed, number))
        history.update(number, TrialState.RUNNING, params, space)
    return np.stack([history.column(name) for name in space], axis=1)


def sobol(n_startup_trials: int = 64, **options: bool) -> TPESampler:
    return TPESampler(n_startup_trials=n_startup_trials, startup="sobol", **options)


@pytest.mark.parametrize("multivariate", [True, False])
def test_64_pending_trials_cover_the_space_more_evenly_than_random_ones(multivariate: bool) -> None:
    for seed in range(5):
        points = asked_in_a_row(sobol(multivariate=multivariate), CUBE, 64, seed)
        at_random = asked_in_a_row(TPESampler(n_startup_trials=64), CUBE, 64, seed)
        assert len(np.unique(points, axis=0)) == 64
        assert qmc.discrepancy(points) < 0.5 * qmc.discrepancy(at_random)
        cells = {tuple(cell) for cell in np.floor(8 * points[:, :2]).tolist()}
        assert len(cells) == 64  # random points leave a third of these cells empty


def test_a_finite_space_is_not_proposed_twice_while_candidates_are_left() -> None:
    space: dict[str, Distribution] = {"i": IntDistribution(0, 7), "j": IntDistribution(0, 2)}
    points = asked_in_a_row(sobol(), space, 24, 0)
    assert len(np.unique(points, axis=0)) == 24


def branching(trial: raystudy.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["a", "b"])
    value = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    return value + (trial.suggest_float("u", 0.0, 1.0) if kind == "a" else trial.suggest_float("v", 0.0, 1.0))


@pytest.mark.parametrize(
    "make", [sobol, lambda n: GPSampler(independent_sampler=sobol(n), n_startup_trials=n)]
)
def test_one_worker_and_eight_begin_with_the_same_points(make) -> None:
    """A point belongs to its trial's number, whatever runs beside it."""

    def objective(trial: raystudy.Trial) -> float:
        return trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1)

    runs = []
    for n_jobs in (1, 8):
        sampler = make(33)
        sampler.seed = 4
        study = raystudy.create_study(sampler=sampler)
        for n_trials, at_once in ((1, 1), (31, n_jobs)):
            study.optimize(objective, n_trials, executor="inline", n_jobs=at_once, show_progress_bar=False)
        runs.append(sorted((t.number, t.params["x"], t.params["y"]) for t in study.trials))
    points = np.array([[x, y] for _, x, y in runs[0]])
    assert qmc.discrepancy(points) < 0.01  # of random points: 0.02
    assert runs[0] == runs[1]


def test_parameters_of_branches_are_covered_evenly() -> None:
    study = raystudy.create_study(sampler=sobol(65))
    study.optimize(branching, 64, executor="inline", show_progress_bar=False)
    kinds = [trial.params["kind"] for trial in study.trials]
    assert 24 <= kinds.count("a") <= 40
    for name, scaled in (("lr", lambda v: math.log10(v) / 4 + 1), ("u", float), ("v", float)):
        values = np.sort([scaled(t.params[name]) for t in study.trials if name in t.params])
        assert np.abs(values - (np.arange(len(values)) + 0.5) / len(values)).max() < 0.12


def test_it_is_stored_with_the_study_and_refused_if_unknown() -> None:
    assert sampler_from_spec(sobol(5).spec()) == sobol(5)
    with pytest.raises(ValueError, match="startup needs one of"):
        TPESampler(startup="halton")


def test_the_sequence_leaves_out_most_of_where_trials_fail() -> None:
    history = History([StudyDirection.MINIMIZE])
    for number in range(60):
        x = number / 60
        if x < 0.4:
            history.update(number, TrialState.FAIL, {"x": x}, {"x": X})
        else:
            history.update(number, TrialState.COMPLETE, {"x": x}, {"x": X}, [x])
    drawn = []
    for number in range(60, 160):
        history.asking = number
        drawn.append(sobol(1000).propose({"x": X}, history, generator(0, number))["x"])
    assert np.mean([x < 0.4 for x in drawn]) < 0.1
