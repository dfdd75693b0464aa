# compare: equal
"""A sampler of one's own: a walk around the best point so far."""

import numpy as np
import optuna


class WalkSampler(optuna.samplers.BaseSampler):
    def __init__(self):
        self._rng = np.random.RandomState(1)
        self._best = None

    def infer_relative_search_space(self, study, trial):
        return optuna.search_space.intersection_search_space(study.get_trials(deepcopy=False))

    def sample_relative(self, study, trial, search_space):
        if not search_space:
            return {}
        best = study.best_trial.params
        params = {}
        for name, distribution in search_space.items():
            width = 0.1 * (distribution.high - distribution.low)
            value = best[name] + width * self._rng.randn()
            params[name] = float(min(max(value, distribution.low), distribution.high))
        return params

    def sample_independent(self, study, trial, param_name, param_distribution):
        return float(self._rng.uniform(param_distribution.low, param_distribution.high))


def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    y = trial.suggest_float("y", -5, 5)
    return x**2 + y


study = optuna.create_study(sampler=WalkSampler())
study.optimize(objective, n_trials=15)

result = [{name: round(value, 9) for name, value in trial.params.items()} for trial in study.trials]
