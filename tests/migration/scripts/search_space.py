# compare: equal
"""The parameters that all trials share."""

import optuna
from optuna.search_space import IntersectionSearchSpace, intersection_search_space


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number % 2:
        trial.suggest_int("n", 1, 5)
    return x


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(objective, n_trials=4)

shared = intersection_search_space(study.get_trials(deepcopy=False))
result = {"shared": sorted(shared), "same": sorted(IntersectionSearchSpace().calculate(study))}
