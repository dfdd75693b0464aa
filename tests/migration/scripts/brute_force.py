# compare: equal, on Ray by kind
"""Every point of a finite, conditional space once."""

import warnings

import optuna

warnings.simplefilter("ignore")  # experimental there


def objective(trial):
    if trial.suggest_categorical("deep", [True, False]):
        return trial.suggest_int("layers", 2, 4)
    return trial.suggest_float("width", 0.0, 1.0, step=0.5)


study = optuna.create_study(sampler=optuna.samplers.BruteForceSampler())
study.optimize(objective)

result = sorted(str(sorted(trial.params.items())) for trial in study.trials)
