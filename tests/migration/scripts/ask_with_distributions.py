# compare: equal
"""Define and run: the space is known beforehand."""

import optuna

distributions = {
    "c": optuna.distributions.FloatDistribution(0.5, 0.5),
    "n": optuna.distributions.IntDistribution(3, 3),
    "kind": optuna.distributions.CategoricalDistribution(["only"]),
}
study = optuna.create_study()
for _ in range(2):
    trial = study.ask(distributions)
    study.tell(trial, trial.params["c"] + trial.params["n"])

result = [(trial.params, trial.value) for trial in study.trials]
