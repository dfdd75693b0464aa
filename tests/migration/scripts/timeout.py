# compare: kind
"""A limit of time."""

import time

import optuna


def objective(trial):
    time.sleep(0.05)
    return trial.suggest_float("x", 0, 1)


study = optuna.create_study()
begin = time.perf_counter()
study.optimize(objective, timeout=0.5)
assert time.perf_counter() - begin < 20

result = {"some": len(study.trials) >= 1, "states": sorted({trial.state.name for trial in study.trials})}
