# compare: kind, on Ray by kind
"""A trade-off between two objectives."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 5)
    y = trial.suggest_float("y", 0, 3)
    return 4 * x**2 + 4 * y**2, (x - 5) ** 2 + (y - 5) ** 2


study = optuna.create_study(directions=["minimize", "minimize"])
study.optimize(objective, n_trials=40)

front = study.best_trials
for one in front:
    for other in study.trials:
        assert not all(b < a for a, b in zip(one.values, other.values, strict=True))
try:
    study.best_trial  # noqa: B018
except RuntimeError as error:
    failed = type(error).__name__
result = {"some": 0 < len(front) <= 40, "failed": failed, "directions": [d.name for d in study.directions]}
