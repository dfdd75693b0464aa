"""Grid search: every combination once, then the end; with Optuna's as the oracle."""

import itertools
import math
from collections import Counter

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import GridSampler, sampler_from_spec

GRID: dict[str, list] = {"x": [0.1, 1.0, 10.0], "depth": [1, 4], "kind": ["a", None, True]}
CELLS = set(itertools.product(GRID["x"], GRID["depth"], GRID["kind"]))


def objective(trial):
    x = trial.suggest_float("x", 0.01, 100, log=True)
    depth = trial.suggest_int("depth", 1, 8)
    kind = trial.suggest_categorical("kind", ["b", "a", None, True])
    return x + depth + (kind == "a")


def cells(trials):
    return [(t.params["x"], t.params["depth"], t.params["kind"]) for t in trials]


def search(sampler, objective=objective, study=None, **options):
    study = study or raystudy.create_study(sampler=sampler)
    study.optimize(objective, executor="inline", show_progress_bar=False, **options)
    return study


@pytest.mark.parametrize("seed", [None, 0, 7])
def test_combinations_come_in_the_order_of_optuna_and_then_the_study_ends(seed: int | None) -> None:
    theirs = optuna.create_study(sampler=optuna.samplers.GridSampler(GRID, seed=seed))
    theirs.optimize(objective)
    ours = search(GridSampler(GRID, seed=seed))
    assert cells(ours.trials) == cells(theirs.trials)
    assert set(cells(ours.trials)) == CELLS


@pytest.mark.parametrize("n_jobs", [2, 8, 40])
def test_parallel_trials_share_the_grid_without_a_repetition(n_jobs: int) -> None:
    study = search(GridSampler(GRID), n_jobs=n_jobs, n_trials=100)
    assert Counter(cells(study.trials)) == Counter(CELLS)


def test_pending_trials_that_have_asked_for_nothing_yet_hold_their_combinations() -> None:
    study = raystudy.create_study(sampler=GridSampler(GRID))
    trials = [study.ask() for _ in CELLS]
    for name in ("x", "depth", "kind"):  # all at the same parameter, those of a trial far apart
        for trial in trials[::-1]:
            _ask(trial, name)
    assert set(cells(trials)) == CELLS


def _ask(trial, name):
    if name == "x":
        return trial.suggest_float("x", 0.01, 100, log=True)
    if name == "depth":
        return trial.suggest_int("depth", 1, 8)
    return trial.suggest_categorical("kind", ["b", "a", None, True])


def test_hundred_pending_trials_differ() -> None:
    grid = {"a": list(range(20)), "b": list(range(10))}
    proposer = Proposer(GridSampler(grid), [StudyDirection.MINIMIZE], seed=1)
    space = {"a": IntDistribution(0, 19), "b": IntDistribution(0, 9)}
    proposer.history.update(0, TrialState.FAIL, {"a": 0, "b": 0}, space)
    drawn = [proposer.propose(number) for number in range(1, 101)]
    assert len({tuple(value for value, _ in each.values()) for each in drawn} | {(0, 0)}) == 101


def test_study_that_is_exhausted_gets_no_further_trial(capfd) -> None:
    study = search(GridSampler({"x": [1, 2]}), lambda t: t.suggest_float("x", 0, 3))
    search(None, lambda t: t.suggest_float("x", 0, 3), study, n_trials=5)
    assert len(study.trials) == 2
    assert "knows of no point that was not tried" in capfd.readouterr().err


def test_asking_beyond_the_grid_repeats_a_combination_and_says_so() -> None:
    study = raystudy.create_study(sampler=GridSampler({"x": [1, 2]}))
    for _ in range(2):
        assert not study.sampler.is_exhausted(study)
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 3))
    assert study.sampler.is_exhausted(study)
    with pytest.warns(UserWarning, match="this trial may repeat one"):
        assert study.ask().suggest_float("x", 0, 3) in (1, 2)


def test_failed_trial_counts_as_a_visit_even_before_it_asked_for_all() -> None:
    def fails_early(trial):
        if trial.number == 0 or trial.suggest_float("x", 0.01, 100, log=True) > 5:
            raise ValueError
        return objective(trial)

    study = search(GridSampler(GRID), fails_early, catch=ValueError)
    assert len(study.trials) == len(CELLS)
    complete = [t for t in study.trials if t.state is TrialState.COMPLETE]
    assert len(set(cells(complete))) == len(complete)


def test_enqueued_combination_is_not_tried_again() -> None:
    study = raystudy.create_study(sampler=GridSampler(GRID))
    study.enqueue_trial({"x": 10.0, "depth": 4, "kind": None})
    study.enqueue_trial({"x": 3.0, "depth": 4, "kind": None})  # not on the grid
    search(None, study=study)
    assert Counter(cells(study.trials)) == Counter(CELLS) + Counter([(3.0, 4, None)])
    assert study.trials[0].params["x"] == 10.0


def test_grid_follows_the_trials_of_another_sampler() -> None:
    study = search(raystudy.samplers.RandomSampler(seed=1), n_trials=5)
    study.sampler = GridSampler(GRID)
    search(None, study=study)
    assert Counter(cells(study.trials[5:])) == Counter(CELLS)


def test_branches_of_a_conditional_space_have_their_combinations() -> None:
    def conditional(trial):
        if trial.suggest_categorical("kind", ["p", "q"]) == "p":
            return trial.suggest_int("a", 0, 9)
        return trial.suggest_int("b", 0, 9)

    grid = {"kind": ["p", "q"], "a": [1, 2], "b": [5, 6]}
    study = search(GridSampler(grid), conditional)
    theirs = optuna.create_study(sampler=optuna.samplers.GridSampler(grid))
    theirs.optimize(conditional)
    assert [t.params for t in study.trials] == [t.params for t in theirs.trials]


def test_objective_that_asks_for_nothing_of_the_grid_ends_after_as_many_trials_as_combinations() -> None:
    assert len(search(GridSampler(GRID), lambda t: 1.0).trials) == len(CELLS)
    study = search(GridSampler({"n": [1, 2]}), lambda t: t.suggest_int("n", 3, 3))
    assert [t.params["n"] for t in study.trials] == [3, 3]


@pytest.mark.parametrize("mode", ["sync", "promote"])
@pytest.mark.parametrize("n_jobs", [1, 4])
def test_trials_that_wait_at_rungs_hold_their_combinations_and_go_on_after_the_last(mode, n_jobs) -> None:
    def trains(trial):
        value = objective(trial)
        for step in range((trial.load_checkpoint() or 0) + 1, 10):
            trial.save_checkpoint(step, step=step)
            trial.report(value / step, step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return value

    study = raystudy.create_study(
        sampler=GridSampler(GRID), pruner=raystudy.pruners.HyperbandPruner(1, 9, 3, mode=mode)
    )
    search(None, trains, study, n_jobs=n_jobs)
    assert Counter(cells(study.trials)) == Counter(CELLS)
    assert {t.state for t in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_grid_follows_a_search_for_other_parameters() -> None:
    study = search(raystudy.samplers.RandomSampler(seed=1), lambda t: t.suggest_float("y", 0, 1), n_trials=5)
    study.sampler = GridSampler(GRID)
    search(None, study=study)
    assert Counter(cells(study.trials[5:])) == Counter(CELLS)


def test_single_valued_parameters_and_growing_bounds_are_no_obstacle() -> None:
    def growing(trial):
        trial.suggest_int("one", 3, 3)
        return trial.suggest_int("n", 0, 5 + trial.number)

    study = search(GridSampler({"n": [0, 3, 5], "one": [3]}), growing)
    assert sorted(t.params["n"] for t in study.trials) == [0, 3, 5]


def test_value_outside_of_the_bounds_is_used_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="lies outside of"):
        study = search(GridSampler({"x": [5.0]}), lambda t: t.suggest_float("x", 0, 1))
    assert study.trials[0].params == {"x": 5.0}


def test_values_that_a_parameter_cannot_have_are_refused() -> None:
    with pytest.raises(ValueError, match=r"whole numbers for the int parameter 'n', got 0\.5"):
        search(GridSampler({"n": [0.5]}), lambda t: t.suggest_int("n", 0, 5))
    with pytest.raises(ValueError, match="expected one of"):
        search(GridSampler({"n": ["c"]}), lambda t: t.suggest_categorical("n", ["a", "b"]))
    with pytest.raises(ValueError, match=r"expected one of the parameters \['n'\], got 'm'"):
        search(GridSampler({"n": [1]}), lambda t: t.suggest_int("n", 0, 5) + t.suggest_int("m", 0, 5))


def test_bad_arguments_are_refused_with_what_was_expected() -> None:
    with pytest.raises(TypeError, match="expected None, bool, int, float or str as values of 'x'"):
        GridSampler({"x": [object()]})
    with pytest.raises(ValueError, match="expected at least one value of 'x', got none"):
        GridSampler({"x": []})
    with pytest.raises(ValueError, match="at least one parameter"):
        GridSampler({})
    with pytest.raises(ValueError, match="use fewer values"):
        GridSampler({name: range(100) for name in "abcd"})


def test_spec_restores_the_grid_and_numpy_values_become_plain_ones() -> None:
    sampler = GridSampler(
        {"x": np.linspace(0, 1, 3), "n": np.arange(2), "kind": [math.nan, "a", 1, True]}, seed=4
    )
    assert [type(value) for value in sampler.search_space["n"]] == [int, int]
    assert len(sampler.search_space["kind"]) == 4
    assert repr(sampler_from_spec(sampler.spec())) == repr(sampler)


def test_large_grid_is_asked_quickly_and_all_choices_are_told_apart() -> None:
    import time

    grid = {"a": list(range(1000)), "b": [1, True, "1", None, math.nan] * 3}
    proposer = Proposer(GridSampler(grid), [StudyDirection.MINIMIZE], seed=1)
    choices = CategoricalDistribution((True, 1, None, "1", math.nan))
    space = {"a": FloatDistribution(0, 999), "b": choices}
    proposer.history.update(0, TrialState.FAIL, {"a": 0.0, "b": None}, space)
    begun = time.process_time()
    drawn = Counter(str([value for value, _ in proposer.propose(n).values()]) for n in range(1, 1001))
    assert (time.process_time() - begun) / 1000 < 0.02
    assert len(drawn) == 1000
    assert len({each.split(", ")[1] for each in drawn}) == 5
