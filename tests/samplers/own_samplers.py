"""Samplers as users write them with Optuna's hooks; the same classes run in Optuna and here, as ``lib``."""

from __future__ import annotations

import copy
import math
import random
from typing import Any, cast

import raystudy
from raystudy.samplers import RandomSampler


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


class Plain(raystudy.samplers.BaseSampler):
    """Draws nothing jointly and everything in the middle."""

    def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return RandomSampler(0).sample_independent(study, trial, param_name, param_distribution)
