"""Some parameters fixed, the others drawn by another sampler."""

from collections import Counter

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.distributions import FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import (
    BruteForceSampler,
    GridSampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
    sampler_from_spec,
)


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        x += trial.suggest_int("depth", 1, 9)
    return x


def finite(trial):
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return trial.suggest_float("x", 0, 1, step=0.25) + trial.suggest_int("n", 1, 3)
    return trial.suggest_float("x", 0, 1, step=0.25) + trial.suggest_int("m", 1, 4)


def search(sampler, objective=objective, study=None, **options):
    study = study or raystudy.create_study(sampler=sampler)
    study.optimize(objective, executor="inline", show_progress_bar=False, **options)
    return study


def points(study):
    return Counter(tuple(sorted(t.params.items())) for t in study.trials)


@pytest.mark.parametrize(
    "base",
    [
        RandomSampler(seed=1),
        TPESampler(seed=1, n_startup_trials=4),
        QMCSampler(seed=1, scramble=True, warn_independent_sampling=False),
    ],
)
@pytest.mark.parametrize("n_jobs", [1, 4])
def test_fixed_values_hold_in_all_trials_and_the_others_vary(base, n_jobs: int) -> None:
    study = search(PartialFixedSampler({"kind": "a", "x": 0.25}, base), n_trials=20, n_jobs=n_jobs)
    assert {(t.params["kind"], t.params["x"]) for t in study.trials} == {("a", 0.25)}
    assert len({t.params["depth"] for t in study.trials}) > 3


def test_free_parameters_are_drawn_as_by_the_base_sampler_alone() -> None:
    fixed = search(PartialFixedSampler({"x": 0.5}, RandomSampler(seed=4)), n_trials=12)
    free = search(RandomSampler(seed=4), n_trials=12)
    assert [t.params | {"x": 0.5} for t in free.trials] == [t.params for t in fixed.trials]


def test_joint_proposals_of_tpe_leave_the_fixed_parameter_out() -> None:
    sampler = PartialFixedSampler({"x": 0.5}, TPESampler(seed=4))
    proposer = Proposer(sampler, [StudyDirection.MINIMIZE], 4)
    space = {"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1), "n": IntDistribution(0, 10**6)}
    for number in range(20):
        params = {"x": number / 20, "y": number / 20, "n": number}
        proposer.history.update(number, TrialState.COMPLETE, params, space, [float(number)])
    assert sampler.joint_space(proposer.history).keys() == {"y", "n"}
    drawn = [proposer.propose(number) for number in range(20, 120)]  # all pending
    assert {each["x"][0] for each in drawn} == {0.5}
    assert len({each["n"][0] for each in drawn}) > 90


def test_constraints_of_the_base_sampler_are_minded() -> None:
    with pytest.warns(FutureWarning):
        base = TPESampler(seed=1, constraints_func=lambda trial: [0.5 - trial.params["y"]])
    fixed = PartialFixedSampler({"x": 0.0}, base)
    study = search(fixed, lambda t: t.suggest_float("x", 0, 1) + t.suggest_float("y", 0, 1), n_trials=20)
    assert study.best_params["y"] >= 0.5 > min(t.params["y"] for t in study.trials)


def test_study_goes_on_with_a_value_fixed_and_is_restored_with_it(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    study = raystudy.create_study(storage=url, study_name="s", sampler=TPESampler(seed=3, n_startup_trials=4))
    search(None, study=study, n_trials=5)
    study.sampler = PartialFixedSampler({"x": 0.125}, study.sampler)
    search(None, study=study, n_trials=4)
    again = raystudy.load_study(study_name="s", storage=url)
    assert again.sampler == study.sampler
    search(None, study=again, n_trials=6)
    assert {t.params["x"] for t in again.trials[5:]} == {0.125}
    whole = search(TPESampler(seed=3, n_startup_trials=4), n_trials=5)
    whole.sampler = PartialFixedSampler({"x": 0.125}, whole.sampler)
    search(None, study=whole, n_trials=10)
    assert [t.params for t in whole.trials] == [t.params for t in again.trials]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_grid_and_brute_force_visit_what_has_the_fixed_value_and_end(n_jobs: int) -> None:
    grid = GridSampler({"kind": ["a", "b"], "x": [0.0, 0.25, 1.0], "n": [1, 2], "m": [4]})
    study = search(PartialFixedSampler({"kind": "a", "m": 4}, grid), finite, n_jobs=n_jobs)
    expected = Counter((("kind", "a"), ("n", n), ("x", x)) for n in (1, 2) for x in (0.0, 0.25, 1.0))
    assert points(study) == expected
    for name, value, size in (("kind", "b", 20), ("x", 0.25, 7), ("n", 3, 5 + 20)):
        study = search(PartialFixedSampler({name: value}, BruteForceSampler(seed=1)), finite, n_jobs=n_jobs)
        assert len(points(study)) == len(study.trials) == size
        assert {t.params.get(name, value) for t in study.trials} == {value}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_value_outside_of_the_bounds_is_used_with_a_warning_as_in_optuna() -> None:
    with pytest.warns(UserWarning, match=r"x=5.0 lies outside of"):
        study = search(PartialFixedSampler({"x": 5.0}, RandomSampler()), n_trials=3)
    sampler = optuna.samplers.PartialFixedSampler({"x": 5.0}, optuna.samplers.RandomSampler())
    theirs = optuna.create_study(sampler=sampler)
    with pytest.warns(UserWarning, match="out of range"):
        theirs.optimize(objective, n_trials=3)
    assert [t.params["x"] for t in study.trials] == [t.params["x"] for t in theirs.trials] == [5.0] * 3


def test_value_that_a_parameter_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        search(PartialFixedSampler({"kind": "c"}, RandomSampler()), n_trials=1)
    with pytest.raises(ValueError, match="whole numbers for the int parameter 'n'"):
        search(
            PartialFixedSampler({"n": 1.5}, RandomSampler()), lambda t: t.suggest_int("n", 1, 3), n_trials=1
        )


def test_bad_arguments_are_refused_with_what_was_expected() -> None:
    with pytest.raises(TypeError, match=r"expected a sampler, such as .*, got None"):
        PartialFixedSampler({"x": 1}, None)
    with pytest.raises(TypeError, match="expected None, bool, int, float or str as values"):
        PartialFixedSampler({"x": object()}, RandomSampler())


def test_spec_restores_nested_samplers_and_the_seed_is_that_of_the_base() -> None:
    sampler = PartialFixedSampler(
        {"a": np.int64(3), "b": None}, PartialFixedSampler({"c": 0.5}, TPESampler(seed=7))
    )
    assert sampler_from_spec(sampler.spec()) == sampler
    assert sampler.seed == 7
    around_a_grid = PartialFixedSampler({}, GridSampler({"x": [1]}))
    assert sampler_from_spec(around_a_grid.spec()) == around_a_grid
