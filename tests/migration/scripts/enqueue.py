# compare: equal, on Ray by kind
"""Parameters that were tried by hand come first."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 10)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    return x + (kind == "b")


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.enqueue_trial({"x": 1.0, "kind": "b"}, user_attrs={"by": "hand"})
study.enqueue_trial({"x": 2.0, "kind": "a"})
study.enqueue_trial({"x": 2.0, "kind": "a"}, skip_if_exists=True)
study.enqueue_trial({"x": 3.0, "kind": "a"})
waiting = [trial.state.name for trial in study.trials]
study.optimize(objective, n_trials=3)

result = {
    "waiting": waiting,
    "trials": [(trial.number, trial.params, trial.value, trial.user_attrs) for trial in study.trials],
    "best": study.best_params,
}
