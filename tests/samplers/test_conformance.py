"""What every sampler must do, for all of them: a new sampler is one line in ``cases.py``."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pytest

import raystudy
from raystudy import samplers
from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers import (
    BaseSampler,
    sampler_from_spec,
)
from raystudy.samplers.history import History
from raystudy.samplers.hooks import HistorySampler
from raystudy.samplers.seeding import generator
from tests.samplers.cases import CASES, FINITE, Case, loss, two_losses
from tests.samplers.helpers import MAX, MIN, MIXED, Params, Searched, Space, X, is_inside

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

#: Names in ``samplers.__all__`` that are no samplers to search with.
NO_CASE = {
    *("BaseGASampler", "BaseSampler", "HistorySampler", "Sampler", "SamplerStudy"),
    *("nsgaii", "sampler_from_spec"),
}

every = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(drawn by|lies outside).*", UserWarning)
        yield


def test_every_sampler_is_a_case() -> None:
    tested = {type(case.make(0)).__name__ for case in CASES}
    assert tested == set(samplers.__all__) - NO_CASE


@every
def test_proposals_have_all_parameters_inside_of_their_domains_and_in_their_types(case: Case) -> None:
    for params in Searched(case.make(0)).run(25, case.space, loss):
        assert is_inside(params, case.space)


@every
def test_equal_seeds_give_equal_searches_whatever_the_sampler_was_asked_before(case: Case) -> None:
    used = case.make(None)
    Searched(used, seed=5).run(12, case.space, loss)
    again, fresh = (Searched(each, seed=3).run(20, case.space, loss) for each in (used, case.make(None)))
    assert again == fresh
    assert len({str(params) for params in fresh}) > 15


def objective(space: Space, several: bool) -> Callable[[Any], Any]:
    def run(trial: Any) -> Any:
        params = {name: trial._suggest(name, each) for name, each in space.items()}
        if trial.number % 6 == 4:
            raise ZeroDivisionError
        return two_losses(params) if several else loss(params)[0]

    return run


@every
@pytest.mark.parametrize("several", [False, True])
def test_a_search_resumed_from_sqlite_goes_on_bit_for_bit(case: Case, several: bool, tmp_path: Any) -> None:
    if several and not case.several:
        pytest.skip("searches for one objective")
    options: dict[str, Any] = {
        **{"catch": (ZeroDivisionError,), "show_progress_bar": False, "executor": "inline"},
        "func": objective(case.space, several),
    }
    directions = ["minimize"] * (1 + several)
    url = f"sqlite:///{tmp_path}/a.db"
    raystudy.create_study(storage=url, study_name="s", sampler=case.make(7), directions=directions).optimize(
        n_trials=13, **options
    )
    resumed = raystudy.load_study(storage=url, study_name="s")
    resumed.optimize(n_trials=7, **options)
    whole = raystudy.create_study(sampler=case.make(7), directions=directions)
    whole.optimize(n_trials=20, **options)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in whole.trials]
    assert resumed.sampler.spec() == whole.sampler.spec()


@every
@pytest.mark.parametrize("values", [[math.inf], [-math.inf, 1.0], [math.nan, 1.0], [0.0], [1e308, -1e308]])
def test_values_that_say_nothing_leave_proposals_in_the_space(case: Case, values: list[float]) -> None:
    search, told = Searched(case.make(0)), itertools.cycle(values)
    for params in search.run(16, case.space, lambda params: [next(told)]):
        assert is_inside(params, case.space)


@every
def test_failed_and_pruned_trials_leave_proposals_in_the_space(case: Case) -> None:
    search = Searched(case.make(0))
    endings: list[dict[str, Any]] = [
        {"values": None, "state": TrialState.FAIL},
        {"values": None, "state": TrialState.PRUNED},
        {"values": None, "state": TrialState.PRUNED, "report": math.nan},
        {"values": [1.0], "state": TrialState.PRUNED, "report": 1.0},
        {"values": [0.5]},
    ]
    for number in range(24):
        trial = search.ask(case.space)
        search.tell(trial, **endings[number % len(endings) if number >= 8 else 0])
        assert is_inside(trial.params, case.space)


@every
def test_a_space_of_single_values_is_proposed(case: Case) -> None:
    single: Space = {"kind": CategoricalDistribution(("b",)), "n": IntDistribution(2, 2)}
    for params in Searched(case.make(0)).run(14, single, loss):
        assert params == {"kind": "b", "n": 2}


@every
def test_branches_are_searched(case: Case) -> None:
    def branching(params: Params) -> Space:
        kind: Space = {"kind": MIXED["kind"]}
        if params.get("kind") == "a":
            return {**kind, "rate": FINITE["rate"]}
        if params.get("kind") == "b":
            return {**kind, "n": IntDistribution(1, 4), "m": IntDistribution(1, params.get("n", 1))}
        return kind

    search = Searched(case.make(0))
    for params in search.run(28, branching, loss):
        assert is_inside(params, branching(params))
    kinds = {params["kind"] for params in search.params}
    assert "b" in kinds
    assert len(kinds) == (1 if case.name == "fixed" else 3)


@every
@pytest.mark.parametrize("grows", [True, False])
def test_domains_that_grow_or_shrink_are_searched_on(case: Case, grows: bool) -> None:
    search = Searched(case.make(0))
    for number in range(24):
        at = number if grows else 24 - number
        domains: Space = {"kind": FINITE["kind"], "n": IntDistribution(1, 4 + at // 4)}
        if case.space is MIXED:
            domains = {**domains, "x": FloatDistribution(-1.0 - at, 1.0 + at), "lr": MIXED["lr"]}
        trial = search.ask(domains)
        assert is_inside(trial.params, domains)
        search.tell(trial, loss(trial.params))


@every
def test_parameters_that_come_and_go_are_searched(case: Case) -> None:
    search = Searched(case.make(0))
    names = list(case.space)
    for number in range(24):
        some = {name: case.space[name] for name in names[(number // 8) % 2 :]}
        trial = search.ask(some)
        assert is_inside(trial.params, some)
        search.tell(trial, loss(trial.params))


@every
def test_100_pending_trials_are_100_proposals(case: Case) -> None:
    search = Searched(case.make(0))
    search.run(12, case.space, loss)
    pending = [search.ask(case.space).params for _ in range(100 if case.space is MIXED else 24)]
    assert all(is_inside(params, case.space) for params in pending)
    assert len({str(params) for params in pending}) == len(pending)


@pytest.mark.parametrize("n_told", [0, 12])
@every
def test_no_pending_point_is_repeated_while_a_finite_space_has_others(case: Case, n_told: int) -> None:
    if case.spreads is None or case.spreads > n_told:
        pytest.skip("may repeat a pending point")
    search = Searched(case.make(0))
    search.run(1, FINITE, loss)
    search.run(n_told, FINITE, loss)
    pending = [str(search.ask(FINITE).params) for _ in range(14)]
    assert len(set(pending)) == len(pending)


@pytest.mark.parametrize("case", [case for case in CASES if case.constraints], ids=str)
def test_the_region_that_meets_the_constraints_is_preferred(case: Case) -> None:
    space: Space = {"x": X, "y": X}
    shares = []
    for is_constrained in (True, False):
        search = Searched(case.make(0))
        for _ in range(50):
            trial = search.ask(space)
            x, y = float(trial.params["x"]), float(trial.params["y"])
            search.tell(trial, [x + y], constraint=0.5 - x if is_constrained else None)
        # The best that meets the constraint lies on its border, where a model of it may be a little off.
        shares.append(np.mean([params["x"] > 0.45 for params in search.params[25:]]))
    assert shares[0] > max(0.5, shares[1] + 0.2)


@pytest.mark.parametrize("case", [case for case in CASES if case.several], ids=str)
def test_several_objectives_are_searched(case: Case) -> None:
    search = Searched(case.make(0), [MIN, MAX])
    for params in search.run(25, case.space, two_losses):
        assert is_inside(params, case.space)


@pytest.mark.parametrize("case", [case for case in CASES if not case.several], ids=str)
def test_several_objectives_are_refused_by_who_cannot_search_for_them(case: Case) -> None:
    with pytest.raises((ValueError, NotImplementedError), match="objective"):
        Searched(case.make(0), [MIN, MIN]).run(1, case.space, two_losses)


def content(history: History) -> list[Any]:
    columns = [history.column(name) for name in history.known_space()]
    arrays: list[np.ndarray] = [history.states, history.roles, history.values, history.violations, *columns]
    spaces = [dict(history.space(number)) for number in range(len(history))]
    return [*(array.tobytes() for array in arrays), spaces, history.known_space(), history.version]


@every
@pytest.mark.parametrize("n", [3, 14])
def test_asking_changes_no_history(case: Case, n: int) -> None:
    search, sampler = Searched(case.make(0)), case.make(0)
    search.run(n, case.space, loss)
    search.ask(case.space)
    history = search.proposer.history
    history.asking = n + 1
    before = copy.deepcopy(content(history))
    joint = sampler.joint_space(history)
    sampler.propose(dict(joint), history, generator(0, n + 1))
    for name, distribution in case.space.items():
        sampler.sample(name, distribution, history, generator(0, n + 1, name))
    assert content(history) == before


@every
@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_a_sampler_travels_to_another_process(case: Case, dumps: Any) -> None:
    sampler = case.make(3)
    before = Searched(sampler, seed=3)
    before.run(14, case.space, loss)
    arrived = pickle.loads(dumps(sampler))
    assert arrived == sampler
    expected = before.ask(case.space).params
    there = Searched(arrived, seed=3)
    there.run(14, case.space, loss)
    assert there.ask(case.space).params == expected


@every
def test_a_sampler_is_made_again_from_its_spec(case: Case) -> None:
    sampler = case.make(3)
    again = sampler_from_spec(json.loads(json.dumps(sampler.spec())))
    found, expected = (Searched(each, seed=3).run(16, case.space, loss) for each in (again, sampler))
    assert (again.spec(), found) == (sampler.spec(), expected)


class Delegating(BaseSampler):
    """Asks another sampler by Optuna's hooks."""

    def __init__(self, inner: BaseSampler) -> None:
        self.inner = inner

    def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> Any:
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: FrozenTrial, search_space: Any) -> Any:
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(self, study: Any, trial: FrozenTrial, param_name: str, distribution: Any) -> Any:
        return self.inner.sample_independent(study, trial, param_name, distribution)


@every
def test_a_sampler_answers_optunas_hooks(case: Case) -> None:
    assert isinstance(case.make(0), HistorySampler)
    first, second = (Searched(Delegating(case.make(4))).run(20, case.space, loss) for _ in range(2))
    assert all(is_inside(params, case.space) for params in first)
    assert first == second
    assert len({str(params) for params in first}) > 12
