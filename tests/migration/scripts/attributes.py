# compare: equal, on Ray by kind
"""Attributes of studies and trials."""

import optuna


def objective(trial):
    trial.set_user_attr("squares", [1, 4, 9])
    trial.set_user_attr("nested", {"a": {"b": None}})
    return 1.0


study = optuna.create_study()
study.set_user_attr("contributors", ["ada", "grace"])
study.set_user_attr("contributors", ["ada"])
study.optimize(objective, n_trials=1)

result = {"study": study.user_attrs, "trial": study.trials[0].user_attrs}
