"""NSGA-II as users see it: in the space, the same each time, ahead of random search and level with Optuna's."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from scipy import stats

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
)
from raystudy.frozen import TrialState
from raystudy.samplers import NSGAIISampler
from raystudy.samplers.history import History
from raystudy.samplers.nsgaii import (
    BLXAlphaCrossover,
    SBXCrossover,
)
from raystudy.samplers.seeding import generator
from tests.samplers.genetic_helpers import CUBE, MIXED, OPTIONS, ask, mixed, searched, zdt1
from tests.samplers.helpers import MAX, MIN, Params

optuna.logging.set_verbosity(optuna.logging.WARNING)

CHOICES: dict[str, Distribution] = {name: CategoricalDistribution(("a", "b", "c", "d")) for name in "pqr"}


@pytest.mark.parametrize("options", OPTIONS)
def test_proposals_lie_in_the_space_and_get_better(options: dict[str, Any]) -> None:
    history = searched(NSGAIISampler(population_size=10, **options), MIXED, mixed, 150)
    for name, distribution in MIXED.items():
        assert all(distribution.contains(value) for value in history.column(name)), name
    assert (np.median(history.values[-40:], axis=0) < np.median(history.values[:20], axis=0)).all()


def test_the_first_generation_is_uniform() -> None:
    history = searched(NSGAIISampler(population_size=300), MIXED, mixed, 300)
    assert stats.kstest(np.log10(history.column("lr")), stats.uniform(-5, 5).cdf).pvalue > 1e-3
    assert stats.chisquare(np.bincount(history.column("kind").astype(int))).pvalue > 1e-3
    assert stats.chisquare(np.bincount(history.column("depth").astype(int))[1:]).pvalue > 1e-3


def test_children_without_mutation_have_what_their_parents_had_and_mutated_ones_do_not() -> None:
    def born(prob: float) -> History:
        return searched(NSGAIISampler(population_size=20, mutation_prob=prob), CUBE, zdt1, 220)

    without, always = born(0.0), born(1.0)
    for name in CUBE:
        copied, drawn = without.column(name), always.column(name)
        assert set(copied[20:]) <= set(copied[:20])
        assert stats.kstest(drawn, stats.uniform(0, 1).cdf).pvalue > 1e-3
        assert len(set(drawn)) == 220


@pytest.mark.parametrize("options", OPTIONS)
def test_what_is_remembered_changes_no_proposal(options: dict[str, Any]) -> None:
    """Trials end in any order and fail; a sampler without memory, or that was pickled, proposes the same."""
    rng, worn = np.random.default_rng(3), NSGAIISampler(population_size=6, **options)
    history, pending = History([MIN, MAX]), {}
    for number in range(90):
        pending[number] = ask(worn, history, MIXED)
        while len(pending) > 8:
            chosen = int(rng.choice(list(pending)))
            params = pending.pop(chosen)
            state = TrialState.COMPLETE if rng.random() < 0.8 else TrialState.FAIL
            values = mixed(params) if state is TrialState.COMPLETE else None
            history.update(chosen, state, params, MIXED, values, violation=float(rng.random() < 0.2))
        if number % 9 == 0:
            expected = worn.propose(MIXED, history, generator(1, number))
            for fresh in (NSGAIISampler(population_size=6, **options), pickle.loads(pickle.dumps(worn))):
                assert fresh.propose(MIXED, history, generator(1, number)) == expected
    assert len(worn._memory.generations.elites) > 8


def test_a_study_interrupted_at_any_trial_goes_on_from_sqlite_as_if_nothing_had_been(tmp_path) -> None:
    def objective(trial: raystudy.Trial) -> list[float]:
        params = {name: trial.suggest_float(name, 0, 1) for name in ("x", "y", "z")}
        if trial.number == stop_at[0]:
            stop_at[0] = -1
            raise KeyboardInterrupt
        trial.set_constraint("y", params["y"] - 0.8)
        return [*zdt1(params)[:1], zdt1(params)[1] + trial.suggest_int("n", 1, 9)]

    def params_of(url: str, stop: int) -> list[Params]:
        stop_at[0] = stop
        sampler = NSGAIISampler(population_size=5, seed=5, crossover=SBXCrossover(3.0))
        study = raystudy.create_study(
            study_name="s", storage=url, sampler=sampler, directions=["minimize", "minimize"]
        )
        options = {"n_trials": 24, "show_progress_bar": False, "executor": "inline"}
        if stop >= 0:
            with pytest.raises(KeyboardInterrupt):
                study.optimize(objective, **options)
            study = raystudy.load_study(study_name="s", storage=url)
            options["n_trials"] = 24 - stop
        study.optimize(objective, **options)
        return [trial.params for trial in study.trials]

    stop_at = [-1]
    undisturbed = params_of(f"sqlite:///{tmp_path}/whole.db", -1)
    assert len(undisturbed) == 24
    for stop in (3, 7, 11, 20):
        assert params_of(f"sqlite:///{tmp_path}/{stop}.db", stop) == undisturbed


def test_failed_and_pruned_trials_and_those_with_nan_are_no_parents() -> None:
    sampler, history = NSGAIISampler(population_size=4, mutation_prob=0.0), History([MIN, MIN])
    for number in range(40):
        x, kind = number / 40, number % 4
        state = [TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED, TrialState.COMPLETE][kind]
        values = [[x, -x], None, None, [math.nan, -9.0]][kind]
        history.update(number, state, {"x": x, "y": x}, {"x": CUBE["x0"], "y": CUBE["x1"]}, values)
    for _ in range(20):
        assert {
            round(40 * value) % 4
            for value in ask(sampler, history, {"x": CUBE["x0"], "y": CUBE["x1"]}).values()
        } == {0}


@pytest.mark.parametrize("values", [[math.inf, -math.inf], [0.0, 0.0], [1e308, -1e308]])
def test_values_that_say_nothing_leave_proposals_in_the_space(values: list[float]) -> None:
    given = iter([values, values[::-1]] * 100)
    history = searched(NSGAIISampler(population_size=8), MIXED, lambda _: next(given), 60)
    for name, distribution in MIXED.items():
        assert all(distribution.contains(value) for value in history.column(name))


def test_one_objective_is_searched_in_its_direction() -> None:
    for direction, best in ((MIN, 0.0), (MAX, 1.0)):
        history = searched(
            NSGAIISampler(population_size=10), CUBE, lambda p: [sum(p.values())], 300, (direction,)
        )
        assert np.abs(history.values[-30:, 0] / 6 - best).mean() < 0.2
        assert np.abs(history.values[:10, 0] / 6 - best).mean() > 0.4


def test_directions_count_for_each_objective() -> None:
    def values(params: Params) -> list[float]:
        return [params["x0"], params["x1"]]

    history = searched(NSGAIISampler(population_size=10), CUBE, values, 200, (MIN, MAX))
    assert history.column("x0")[-40:].mean() < 0.25
    assert history.column("x1")[-40:].mean() > 0.75


def test_proposals_leave_the_region_that_violates() -> None:
    def objective(trial: raystudy.Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)
        trial.set_constraint("limit", x - 0.3)
        return -x, -x * y

    sampler = NSGAIISampler(seed=1, population_size=10, mutation_prob=0.2)
    study = raystudy.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.optimize(objective, 120, executor="inline", show_progress_bar=False)
    late = [t.params["x"] for t in study.trials[60:]]
    assert np.mean([x > 0.3 for x in late]) < 0.5  # uniform draws: 0.7
    assert np.mean(late) > 0.2


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_constraints_func_is_deprecated_and_works() -> None:
    with pytest.warns(FutureWarning, match=r"constraints_func is deprecated.*set_constraint") as caught:
        sampler = NSGAIISampler(constraints_func=lambda trial: [trial.params["x"]])
    assert caught[0].filename == __file__
    study = raystudy.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), 0.0), 2, executor="inline", show_progress_bar=False)
    assert [t.constraints for t in study.trials] == [{"0": t.params["x"]} for t in study.trials]


def branches(params: Params) -> list[float]:
    """Of two branches the second is better, near to 0.9 of a parameter that the first does not have."""
    return [abs(params["b"] - 0.9) if params["kind"] == "b" else 1.0 + params["a"]]


def test_parameters_of_a_branch_evolve_too() -> None:
    sampler, history = NSGAIISampler(population_size=10, crossover=BLXAlphaCrossover()), History([MIN])
    kind = CategoricalDistribution(("a", "b"))
    for number in range(200):
        joint = dict(sampler.joint_space(history))
        params = sampler.propose(joint, history, generator(0, number)) if joint else {}
        chosen = params.get("kind", "ab"[number % 2])
        space = {"kind": kind, chosen: CUBE["x0"]}
        params = {"kind": chosen, chosen: params.get(chosen, 0.5)}
        history.update(number, TrialState.COMPLETE, params, space, branches(params))
    late = history.values[-60:, 0]
    assert np.mean(late < 0.1) > 0.4  # Optuna draws the parameters of branches uniformly: 0.1 at most
    assert np.mean(history.column("kind")[-60:] == 1) > 0.65


def test_a_domain_that_grows_or_shrinks_is_searched_on() -> None:
    sampler = NSGAIISampler(population_size=10)
    history = searched(sampler, CUBE, zdt1, 60)
    wider = {**CUBE, "x1": FloatDistribution(-1.0, 2.0), "new": IntDistribution(0, 5)}
    for number in range(60, 120):
        params = ask(sampler, history, wider)
        history.update(number, TrialState.COMPLETE, params, wider, [params["x0"], params["x1"] ** 2])
    assert (history.column("x1")[80:] < 0.0).any()
    assert (history.column("x1")[80:] > 1.0).any()
    narrow = {**CUBE, "x1": FloatDistribution(0.4, 0.5)}
    history.update(120, TrialState.COMPLETE, dict.fromkeys(CUBE, 0.45), narrow, [1.0, 1.0])
    for _ in range(30):
        assert 0.4 <= ask(sampler, history, narrow)["x1"] <= 0.5


@pytest.mark.parametrize("n_known", [0, 30])
def test_no_pending_or_known_trial_is_repeated_while_the_space_has_other_points(n_known: int) -> None:
    sampler = NSGAIISampler(population_size=10)
    history = searched(sampler, CHOICES, lambda p: [float(p["p"] == "a"), float(p["q"] == "b")], n_known)
    if not n_known:  # nothing is known of the space before
        history.update(0, TrialState.RUNNING, dict.fromkeys(CHOICES, "a"), CHOICES)
    while len(history) < 64:
        ask(sampler, history, CHOICES)
    assert len(set(zip(*(history.column(name) for name in CHOICES), strict=True))) == 64
    ask(sampler, history, CHOICES)  # all points are taken: any will do


def test_what_has_ended_is_rather_repeated_than_what_is_running() -> None:
    sampler, two = NSGAIISampler(population_size=2), {"p": CategoricalDistribution(("a", "b"))}
    history = History([MIN])
    history.update(0, TrialState.COMPLETE, {"p": "a"}, two, [1.0])
    history.update(1, TrialState.RUNNING, {"p": "b"}, two)
    assert {sampler.propose(two, history, generator(0, n))["p"] for n in range(2, 30)} == {"a"}


def test_a_hundred_pending_trials_are_all_different_and_count_for_no_generation() -> None:
    sampler = NSGAIISampler(population_size=20)
    history = searched(sampler, MIXED, mixed, 19)
    for _ in range(100):
        ask(sampler, history, MIXED)
    assert len({tuple(history.column(name)[i] for name in MIXED) for i in range(19, 119)}) == 100
    assert not len(sampler._memory.generations.newest.rows)
