"""Genetic samplers that users write for Optuna's BaseGASampler: the same class runs in Optuna and here."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.samplers import BaseGASampler, BaseSampler, NSGAIIISampler, NSGAIISampler
from raystudy.samplers.nsgaii import UniformCrossover

optuna.logging.set_verbosity(optuna.logging.CRITICAL)

SIZE = 6


def truncation(lib: Any) -> Any:
    """Keeps the best half of parents and children, and draws children between two of them."""

    class Truncation(lib.samplers.BaseGASampler):
        def __init__(self) -> None:
            super().__init__(population_size=SIZE)
            self.rng, self.selections = random.Random(1), list[int]()

        def select_parent(self, study: Any, generation: int) -> Any:
            self.selections.append(generation)
            pool = self.get_population(study, generation - 1) + self.get_parent_population(
                study, generation - 1
            )
            return sorted(pool, key=lambda trial: trial.value)[: SIZE // 2]

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return lib.search_space.intersection_search_space(study.get_trials(deepcopy=False))

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            parents = self.get_parent_population(study, self.get_trial_generation(study, trial))
            if not parents:
                return {}
            one, other = self.rng.sample(sorted(parents, key=lambda t: t.number), 2)
            return {name: self.rng.uniform(one.params[name], other.params[name]) for name in search_space}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self.rng.uniform(param_distribution.low, param_distribution.high)

    return Truncation()


def run(lib: Any, sampler: Any, n_trials: int) -> Any:
    study = lib.create_study(sampler=sampler, pruner=lib.pruners.NopPruner())
    options = {} if lib is optuna else {"executor": "inline", "show_progress_bar": False}

    def objective(trial: Any) -> float:
        loss = sum((trial.suggest_float(name, -1.0, 1.0) - 0.3) ** 2 for name in ("x", "y"))
        return loss / 0 if trial.number % 7 == 3 else loss

    study.optimize(objective, n_trials=n_trials, catch=(ZeroDivisionError,), **options)
    return study


def test_a_users_genetic_sampler_proposes_here_as_in_optuna() -> None:
    mine, theirs = truncation(raystudy), truncation(optuna)
    ours, others = run(raystudy, mine, 50), run(optuna, theirs, 50)
    assert [trial.params for trial in ours.trials] == [trial.params for trial in others.trials]
    assert mine.selections == theirs.selections == list(range(1, 8))
    assert ours.best_value == others.best_value


def test_generations_are_the_complete_trials_in_their_order() -> None:
    sampler = truncation(raystudy)
    study = run(raystudy, sampler, 20)
    complete = [trial.number for trial in study.trials if trial.number % 7 != 3]
    for generation in range(3):
        members = [trial.number for trial in sampler.get_population(study, generation)]
        assert members == complete[generation * SIZE : (generation + 1) * SIZE]
        for number in members:
            assert sampler.get_trial_generation(study, study.trials[number]) == generation
    assert sampler.get_trial_generation(study, study.trials[3]) == len(complete) // SIZE  # it has failed
    assert sampler.get_parent_population(study, 0) == []


def test_a_trial_that_ends_late_has_parents_selected_anew() -> None:
    sampler, study = truncation(raystudy), raystudy.create_study()
    trials = [study.ask() for _ in range(3 * SIZE)]
    for trial in trials[1:]:
        trial.suggest_float("x", 0.0, 1.0)
        study.tell(trial, float(trial.number))
    before = [trial.number for trial in sampler.get_parent_population(study, 2)]
    assert [trial.number for trial in sampler.get_parent_population(study, 2)] == before == [1, 2, 3]
    assert sampler.selections == [1, 2]
    study.tell(trials[0], 2.5)
    assert [trial.number for trial in sampler.get_parent_population(study, 2)] == [1, 2, 0]
    assert sampler.selections == [1, 2, 1, 2]


@pytest.mark.parametrize("kind", [NSGAIISampler, NSGAIIISampler])
def test_our_genetic_samplers_say_who_has_lived_on(kind: type) -> None:
    sampler = kind(population_size=5, seed=1)
    assert isinstance(sampler, BaseGASampler)
    assert isinstance(sampler, BaseSampler)
    study = raystudy.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(
        lambda trial: (x := trial.suggest_float("x", 0, 1), abs(x - 0.5)),
        22,
        executor="inline",
        show_progress_bar=False,
    )
    newest = sampler._memory.generations.newest.numbers
    assert [trial.number for trial in sampler.get_parent_population(study, 4)] == newest.tolist()
    assert {trial.number for trial in sampler.select_parent(study, 1)} == set(range(5))
    assert [trial.number for trial in sampler.get_population(study, 1)] == list(range(5, 10))
    assert sampler.get_parent_population(study, 0) == []
    with pytest.raises(ValueError, match="generation 5 has no parents; those from 1 to 4 have"):
        sampler.get_parent_population(study, 5)


def test_a_selection_that_would_not_be_asked_is_refused() -> None:
    class Own(NSGAIISampler):
        def select_parent(self, study: Any, generation: int) -> Any:
            return []

    with pytest.raises(NotImplementedError, match="elite_population_selection_strategy"):
        Own()


def test_without_a_size_there_are_no_generations() -> None:
    sampler = truncation(raystudy)
    sampler.population_size = None
    with pytest.raises(ValueError, match="Truncation: need population_size >= 1, got None"):
        sampler.get_population(raystudy.create_study(), 0)


def test_a_subclass_may_change_the_children() -> None:
    class Rounded(NSGAIISampler):
        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return {
                name: round(each, 1)
                for name, each in super().sample_relative(study, trial, search_space).items()
            }

    study = raystudy.create_study(
        directions=["minimize"] * 2, sampler=Rounded(population_size=4, crossover=UniformCrossover(), seed=2)
    )
    study.optimize(
        lambda trial: (x := trial.suggest_float("x", 0, 1), -x),
        12,
        executor="inline",
        show_progress_bar=False,
    )
    late = np.array([trial.params["x"] for trial in study.trials[4:]])
    assert late == pytest.approx(np.round(late, 1))
