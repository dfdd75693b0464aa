"""What users may give to NSGA-II: operators and strategies of their own, and how they are stored."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import Any

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.distributions import (
    Distribution,
)
from raystudy.frozen import FrozenTrial
from raystudy.samplers import NSGAIISampler, PartialFixedSampler, Sampler, sampler_from_spec
from raystudy.samplers.nsgaii import (
    BaseCrossover,
    BaseMutation,
    PolynomialMutation,
    SBXCrossover,
    UNDXCrossover,
    UniformCrossover,
)
from raystudy.samplers.seeding import generator
from tests.samplers.genetic_helpers import CUBE, MIXED, OPTIONS, mixed, searched, zdt1
from tests.samplers.helpers import MIN, Params

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_arguments_and_defaults_are_optunas() -> None:
    ours, theirs = (
        inspect.signature(kind).parameters.values() for kind in (NSGAIISampler, optuna.samplers.NSGAIISampler)
    )
    assert {p.name: (p.default, p.kind) for p in ours} == {p.name: (p.default, p.kind) for p in theirs}


class Middle(BaseCrossover):
    """As a user of Optuna writes it."""

    n_parents = 2

    def crossover(self, parents_params, rng, study, search_space_bounds):
        assert parents_params.shape == (2, len(search_space_bounds))
        assert isinstance(rng, np.random.RandomState)
        assert study.directions == (MIN, MIN)
        assert rng.rand(3).shape == (3,)
        assert (search_space_bounds[:, 0] <= parents_params).all()
        assert (parents_params <= search_space_bounds[:, 1]).all()
        return parents_params.mean(axis=0)


class ToTheTop(BaseMutation):
    def mutation(self, param, rng, study, search_space_bounds):
        return search_space_bounds[1] + 7.0


def test_crossovers_and_mutations_of_users_work() -> None:
    sampler = NSGAIISampler(population_size=4, crossover=Middle(), crossover_prob=1.0, mutation_prob=0.0)
    history = searched(sampler, {"lr": MIXED["lr"], "x": MIXED["x"]}, lambda p: [p["x"], -p["x"]], 5)
    lr, x = np.log(history.column("lr")), history.column("x")
    middles = {
        (round((lr[i] + lr[j]) / 2, 9), round((x[i] + x[j]) / 2, 9))
        for i in range(4)
        for j in range(4)
        if i != j
    }
    assert (round(lr[4], 9), round(x[4], 9)) in middles
    top = NSGAIISampler(population_size=4, mutation=ToTheTop(), mutation_prob=1.0)
    last = searched(top, {**CUBE, "depth": MIXED["depth"]}, lambda p: [p["x0"], -p["x0"]], 5)
    assert [last.column(name)[4] for name in CUBE] == [1.0] * 6
    assert last.column("depth")[4] == 9


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", optuna.samplers.nsgaii.__all__)
def test_optunas_own_operators_work(name: str) -> None:
    if name.startswith("Base"):
        return
    what = "mutation" if name.endswith("Mutation") else "crossover"
    sampler = NSGAIISampler(population_size=5, **{what: getattr(optuna.samplers.nsgaii, name)()})
    history = searched(sampler, MIXED, mixed, 30)
    for param, distribution in MIXED.items():
        assert all(distribution.contains(value) for value in history.column(param)), param
    assert what not in sampler.spec()


def test_children_far_outside_are_brought_back() -> None:
    class Far(Middle):
        def crossover(self, parents_params, rng, study, search_space_bounds):
            return parents_params[0] + np.array([9.0, -9.0])

    sampler = NSGAIISampler(population_size=4, crossover=Far(), crossover_prob=1.0, mutation_prob=0.0)
    space = {"x": CUBE["x0"], "y": CUBE["x1"]}
    history = searched(sampler, space, lambda p: [p["x"], -p["x"]], 4)
    proposals = [sampler.propose(space, history, generator(0, n)) for n in range(40)]
    assert all(history.column("x")[:4].min() <= p["x"] <= 1.0 for p in proposals)
    assert all(0.0 <= p["y"] <= history.column("y")[:4].max() for p in proposals)
    assert len({p["x"] for p in proposals}) == 40


def test_a_crossover_that_returns_no_child_is_an_error() -> None:
    class Short(Middle):
        def crossover(self, parents_params, rng, study, search_space_bounds):
            return parents_params[0][:1]

    with pytest.raises(ValueError, match=r"Short: expected a child of 6 parameters .* got \(1,\)"):
        searched(NSGAIISampler(population_size=4, crossover=Short(), crossover_prob=1.0), CUBE, zdt1, 5)


def test_users_may_choose_who_lives_on_and_make_the_children() -> None:
    def newest(study: Any, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        assert study.directions == (MIN, MIN)
        return sorted(trials, key=lambda trial: trial.number)[-3:]

    def child(study: Any, space: dict[str, Distribution], trials: list[FrozenTrial]) -> Params:
        seen.append([trial.number for trial in trials])
        assert set(space) == {"depth", "lr"}
        assert all(trial.values == pytest.approx([trial.params["lr"], 1.0]) for trial in trials)
        assert [trial.constraints for trial in trials] == [{}] * 3
        return {"lr": trials[-1].params["lr"] * 0.999, "depth": 99, "unknown": 1}

    seen: list[list[int]] = []
    sampler = NSGAIISampler(
        population_size=5, elite_population_selection_strategy=newest, child_generation_strategy=child
    )
    space = {"depth": MIXED["depth"], "lr": MIXED["lr"], "one": MIXED["one"]}
    history = searched(sampler, space, lambda p: [p["lr"], 1.0], 14)
    assert [numbers for numbers, _ in groupby(seen)] == [[2, 3, 4], [7, 8, 9]]
    assert history.column("lr")[5] == pytest.approx(history.column("lr")[4] * 0.999)
    assert len(set(history.column("depth")[5:])) > 1  # 99 is none: drawn uniformly
    stranger = raystudy.trial.create_trial(values=[1.0, 1.0])
    bad = NSGAIISampler(population_size=5, elite_population_selection_strategy=lambda *_: [stranger])
    with pytest.raises(ValueError, match="expected some of the trials that it was given"):
        searched(bad, space, lambda p: [p["lr"], 1.0], 7)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"population_size": 1}, ValueError, "need population_size >= 2, got 1"),
        (
            {"population_size": 2, "crossover": UNDXCrossover()},
            ValueError,
            "UNDXCrossover needs population_size >= 3, got 2",
        ),
        ({"mutation_prob": 1.5}, ValueError, r"need mutation_prob in \[0, 1\], got 1.5"),
        ({"crossover_prob": -0.1}, ValueError, r"need crossover_prob in \[0, 1\], got -0.1"),
        ({"swapping_prob": 2}, ValueError, r"need swapping_prob in \[0, 1\], got 2"),
        ({"crossover": "sbx"}, ValueError, "expected a crossover, .* got 'sbx'"),
        ({"crossover": SBXCrossover}, ValueError, "expected a crossover"),
        ({"crossover": PolynomialMutation()}, ValueError, "expected a crossover"),
        ({"mutation": SBXCrossover()}, ValueError, "expected a mutation"),
        ({"after_trial_strategy": print}, NotImplementedError, "callbacks"),
    ],
)
def test_a_bad_argument_is_refused_as_by_optuna_with_what_was_found(
    options: dict, kind: type, text: str
) -> None:
    with pytest.raises(kind, match=text):
        NSGAIISampler(**options)


@pytest.mark.parametrize("options", [*OPTIONS, {"population_size": 7, "seed": 3, "mutation_prob": 0.5}])
def test_a_sampler_is_made_again_from_its_spec(options: dict[str, Any]) -> None:
    sampler = NSGAIISampler(**options)
    again = sampler_from_spec(sampler.spec())
    assert again == sampler
    assert again.spec() == sampler.spec()


def test_a_studys_operators_are_restored_and_those_of_users_are_not_which_a_line_says(
    tmp_path, capfd: pytest.CaptureFixture[str]
) -> None:
    def study_with(name: str, sampler: Sampler) -> Sampler:
        url = f"sqlite:///{tmp_path}/{name}.db"
        raystudy.create_study(study_name="s", storage=url, sampler=sampler, directions=["minimize"] * 2)
        return raystudy.load_study(study_name="s", storage=url).sampler

    plain = NSGAIISampler(crossover=SBXCrossover(2.0), mutation=PolynomialMutation(3.0))
    assert study_with("plain", plain) == plain
    assert capfd.readouterr().err == ""
    own = NSGAIISampler(crossover=Middle(), mutation=ToTheTop(), elite_population_selection_strategy=max)
    assert study_with("own", PartialFixedSampler({}, own)) == PartialFixedSampler({}, NSGAIISampler())
    said = capfd.readouterr().err
    assert "as mutation and crossover and elite_population_selection_strategy cannot be stored" in said


def test_the_default_crossover_is_uniform_by_swapping_prob() -> None:
    one, other = (
        NSGAIISampler(swapping_prob=0.2),
        NSGAIISampler(crossover=UniformCrossover(0.2), swapping_prob=0.2),
    )
    assert (
        searched(one, CUBE, zdt1, 70).column("x0").tolist()
        == searched(other, CUBE, zdt1, 70).column("x0").tolist()
    )


def test_some_parameters_may_be_fixed() -> None:
    sampler = PartialFixedSampler({"x0": 0.5}, NSGAIISampler(population_size=10))
    history = searched(sampler, CUBE, zdt1, 40)
    assert set(history.column("x0")) == {0.5}
    assert len(set(history.column("x1"))) > 10
