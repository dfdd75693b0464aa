"""Samplers that users write, on a real local Ray: the sampler lives at the driver."""

import os
import random

import pytest

import raystudy
from raystudy.samplers import BaseSampler, RandomSampler

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster"), pytest.mark.filterwarnings("ignore")]


class Walk(BaseSampler):
    """A random walk of x from the last complete trial; keeps its position in the stream of random numbers."""

    def __init__(self):
        self.rng = random.Random(5)
        self.heard = []

    def before_trial(self, study, trial):
        study._storage.set_trial_system_attr(trial._trial_id, "walk:heard", len(self.heard))

    def infer_relative_search_space(self, study, trial):
        return raystudy.search_space.intersection_search_space(study.get_trials(deepcopy=False))

    def sample_relative(self, study, trial, search_space):
        if not search_space:
            return {}
        newest = study.get_trials(deepcopy=False, states=(raystudy.trial.TrialState.COMPLETE,))[-1]
        return {"x": min(9.0, max(0.0, newest.params["x"] + self.rng.uniform(-1, 1)))}

    def sample_independent(self, study, trial, param_name, param_distribution):
        if param_name == "late":
            return trial.params["x"] / 10
        return RandomSampler(1).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study, trial, state, values):
        self.heard.append((trial.number, state.name, values))


def objective(trial):
    x = trial.suggest_float("x", 0, 9)
    if trial.number % 2:
        trial.suggest_float("late", 0, x)
    return x


def test_one_worker_on_ray_gives_the_same_study_as_in_process_over_two_calls(tmp_path):
    stories = []
    for executor in ("inline", "ray"):
        sampler = Walk()
        study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/{executor}.db", sampler=sampler)
        for _ in range(2):
            study.optimize(objective, n_trials=5, executor=executor, n_jobs=1)
        attrs = [trial.system_attrs["walk:heard"] for trial in study.trials]
        stories.append(([(t.params, t.values) for t in study.trials], sampler.heard, attrs))
    assert stories[0] == stories[1]
    assert len({str(params) for params, _ in stories[0][0]}) == 10
    assert stories[0][2] == list(range(10))


def test_hooks_hear_of_each_trial_once_with_two_workers():
    study = raystudy.create_study(sampler=Walk())
    study.optimize(objective, n_trials=9, executor="ray", n_jobs=2)
    assert sorted(study.sampler.heard) == [(t.number, "COMPLETE", t.values) for t in study.trials]


class Fragile(Walk):
    """Takes the driver with it, once, when the fourth trial begins."""

    def __init__(self, marker):
        super().__init__()
        self.marker, self.reseeded = marker, 0

    def reseed_rng(self):
        self.reseeded += 1
        self.rng = random.Random(9)

    def before_trial(self, study, trial):
        super().before_trial(study, trial)
        if trial.number == 3 and not self.marker.exists():
            self.marker.touch()
            os._exit(1)


def test_a_driver_that_dies_in_a_hook_is_replaced_and_the_sampler_draws_other_numbers(tmp_path):
    sampler = Fragile(tmp_path / "died")
    study = raystudy.create_study(storage=f"sqlite:///{tmp_path}/a.db", sampler=sampler)
    study.optimize(objective, n_trials=6, executor="ray", n_jobs=1)
    assert sampler.marker.exists()
    assert sampler.reseeded == 1
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 6
    assert len({trial.params["x"] for trial in study.trials}) == 6
    assert [number for number, _, _ in sampler.heard] == [3, 4, 5]  # of the dead driver nothing came back


@pytest.mark.parametrize("hook", ["sample_relative", "sample_independent", "after_trial"])
def test_an_exception_in_a_hook_reaches_the_user_and_loses_nothing(hook):
    def fail(self, study, trial, *rest):
        if trial.number >= 4:
            raise ZeroDivisionError("in my hook")
        return getattr(Walk, hook)(self, study, trial, *rest)

    study = raystudy.create_study(sampler=type("Broken", (Walk,), {hook: fail})())
    with pytest.raises(ZeroDivisionError, match="in my hook"):
        study.optimize(objective, n_trials=20, executor="ray", n_jobs=2)
    assert [trial.state.name for trial in study.trials[:4]] == ["COMPLETE"] * 4
    assert len(study.trials) <= 8
    assert all(trial.state.is_finished() for trial in study.trials)
    study.sampler = RandomSampler(0)
    study.optimize(objective, n_trials=2, executor="inline")
    assert [trial.state.name for trial in study.trials[-2:]] == ["COMPLETE"] * 2
