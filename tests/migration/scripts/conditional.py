# compare: kind
"""A space whose parameters depend on an earlier one."""

import optuna


def objective(trial):
    model = trial.suggest_categorical("model", ["svm", "forest"])
    if model == "svm":
        c = trial.suggest_float("svm_c", 1e-10, 1e10, log=True)
        return abs(c - 1)
    depth = trial.suggest_int("forest_depth", 2, 32, log=True)
    for layer in range(depth % 3):
        trial.suggest_float(f"dropout_{layer}", 0.0, 0.5)
    return depth / 32


study = optuna.create_study(sampler=optuna.samplers.TPESampler(multivariate=True, group=True, seed=1))
study.optimize(objective, n_trials=30)

for trial in study.trials:
    assert ("svm_c" in trial.params) == (trial.params["model"] == "svm")
result = {"models": sorted({trial.params["model"] for trial in study.trials}), "value": study.best_value}
