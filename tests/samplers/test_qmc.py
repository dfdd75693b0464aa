"""Quasi-random search: each point of the sequence once, in Optuna's order; scipy and Optuna are the oracles."""

import math
from collections import Counter

import numpy as np
import optuna
import pytest
from scipy.stats import qmc

import raystudy
from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import QMCSampler, TPESampler, sampler_from_spec

SPACE: dict[str, Distribution] = {
    "z": FloatDistribution(-1, 2),
    "lr": FloatDistribution(1e-5, 1, log=True),
    "n": IntDistribution(0, 10, step=2),
    "width": IntDistribution(1, 300, log=True),
    "kind": CategoricalDistribution(("a", "b", None)),
    "drop": FloatDistribution(0, 0.6, step=0.1),
}


def objective(trial):
    x = trial.suggest_float("z", -1, 2) + math.log(trial.suggest_float("lr", 1e-5, 1, log=True))
    n = trial.suggest_int("n", 0, 10, step=2) + trial.suggest_int("width", 1, 300, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    return x + n + (kind == "a") + trial.suggest_float("drop", 0, 0.6, step=0.1)


def search(sampler, objective=objective, study=None, **options):
    study = study or raystudy.create_study(sampler=sampler)
    study.optimize(objective, executor="inline", show_progress_bar=False, **options)
    return study


def known(sampler, seed=5):
    """Return a proposer that knows the space from trial 0."""
    proposer = Proposer(sampler, [StudyDirection.MINIMIZE], seed)
    first = {"z": 0.0, "lr": 0.1, "n": 2, "width": 7, "kind": "a", "drop": 0.1}
    proposer.history.update(0, TrialState.COMPLETE, first, SPACE, [1.0])
    return proposer


def values(proposal):
    return {name: value for name, (value, _) in proposal.items()}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("scramble", [False, True])
@pytest.mark.parametrize("qmc_type", ["sobol", "halton"])
def test_points_after_the_first_trial_are_those_of_optuna(qmc_type: str, scramble: bool) -> None:
    options = {"qmc_type": qmc_type, "scramble": scramble, "seed": 3}
    theirs = optuna.create_study(sampler=optuna.samplers.QMCSampler(**options))
    theirs.optimize(objective, n_trials=20)
    ours = search(QMCSampler(**options), n_trials=20)
    for mine, other in zip(ours.trials[1:], theirs.trials[1:], strict=True):
        assert mine.params.keys() == other.params.keys()
        for name, value in other.params.items():
            assert mine.params[name] == (pytest.approx(value) if isinstance(value, float) else value)


def test_points_are_those_of_scipy() -> None:
    proposer = Proposer(QMCSampler(), [StudyDirection.MINIMIZE], 0)
    cube = {"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1)}
    proposer.history.update(0, TrialState.PRUNED, {"b": 0.5, "a": 0.5}, cube)
    points = np.array([list(values(proposer.propose(n)).values()) for n in range(1, 17)])
    assert points == pytest.approx(qmc.Sobol(2, scramble=False).random_base2(4), abs=1e-11)


def test_values_of_a_grid_are_equally_frequent() -> None:
    proposer = Proposer(QMCSampler(), [StudyDirection.MINIMIZE], 0)
    space = {"n": IntDistribution(0, 3), "x": FloatDistribution(0, 0.3, step=0.1)}
    proposer.history.update(0, TrialState.COMPLETE, {"n": 0, "x": 0.0}, space, [1.0])
    drawn = [values(proposer.propose(number)) for number in range(1, 65)]
    assert Counter(each["n"] for each in drawn) == dict.fromkeys(range(4), 16)
    assert sorted(Counter(each["x"] for each in drawn).values()) == [16] * 4


def test_each_of_hundred_pending_trials_has_a_point_of_its_own() -> None:
    proposer = known(QMCSampler())
    drawn = [values(proposer.propose(number)) for number in range(1, 101)]
    assert len({each["z"] for each in drawn}) == 100
    assert all(
        SPACE[name].contains(SPACE[name].to_internal_repr(each[name])) for each in drawn for name in SPACE
    )


def test_order_of_the_asking_does_not_matter_and_lost_trials_leave_no_repetition() -> None:
    forward, backward = known(QMCSampler(scramble=True)), known(QMCSampler(scramble=True))
    numbers = range(1, 30)
    first = {number: values(forward.propose(number)) for number in numbers}
    second = {number: values(backward.propose(number)) for number in reversed(numbers)}
    assert first == second
    for number in numbers:
        forward.history.update(number, TrialState.FAIL, {}, {})
    assert values(forward.propose(30)) not in first.values()


def test_scrambling_follows_the_seed_of_the_study_unless_it_has_its_own() -> None:
    def drawn(sampler, seed):
        return values(known(sampler, seed).propose(3))

    assert drawn(QMCSampler(scramble=True), 5) == drawn(QMCSampler(scramble=True), 5)
    assert drawn(QMCSampler(scramble=True), 5) != drawn(QMCSampler(scramble=True), 6)
    assert drawn(QMCSampler(scramble=True, seed=1), 5) == drawn(QMCSampler(scramble=True, seed=1), 6)
    assert drawn(QMCSampler(), 5) == drawn(QMCSampler(), 6)


def test_trials_begun_before_anything_is_known_are_drawn_independently_without_a_warning() -> None:
    study = raystudy.create_study(sampler=QMCSampler(seed=1))
    trials = [study.ask() for _ in range(8)]
    assert len({trial.suggest_float("z", 0, 1) for trial in trials}) == 8


def test_branches_are_drawn_by_the_independent_sampler_with_a_warning_that_can_be_turned_off() -> None:
    def conditional(trial):
        if trial.suggest_categorical("kind", ["a", "b"]) == "a":
            return trial.suggest_float("x", 0, 1)
        return trial.suggest_float("y", 0, 1)

    with pytest.warns(UserWarning, match="is drawn by RandomSampler"):
        search(QMCSampler(seed=1), conditional, n_trials=8)
    quiet = QMCSampler(seed=1, warn_independent_sampling=False, independent_sampler=TPESampler(seed=2))
    study = search(quiet, conditional, n_trials=20)
    assert {"x", "y"} == {name for t in study.trials for name in t.params} - {"kind"}


def test_bounds_that_grow_have_points_within_the_first_ones_only() -> None:
    study = search(QMCSampler(seed=1), lambda t: t.suggest_int("n", 0, 3 + t.number), n_trials=9)
    assert max(t.params["n"] for t in study.trials[1:]) <= 3
    with pytest.warns(UserWarning, match="with these bounds"):
        search(None, lambda t: t.suggest_int("n", 9, 20), study, n_trials=1)
    assert study.trials[-1].params["n"] >= 9


def test_sobol_covers_each_half_of_each_dimension_equally() -> None:
    cube = {name: FloatDistribution(0, 1) for name in "abcdef"}
    proposer = Proposer(QMCSampler(scramble=True), [StudyDirection.MINIMIZE], 2)
    proposer.history.update(0, TrialState.COMPLETE, dict.fromkeys(cube, 0.5), cube, [1.0])
    points = np.array([list(values(proposer.propose(n)).values()) for n in range(1, 65)])
    assert ((points < 0.5).sum(axis=0) == 32).all()


def test_single_valued_parameters_take_no_dimension() -> None:
    def with_constants(trial):
        trial.suggest_int("one", 4, 4)
        x = trial.suggest_float("x", 0, 1)
        return x + trial.suggest_float("two", 2, 2) + trial.suggest_float("y", 0, 1)

    without = search(
        QMCSampler(seed=1), lambda t: t.suggest_float("x", 0, 1) + t.suggest_float("y", 0, 1), n_trials=9
    )
    found = search(QMCSampler(seed=1), with_constants, n_trials=9)
    assert [t.params | {"one": 4, "two": 2} for t in without.trials] == [t.params for t in found.trials]


def test_unknown_sequence_and_what_is_no_sampler_are_refused() -> None:
    with pytest.raises(ValueError, match="expected qmc_type 'sobol' or 'halton', got 'lhs'"):
        QMCSampler(qmc_type="lhs")
    with pytest.raises(TypeError, match="expected a sampler"):
        QMCSampler(independent_sampler="random")


def test_spec_restores_the_sampler_and_the_one_it_uses() -> None:
    sampler = QMCSampler(qmc_type="halton", scramble=True, seed=1, independent_sampler=TPESampler(seed=3))
    assert sampler_from_spec(sampler.spec()) == sampler
    assert sampler_from_spec(QMCSampler().spec()) == QMCSampler()
