"""Samplers that users write with Optuna's hooks: the same classes run in Optuna and here."""

from __future__ import annotations

import copy
import math
import random
from collections import Counter
from typing import Any, cast

import optuna
import pytest

import raystudy
from raystudy.exceptions import UpdateFinishedTrialError
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.CRITICAL)


def annealing(lib: Any) -> Any:
    """Moves to a neighbour of the last point that was accepted, and accepts worse ones while it is hot."""

    class Annealing(lib.samplers.BaseSampler):
        def __init__(self) -> None:
            self.rng = random.Random(7)
            self.temperature, self.here = 100.0, cast(Any, None)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return lib.search_space.intersection_search_space(study.get_trials(deepcopy=False))

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            if not search_space:
                return {}
            newest = study.get_trials(deepcopy=False, states=(lib.trial.TrialState.COMPLETE,))[-1]
            loss = self.here is None or newest.value - self.here.value
            if loss is True or loss <= 0 or self.rng.random() < math.exp(-loss / self.temperature):
                self.here = newest
            self.temperature *= 0.9
            return {name: self.near(name, each) for name, each in search_space.items()}

        def near(self, name: str, distribution: Any) -> Any:
            if isinstance(distribution, lib.distributions.CategoricalDistribution):
                return self.rng.choice(distribution.choices)
            reach = 0.2 * (distribution.high - distribution.low)
            value = self.here.params[name] + self.rng.uniform(-reach, reach)
            value = min(max(value, distribution.low), distribution.high)
            return round(value) if isinstance(distribution, lib.distributions.IntDistribution) else value

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return draw(self.rng, param_distribution)

    return Annealing()


def independent(lib: Any) -> Any:
    """Draws each parameter alone, between two of the best third."""

    class Independent(lib.samplers.BaseSampler):
        def __init__(self) -> None:
            self.rng = random.Random(3)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            ranked = sorted((t for t in study.trials if t.values), key=lambda t: t.value)
            best = [t.params[param_name] for t in ranked[: len(ranked) // 3] if param_name in t.params]
            if not best or param_name != "x":
                return draw(self.rng, param_distribution)
            return self.rng.uniform(min(best) - 0.1, max(best))

    return Independent()


def wrapping(lib: Any) -> Any:
    """Leaves all to a sampler of the library, but for every third trial, which repeats the best one."""

    class Wrapping(lib.samplers.BaseSampler):
        def __init__(self) -> None:
            self.inner = lib.samplers.TPESampler(n_startup_trials=4, seed=1)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self.inner.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            if trial.number % 3 == 2:
                return {name: study.best_params[name] for name in search_space}
            return self.inner.sample_relative(study, trial, search_space)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            if trial.number % 3 == 2 and param_name in study.best_params:
                return study.best_params[param_name]
            return self.inner.sample_independent(study, trial, param_name, param_distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self.inner.after_trial(study, trial, state, values)

    return Wrapping()


def counting(lib: Any) -> Any:
    """Keeps its generation with the study and with each trial, and nothing in itself."""

    class Counting(lib.samplers.BaseSampler):
        def generation(self, study: Any) -> int:
            return int(study._storage.get_study_system_attrs(study._study_id).get("mine:generation", 0))

        def before_trial(self, study: Any, trial: Any) -> None:
            storage, number = study._storage, self.generation(study)
            storage.set_trial_system_attr(trial._trial_id, "mine:generation", number)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return lib.search_space.IntersectionSearchSpace().calculate(study)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            mine = study._storage.get_trial_system_attrs(trial._trial_id)["mine:generation"]
            rng = random.Random(mine * 1000 + trial.number)
            return {name: draw(rng, each) for name, each in search_space.items()}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return draw(random.Random(f"{trial.number} {sorted(trial.params)}"), param_distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            mine = trial.system_attrs["mine:generation"]
            same = [t for t in study.trials if t.system_attrs.get("mine:generation") == mine]
            if len(same) == 4:
                study._storage.set_study_system_attr(study._study_id, "mine:generation", mine + 1)

    return Counting()


def draw(rng: random.Random, distribution: Any) -> Any:
    choices = getattr(distribution, "choices", None)
    if choices:
        return rng.choice(choices)
    if isinstance(distribution.to_external_repr(distribution.low), int):
        return rng.randint(distribution.low, distribution.high)
    return rng.uniform(distribution.low, distribution.high)


def objective(trial: Any) -> float:
    x = trial.suggest_float("x", -5.0, 5.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    depth = trial.suggest_int("depth", 1, 9) if kind == "a" else 5
    if trial.number == 6:
        raise ZeroDivisionError
    return float(x**2 + depth)


def run(study: Any, n_trials: int = 20, func: Any = objective, **options: Any) -> Any:
    quiet = {"executor": "inline"} if isinstance(study, raystudy.Study) else {}
    study.optimize(
        func, n_trials=n_trials, catch=(ZeroDivisionError,), show_progress_bar=False, **quiet, **options
    )
    return study


def asked(study: Any, n_trials: int = 20) -> Any:
    for _ in range(n_trials):
        trial = study.ask()
        try:
            study.tell(trial, objective(trial))
        except ZeroDivisionError:
            study.tell(trial, state=type(study.trials[0].state).FAIL)
    return study


def story(study: Any) -> list[Any]:
    return [(t.number, t.state.name, t.params, t.values) for t in study.trials]


@pytest.mark.parametrize("make", [annealing, independent, counting])
@pytest.mark.parametrize("search", [run, asked])
def test_a_sampler_written_for_optuna_proposes_the_same_after_the_import_change(
    make: Any, search: Any
) -> None:
    theirs, ours = (search(lib.create_study(sampler=make(lib))) for lib in (optuna, raystudy))
    assert story(ours) == story(theirs)
    assert len({str(t.params) for t in ours.trials}) > 10


@pytest.mark.parametrize("lib", [optuna, raystudy])
def test_a_sampler_may_delegate_to_one_of_the_library(lib: Any) -> None:
    study = run(lib.create_study(sampler=wrapping(lib)))
    for trial in study.trials[2::3]:
        before = [t for t in study.trials[: trial.number] if t.values]
        best = min(before, key=lambda t: t.value)
        assert trial.params["x"] == best.params["x"]
    assert len({t.params["x"] for t in study.trials}) >= 13


@pytest.mark.parametrize("lib", [optuna, raystudy])
def test_a_counter_in_attributes_goes_on_when_the_study_is_opened_again(lib: Any, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    run(lib.create_study(storage=url, study_name="s", sampler=counting(lib)), n_trials=10)
    study = run(lib.load_study(storage=url, study_name="s", sampler=counting(lib)), n_trials=10)
    assert story(study) == story(run(lib.create_study(sampler=counting(lib))))
    assert [t.system_attrs["mine:generation"] for t in study.trials] == [n // 4 for n in range(20)]


def eavesdropping(lib: Any, heard: list[Any]) -> Any:
    class Eavesdropping(lib.samplers.BaseSampler):
        def hear(self, hook: str, study: Any, trial: Any, *rest: Any) -> None:
            others = [(t.number, t.state.name, t.params, t.values) for t in study.trials]
            facts = [study.study_name, study.direction.name, study.user_attrs]
            mine = [trial.number, trial.state.name, trial.params, trial.values, trial.user_attrs]
            heard.append(copy.deepcopy([hook, *facts, *mine, others, *rest]))

        def before_trial(self, study: Any, trial: Any) -> None:
            self.hear("before", study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            self.hear("infer", study, trial)
            return {"x": lib.distributions.FloatDistribution(-5.0, 5.0)}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            self.hear("relative", study, trial, sorted(search_space))
            return {"x": trial.number / 10.0}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            self.hear("independent", study, trial, param_name, type(param_distribution).__name__)
            return "a" if param_name == "kind" else 3

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self.hear("after", study, trial, state.name, values)

    return Eavesdropping()


@pytest.mark.parametrize("search", [run, asked])
def test_hooks_see_what_they_see_in_optuna(search: Any) -> None:
    heard: dict[str, list[Any]] = {"optuna": [], "raystudy": []}
    for lib in (optuna, raystudy):
        study = lib.create_study(study_name="s", sampler=eavesdropping(lib, heard[lib.__name__]))
        study.set_user_attr("owner", "me")
        study.enqueue_trial({"kind": "b"})
        search(study, 8)
    assert heard["raystudy"] == heard["optuna"]
    assert Counter(each[0] for each in heard["raystudy"])["after"] == 8


def test_hooks_run_once_per_trial_and_one_at_a_time_with_many_jobs() -> None:
    heard: list[Any] = []
    run(raystudy.create_study(sampler=eavesdropping(raystudy, heard)), n_trials=24, n_jobs=4)
    for hook in ("before", "infer", "relative", "after"):
        assert sorted(each[4] for each in heard if each[0] == hook) == list(range(24))


def test_an_interrupted_trial_goes_on_with_what_was_drawn_for_it() -> None:
    def interrupted(trial: Any) -> float:
        if trial.number == 3 and trial.attempt == 1:
            raise KeyboardInterrupt
        return objective(trial)

    def heard_of_3() -> list[Any]:
        return [each[0] for each in heard if each[4] == 3]

    heard: list[Any] = []
    study = raystudy.create_study(sampler=eavesdropping(raystudy, heard))
    with pytest.raises(KeyboardInterrupt):
        run(study, n_trials=5, func=interrupted)
    assert heard_of_3() == ["before", "infer", "relative"]
    run(study, n_trials=2, func=interrupted)
    assert heard_of_3() == ["before", "infer", "relative", "independent", "independent", "after"]
    assert study.trials[3].params == {"x": 0.3, "kind": "a", "depth": 3}


def test_a_sampler_sees_the_front_of_several_objectives() -> None:
    seen: list[list[int]] = []

    class Frontier(Plain):
        def before_trial(self, study: Any, trial: Any) -> None:
            assert [each.name for each in study.directions] == ["MINIMIZE", "MAXIMIZE"]
            seen.append([each.number for each in study.best_trials])
            with pytest.raises(RuntimeError, match="2"):
                _ = study.best_trial

    study = raystudy.create_study(directions=["minimize", "maximize"], sampler=Frontier())
    run(study, 4, lambda trial: ([1.0, 2.0, 0.0, 3.0][trial.number], [1.0, 2.0, 3.0, 0.0][trial.number]))
    assert seen == [[], [0], [0, 1], [2]]
    assert [trial.number for trial in study.best_trials] == [2]


class Plain(raystudy.samplers.BaseSampler):
    """Draws nothing jointly and everything in the middle."""

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return RandomSampler(0).sample_independent(study, trial, param_name, param_distribution)


HOOKS = [
    "before_trial",
    "infer_relative_search_space",
    "sample_relative",
    "sample_independent",
    "after_trial",
]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_an_exception_in_a_hook_ends_the_call_and_loses_nothing(hook: str, n_jobs: int) -> None:
    def fail(_self: Any, study: Any, trial: Any, *_rest: Any) -> Any:
        if trial.number >= 5:
            raise KeyError("my column")
        return getattr(Plain, hook)(_self, study, trial, *_rest)

    broken = type("Broken", (Plain,), {hook: fail})()
    study = raystudy.create_study(sampler=broken)
    with pytest.raises(KeyError, match="my column"):
        run(study, n_jobs=n_jobs)
    states = [trial.state for trial in study.trials]
    assert states[:5] == [TrialState.COMPLETE] * 5
    assert 6 <= len(states) <= 5 + n_jobs
    expected = TrialState.COMPLETE if hook == "after_trial" else TrialState.FAIL
    assert states[5] is expected
    assert all(state.is_finished() for state in states)
    study.sampler = Plain()
    assert len(run(study, n_trials=2).trials) == len(states) + 2


@pytest.mark.parametrize("hook", HOOKS)
def test_an_exception_in_a_hook_reaches_ask_suggest_or_tell(hook: str) -> None:
    def fail(*_args: Any) -> Any:
        raise KeyError("my column")

    study = raystudy.create_study(sampler=type("Broken", (Plain,), {hook: fail})())
    with pytest.raises(KeyError, match="my column"):
        asked(study, n_trials=1)
    expected = {"after_trial": TrialState.COMPLETE, "sample_independent": TrialState.RUNNING}
    assert study.trials[0].state is expected.get(hook, TrialState.FAIL)


def test_a_users_sampler_must_be_given_again_but_for_reading(tmp_path: Any, capfd: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    run(raystudy.create_study(storage=url, study_name="a", sampler=Plain()))
    assert "your sampler Plain cannot be stored" in capfd.readouterr().err
    study = raystudy.load_study(study_name="a", storage=url)
    assert (len(study.trials), study.best_value >= 0) == (20, True)
    for search in (run, asked):
        with pytest.raises(ValueError, match=r"searched by your own Plain.*sampler=Plain\(\.\.\.\)"):
            search(study)
    run(raystudy.load_study(study_name="a", storage=url, sampler=Plain()), n_trials=1)
    run(raystudy.load_study(study_name="a", storage=url, sampler=RandomSampler()), n_trials=1)
    assert len(run(raystudy.load_study(study_name="a", storage=url), n_trials=1).trials) == 23


def test_a_sampler_may_end_the_search() -> None:
    class Sated(Plain):
        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            if trial.number == 3:
                study.stop()

    assert len(run(raystudy.create_study(sampler=Sated())).trials) == 4


def test_attributes_that_cannot_be_set_are_refused_with_a_reason() -> None:
    refused: list[str] = []

    class Careless(Plain):
        def before_trial(self, study: Any, trial: Any) -> None:
            storage = study._storage
            for action in (
                lambda: storage.set_trial_system_attr(trial._trial_id, "a", object()),
                lambda: storage.set_trial_system_attr(study.trials[0]._trial_id, "a", 1),
                lambda: storage.set_trial_system_attr(10**9, "a", 1),
                lambda: storage.set_study_system_attr(10**9, "a", 1),
                lambda: storage.set_trial_state_values(trial._trial_id, TrialState.FAIL),
                lambda: study.set_user_attr("a", 1),
            ):
                with pytest.raises(Exception) as caught:  # noqa: PT011 - each its own, looked at below
                    action()
                refused.append(f"{caught.type.__name__}: {caught.value}")

    study = raystudy.create_study(sampler=Careless())
    study.add_trial(raystudy.create_trial(value=1.0))
    run(study, n_trials=1)
    words = ["JSON", UpdateFinishedTrialError.__name__, "10000", "10000", "has no 'set_trial_state_values'"]
    assert len(refused) == 6
    for text, word in zip(refused, [*words, "set_study_system_attr"], strict=True):
        assert word in text
    assert study.trials[1].state is TrialState.COMPLETE


def test_joint_values_outside_of_the_space_are_drawn_alone_and_unknown_ones_refused() -> None:
    class Wide(Plain):
        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return {"x": raystudy.distributions.FloatDistribution(-5.0, 5.0)}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return {"x": 7.0} if trial.number == 0 else {"y": 7.0}

        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            return 1.5 if name == "x" else Plain.sample_independent(self, study, trial, name, distribution)

    study = raystudy.create_study(sampler=Wide())
    with pytest.raises(ValueError, match=r"returned \['y'\].*expected some of \['x'\]"):
        run(study)
    assert [trial.params.get("x") for trial in study.trials] == [1.5, None]


def test_a_value_outside_of_its_distribution_is_used_with_a_warning() -> None:
    class Wide(Plain):
        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            return 7.0

    study = raystudy.create_study(sampler=Wide())
    with pytest.warns(UserWarning, match=r"Wide: x=7.0 lies outside"):
        run(study, n_trials=1, func=lambda trial: trial.suggest_float("x", 0.0, 1.0))
    assert study.best_params == {"x": 7.0}


def test_one_of_ours_with_a_hook_changed_is_asked_by_its_hooks() -> None:
    class Bold(TPESampler):
        ended: list[int] = []  # noqa: RUF012 - for the test

        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            value = TPESampler.sample_independent(self, study, trial, name, distribution)
            return abs(value) if name == "x" else value

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self.ended.append(trial.number)

    run(raystudy.create_study(sampler=Bold(seed=1)), n_trials=6)
    assert Bold.ended == list(range(6))
    study = run(raystudy.create_study(sampler=Bold(seed=1, n_startup_trials=30, multivariate=False)))
    assert all(trial.params["x"] >= 0.0 for trial in study.trials)


def test_two_equal_questions_of_one_trial_have_two_answers_and_a_seed_repeats_them() -> None:
    def answers(seed: int) -> list[float]:
        sampler, space = RandomSampler(seed), raystudy.distributions.FloatDistribution(0.0, 1.0)
        study = raystudy.create_study()
        trial = raystudy.trial.FrozenTrial(0, TrialState.RUNNING)
        return [sampler.sample_independent(study, trial, "x", space) for _ in range(5)]

    assert len(set(answers(1))) == 5
    assert answers(1) == answers(1) != answers(2)


def test_a_study_that_is_given_to_our_hooks_by_users_is_learned_from() -> None:
    study = run(
        raystudy.create_study(sampler=RandomSampler(0)), 60, lambda t: abs(t.suggest_float("x", -5, 5))
    )
    sampler, trial = TPESampler(seed=0), raystudy.trial.FrozenTrial(60, TrialState.RUNNING)
    space = sampler.infer_relative_search_space(study, trial)
    drawn = [abs(sampler.sample_relative(study, trial, space)["x"]) for _ in range(20)]
    assert list(space) == ["x"]
    assert sum(drawn) / 20 < 1.0


def test_what_is_no_sampler_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"expected a sampler.*got 'tpe'"):
        raystudy.create_study(sampler="tpe")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="abstract"):
        raystudy.samplers.BaseSampler()  # type: ignore[abstract]


def test_a_search_by_a_users_sampler_can_be_simulated() -> None:
    def curve(trial: Any) -> Any:
        trial.suggest_float("x", -5.0, 5.0)
        return [(1.0, 0.5)]

    found = raystudy.simulate(curve, n_workers=2, n_trials=4, sampler=Plain())
    assert len(found.study.trials) == 4
