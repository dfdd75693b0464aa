# compare: kind
"""Every sampler with a seed, on numeric parameters."""

import warnings

import optuna

warnings.simplefilter("ignore")  # experimental and deprecated arguments


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    n = trial.suggest_int("n", 0, 10)
    return (x - 1) ** 2 + abs(n - 3)


samplers = optuna.samplers
result = {}
for sampler in (
    samplers.RandomSampler(seed=1),
    samplers.TPESampler(seed=1, n_startup_trials=5),
    samplers.CmaEsSampler(seed=1, n_startup_trials=3),
    samplers.CmaEsSampler(seed=1, with_margin=True),
    samplers.GPSampler(seed=1, n_startup_trials=5),
    samplers.QMCSampler(seed=1),
    samplers.NSGAIISampler(seed=1, population_size=6),
    samplers.PartialFixedSampler({"n": 3}, samplers.RandomSampler(seed=1)),
):
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=18)
    assert study.best_value < 30
    result[type(sampler).__name__] = len(study.trials)
    if isinstance(sampler, samplers.PartialFixedSampler):
        assert {trial.params["n"] for trial in study.trials} == {3}
