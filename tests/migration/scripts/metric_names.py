# compare: equal
"""Objectives with names."""

import warnings

import optuna

warnings.simplefilter("ignore")

study = optuna.create_study(directions=["minimize", "maximize"])
study.set_metric_names(["loss", "accuracy"])
study.optimize(lambda trial: (1.0, 0.5), n_trials=2)

result = {
    "names": study.metric_names,
    "columns": list(study.trials_dataframe(attrs=("number", "values")).columns),
}
