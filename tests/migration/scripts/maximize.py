# compare: kind, on Ray by kind
"""A study that maximises, with whole numbers on two scales."""

import optuna


def objective(trial):
    depth = trial.suggest_int("depth", 1, 9, step=2)
    units = trial.suggest_int("units", 1, 1024, log=True)
    rate = trial.suggest_float("rate", 0.0, 0.9, step=0.3)
    return depth - abs(units - 64) / 64 - rate


study = optuna.create_study(direction="maximize", study_name="net")
study.optimize(objective, n_trials=30)

for trial in study.trials:
    assert trial.params["depth"] in (1, 3, 5, 7, 9)
    assert round(trial.params["rate"], 9) in (0.0, 0.3, 0.6, 0.9)
result = {
    "name": study.study_name,
    "best": study.best_trial.params,
    "distributions": {name: str(type(d).__name__) for name, d in study.best_trial.distributions.items()},
}
