# compare: equal
"""Trials that are worse than the median end early."""

import optuna


def objective(trial):
    level = trial.suggest_float("level", 0, 10)
    for step in range(10):
        trial.report(level - 0.1 * step, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return level


study = optuna.create_study(
    pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2, interval_steps=2)
)
for level in (5.0, 3.0, 8.0, 4.0, 9.0, 1.0, 6.0, 4.5):
    study.enqueue_trial({"level": level})
study.optimize(objective, n_trials=8)

result = [
    (trial.state.name, trial.value, trial.last_step, len(trial.intermediate_values)) for trial in study.trials
]
