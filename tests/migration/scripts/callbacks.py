# compare: equal
"""A callback that stops the study, and one that counts."""

import optuna

seen = []


def stop_at_three(study, trial):
    seen.append((trial.number, trial.state.name, trial.value, len(study.trials)))
    if trial.number >= 3:
        study.stop()


study = optuna.create_study()
study.optimize(lambda trial: trial.number, n_trials=50, callbacks=[stop_at_three])

try:
    study.stop()
except RuntimeError as error:
    outside = type(error).__name__
result = {"seen": seen, "n": len(study.trials), "outside": outside}
