# compare: equal
"""Trials of a dead worker are failed and tried again."""

import warnings

import optuna

warnings.simplefilter("ignore")  # experimental there

storage = optuna.storages.RDBStorage(
    "sqlite:///beat.db",
    heartbeat_interval=1,
    grace_period=2,
    heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=1),
)
study = optuna.create_study(storage=storage, study_name="s")
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
optuna.storages.fail_stale_trials(study)

result = [trial.state.name for trial in study.trials]
