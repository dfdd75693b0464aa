# compare: equal
"""An objective is called without a study, and with the best trial."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 10)
    kind = trial.suggest_categorical("kind", ("a", "b"))
    trial.report(x, 0)
    assert not trial.should_prune()
    return x * (2 if kind == "b" else 1)


alone = objective(optuna.trial.FixedTrial({"x": 3.0, "kind": "b"}))
study = optuna.create_study()
study.enqueue_trial({"x": 1.5, "kind": "b"})
study.optimize(objective, n_trials=1)

result = {"alone": alone, "again": objective(study.best_trial)}
