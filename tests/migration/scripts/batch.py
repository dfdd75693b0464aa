# compare: kind
"""A batch of trials is asked, evaluated at once, and told."""

import numpy as np
import optuna


def evaluate(xs):
    return (xs - 0.3) ** 2


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=2))
for _ in range(5):
    trials = [study.ask() for _ in range(8)]
    values = evaluate(np.array([trial.suggest_float("x", 0, 1) for trial in trials]))
    for trial, value in zip(trials, values, strict=True):
        study.tell(trial, value)

assert study.best_value < 0.1
result = {"n": len(study.trials), "different": len({trial.params["x"] for trial in study.trials})}
