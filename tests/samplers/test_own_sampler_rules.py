"""What a sampler that users write may do in a study, what it may not, and what becomes of its errors."""

from __future__ import annotations

from typing import Any

import pytest

import raystudy
from raystudy.exceptions import UpdateFinishedTrialError
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.trial import TrialState
from tests.samplers.own_samplers import Plain, asked, run


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
