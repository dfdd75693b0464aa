# compare: equal, on Ray by kind
"""Names of before 3.0, which old scripts still have."""

import warnings

import optuna

warnings.simplefilter("ignore", FutureWarning)


def objective(trial):
    a = trial.suggest_uniform("a", 0, 1)
    b = trial.suggest_loguniform("b", 1e-3, 1)
    c = trial.suggest_discrete_uniform("c", 0, 1, 0.25)
    return a + b + c


study = optuna.create_study()
study.enqueue_trial({"a": 0.5, "b": 0.1, "c": 0.25})
study.optimize(objective, n_trials=1)
trial = optuna.create_trial(
    value=1.0, params={"a": 0.5}, distributions={"a": optuna.distributions.UniformDistribution(0, 1)}
)

result = {
    "params": study.best_params,
    "forms": {
        n: optuna.distributions.distribution_to_json(d) != ""
        for n, d in study.best_trial.distributions.items()
    },
    "made": type(trial.distributions["a"]).__name__,
}
