# compare: equal
"""An objective that looks at its own study."""

import optuna


def objective(trial):
    finished = trial.study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    trial.set_user_attr("finished", len(finished))
    trial.set_user_attr("direction", trial.study.direction.name)
    if trial.number == 2:
        trial.study.stop()
    return len(finished)


study = optuna.create_study()
study.optimize(objective, n_trials=10)

result = [trial.user_attrs for trial in study.trials]
