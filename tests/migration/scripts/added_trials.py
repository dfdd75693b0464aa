# compare: equal
"""Results of another search become trials."""

import optuna

distributions = {"x": optuna.distributions.FloatDistribution(0, 10)}
old = optuna.create_study()
old.add_trial(optuna.trial.create_trial(params={"x": 2.0}, distributions=distributions, value=4.0))
old.add_trial(
    optuna.trial.create_trial(
        state=optuna.trial.TrialState.PRUNED,
        params={"x": 3.0},
        distributions=distributions,
        intermediate_values={0: 9.0},
        user_attrs={"from": "elsewhere"},
    )
)
study = optuna.create_study()
study.add_trials(old.trials)

result = [
    (trial.number, trial.state.name, trial.params, trial.value, trial.intermediate_values, trial.user_attrs)
    for trial in study.get_trials(deepcopy=False)
]
