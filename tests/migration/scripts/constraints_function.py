# compare: kind
"""Constraints by a function of the sampler, deprecated but working."""

import warnings

import optuna

warnings.simplefilter("ignore")


def objective(trial):
    x = trial.suggest_float("x", -15, 30)
    y = trial.suggest_float("y", -15, 30)
    trial.set_user_attr("constraint", [1000 - 4 * x * x, x - y])
    return 4 * x**2 + 4 * y**2, (x - 5) ** 2 + (y - 5) ** 2


def constraints(trial):
    return trial.user_attrs["constraint"]


sampler = optuna.samplers.TPESampler(constraints_func=constraints, seed=1)
study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
study.optimize(objective, n_trials=40)

for trial in study.best_trials:
    assert all(value <= 0 for value in trial.constraints.values())
result = {"keys": sorted(study.trials[0].constraints)}
