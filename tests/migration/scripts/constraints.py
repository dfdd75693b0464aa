# compare: equal, on Ray by kind
"""The best trial is the best of the feasible ones."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    trial.set_constraint("at least one", 1 - x)
    return x**2


study = optuna.create_study()
for x in (0.0, 3.0, 1.5, -2.0):
    study.enqueue_trial({"x": x})
study.optimize(objective, n_trials=4)

result = {
    "best": study.best_params,
    "constraints": [trial.constraints for trial in study.trials],
    "front": [trial.number for trial in study.best_trials],
}
