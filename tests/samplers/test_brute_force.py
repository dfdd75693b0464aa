"""Brute force: every point of a finite space once, with and without branches; with Optuna's as the oracle."""

from collections import Counter

import optuna
import pytest

import raystudy
from raystudy.distributions import IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import BruteForceSampler, RandomSampler, sampler_from_spec


def product(trial):
    x = trial.suggest_float("x", 0.1, 0.7, step=0.2)
    n = trial.suggest_int("n", -3, 3, step=3)
    return x + n + (trial.suggest_categorical("kind", ["a", None]) == "a")


def branches(trial):
    trial.suggest_int("one", 5, 5)
    kind = trial.suggest_categorical("kind", ["float", "int", "none"])
    if kind == "float":
        return trial.suggest_float("x", 1, 3, step=0.5)
    if kind == "int":
        a = trial.suggest_int("a", 1, 4)
        return trial.suggest_int("b", a, 4)  # its bounds depend on another value
    return 0.0


def points(trials):
    plain = [{k: round(v, 9) if isinstance(v, float) else v for k, v in t.params.items()} for t in trials]
    return Counter(tuple(sorted(params.items())) for params in plain)


def search(sampler, objective, study=None, **options):
    study = study or raystudy.create_study(sampler=sampler)
    study.optimize(objective, executor="inline", show_progress_bar=False, **options)
    return study


def theirs(objective):
    study = optuna.create_study(sampler=optuna.samplers.BruteForceSampler(seed=1))
    study.optimize(objective)
    return points(study.trials)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(("objective", "size"), [(product, 24), (branches, 16)])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_points_are_those_of_optuna_each_once_and_then_the_study_ends(objective, size, n_jobs) -> None:
    study = search(BruteForceSampler(seed=2), objective, n_jobs=n_jobs)
    assert points(study.trials) == theirs(objective)
    assert len(study.trials) == size
    assert study.sampler.is_exhausted(study)


def test_trials_ahead_of_all_knowledge_repeat_at_most_themselves() -> None:
    study = search(BruteForceSampler(seed=2), branches, n_jobs=12)
    assert len(points(study.trials)) == 16
    assert len(study.trials) <= 16 + 12


def test_equal_seeds_give_equal_orders_and_others_another_one() -> None:
    orders = [[t.params for t in search(BruteForceSampler(seed=seed), branches).trials] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_pending_trials_have_different_points_while_there_are_any() -> None:
    study = raystudy.create_study(sampler=BruteForceSampler(seed=1))
    trials = [study.ask() for _ in range(24)]
    for name in ("x", "n", "kind"):
        for trial in trials:
            _ask(trial, name)
    assert len(points(trials)) == 24
    with pytest.warns(UserWarning, match="this trial may repeat one"):
        product(study.ask())


def _ask(trial, name):
    if name == "x":
        return trial.suggest_float("x", 0.1, 0.7, step=0.2)
    if name == "n":
        return trial.suggest_int("n", -3, 3, step=3)
    return trial.suggest_categorical("kind", ["a", None])


def test_hundred_pending_trials_differ_in_a_space_of_a_thousand_million_points() -> None:
    proposer = Proposer(BruteForceSampler(), [StudyDirection.MINIMIZE], seed=1)
    space = IntDistribution(1, 10**9)
    assert len({proposer.suggest(number, "n", space, {}) for number in range(100)}) == 100


def test_slot_waits_for_a_branch_that_a_running_trial_may_open(tmp_path) -> None:
    import threading

    first_is_there = threading.Event()

    def deep_after_all(trial):
        if trial.suggest_int("a", 0, 1) == 0:
            return 0.0
        first_is_there.wait(timeout=0.3)  # the other slot is free meanwhile, and knows of nothing to try
        return float(trial.suggest_int("b", 0, 3))

    study = search(BruteForceSampler(seed=1), deep_after_all, n_jobs=2)
    assert points(study.trials) == Counter([(("a", 0),), *((("a", 1), ("b", b)) for b in range(4))])


def test_points_being_tried_count_as_free_if_no_slot_is_to_wait() -> None:
    proposers = [
        Proposer(BruteForceSampler(avoid_premature_stop=avoid), [StudyDirection.MINIMIZE], seed=1)
        for avoid in (False, True)
    ]
    for proposer in proposers:
        assert {proposer.suggest(number, "a", IntDistribution(0, 1), {}) for number in (0, 1)} == {0, 1}
    assert [proposer.is_spent() for proposer in proposers] == [True, False]


def test_failed_trials_are_visits_but_one_that_failed_at_once_ends_nothing() -> None:
    def fails(trial):
        if trial.number == 0:
            raise ValueError
        if branches(trial) == 2:
            raise ValueError
        return 1.0

    study = search(BruteForceSampler(seed=1), fails, catch=ValueError)
    assert len(study.trials) == 1 + 16
    assert len(points(study.trials[1:])) == 16
    assert study.trials[0].state is TrialState.FAIL


def test_objective_without_parameters_is_tried_once() -> None:
    assert len(search(BruteForceSampler(), lambda t: 1.0).trials) == 1
    assert len(search(BruteForceSampler(), lambda t: t.suggest_int("one", 3, 3)).trials) == 1


def test_enqueued_points_are_not_tried_again() -> None:
    study = raystudy.create_study(sampler=BruteForceSampler(seed=1))
    study.enqueue_trial({"kind": "int", "a": 2})  # b is drawn
    study.enqueue_trial({"kind": "none"})
    search(None, branches, study)
    assert len(study.trials) == len(points(study.trials)) == 16


def test_trials_of_another_sampler_count() -> None:
    study = search(RandomSampler(seed=1), product, n_trials=10)
    n_known = len(points(study.trials))
    study.sampler = BruteForceSampler()
    search(None, product, study)
    assert len(points(study.trials)) == 24
    assert len(study.trials) == 10 + 24 - n_known


def test_values_are_the_decimals_of_the_grid() -> None:
    study = search(BruteForceSampler(), lambda t: t.suggest_float("x", 0, 1, step=0.1))
    assert sorted(t.params["x"] for t in study.trials) == [n / 10 for n in range(11)]


def test_bounds_that_grow_leave_nothing_within_the_last_ones() -> None:
    study = search(BruteForceSampler(seed=1), lambda t: t.suggest_int("n", 0, min(t.number + 1, 5)))
    assert [t.params["n"] for t in study.trials] != list(range(6))
    assert sorted(t.params["n"] for t in study.trials) == list(range(6))


def test_real_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a parameter with finitely many values, got 'x'"):
        search(BruteForceSampler(), lambda t: t.suggest_float("x", 0, 1))


def test_spec_restores_the_sampler() -> None:
    sampler = BruteForceSampler(seed=4, avoid_premature_stop=True)
    assert sampler_from_spec(sampler.spec()) == sampler
