# compare: kind
"""Several trials at once, in threads."""

import threading

import optuna

lock = threading.Lock()
inside, most = 0, 0
meet = threading.Barrier(2, timeout=20)


def objective(trial):
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    x = trial.suggest_float("x", 0, 1)
    if trial.number < 2:
        meet.wait()
    with lock:
        inside -= 1
    return x


study = optuna.create_study()
study.optimize(objective, n_trials=12, n_jobs=2)

assert sorted(trial.number for trial in study.trials) == list(range(12))
result = {"n": len(study.trials), "most": most}
