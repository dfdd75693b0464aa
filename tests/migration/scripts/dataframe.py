# compare: equal, on Ray by kind
"""Trials as a table."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1:
        raise optuna.TrialPruned
    if x > 0.5:
        trial.set_user_attr("large", True)
    return x


study = optuna.create_study()
for x in (0.25, 0.5, 0.75):
    study.enqueue_trial({"x": x})
study.optimize(objective, n_trials=3)

frame = study.trials_dataframe(attrs=("number", "value", "params", "user_attrs", "state"))
result = {"columns": list(frame.columns), "x": list(frame["params_x"]), "states": list(frame["state"])}
