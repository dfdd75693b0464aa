# compare: equal
"""Every pruner that decides by the reports alone."""

import optuna


def objective(trial):
    level = trial.suggest_float("level", 0, 10)
    for step in range(6):
        trial.report(level + (0.3 if step % 2 else 0.0), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return level


pruners = optuna.pruners
result = {}
for name, pruner in {
    "nop": pruners.NopPruner(),
    "percentile": pruners.PercentilePruner(25.0, n_startup_trials=2),
    "threshold": pruners.ThresholdPruner(lower=1.0, upper=7.0, n_warmup_steps=1),
    "patient": pruners.PatientPruner(pruners.MedianPruner(n_startup_trials=2), patience=2),
    "patience alone": pruners.PatientPruner(None, patience=3, min_delta=0.5),
}.items():
    study = optuna.create_study(pruner=pruner)
    for level in (5.0, 3.0, 8.0, 4.0, 9.0, 0.5, 6.0):
        study.enqueue_trial({"level": level})
    study.optimize(objective, n_trials=7)
    result[name] = [(trial.state.name, trial.last_step, trial.value) for trial in study.trials]
