# compare: equal
"""Points of a low-discrepancy sequence, the same in every library."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    y = trial.suggest_float("y", 1e-3, 1, log=True)
    return x + y


sampler = optuna.samplers.QMCSampler(
    qmc_type="halton", scramble=False, seed=1, warn_independent_sampling=False
)
study = optuna.create_study(sampler=sampler)
study.enqueue_trial({"x": 0.5, "y": 0.5})
study.optimize(objective, n_trials=9)

result = [{name: round(value, 9) for name, value in trial.params.items()} for trial in study.trials]
