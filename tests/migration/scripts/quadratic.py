# compare: kind, on Ray by kind
"""The first script of everybody."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    return (x - 2) ** 2


study = optuna.create_study()
study.optimize(objective, n_trials=40)

assert abs(study.best_params["x"] - 2) < 2
assert study.best_value == min(trial.value for trial in study.trials)
result = {
    "params": study.best_params,
    "value": study.best_value,
    "n": len(study.trials),
    "states": [trial.state.name for trial in study.trials],
    "direction": study.direction.name,
}
