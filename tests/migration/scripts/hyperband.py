# compare: kind, on Ray by kind
"""Hyperband around an objective that reports each epoch."""

import optuna


def objective(trial):
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    error = 1.0
    for epoch in range(1, 28):
        error *= 0.9 if rate > 1e-2 else 0.97
        trial.report(error, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return error


pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=27, reduction_factor=3)
study = optuna.create_study(study_name="hyperband", pruner=pruner)
study.optimize(objective, n_trials=30)

states = [trial.state.name for trial in study.trials]
assert states.count("PRUNED") > 3
assert states.count("COMPLETE") > 0
result = {"n": len(states), "states": sorted(set(states)), "value": study.best_value}
