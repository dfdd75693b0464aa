# compare: equal, on Ray by kind
"""All combinations of a grid."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    return x**2 + (kind == "a")


space = {"x": [-1.0, 0.0, 2.0], "kind": ["a", "b", None]}
study = optuna.create_study(sampler=optuna.samplers.GridSampler(space))
study.optimize(objective, n_trials=100)

result = {
    "n": len(study.trials),
    "points": sorted((trial.params["x"], str(trial.params["kind"])) for trial in study.trials),
    "best": study.best_value,
}
