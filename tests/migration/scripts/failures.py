# compare: equal
"""Trials that raise, or return what is no number."""

import math
import warnings

import optuna

warnings.simplefilter("ignore")


def objective(trial):
    if trial.number == 1:
        raise ValueError("bad luck")
    if trial.number == 2:
        return math.nan
    if trial.number == 3:
        return None
    if trial.number == 4:
        return math.inf
    if trial.number == 6:
        return [2.5]
    if trial.number == 7:
        return 1.0, 2.0
    return 0.5


study = optuna.create_study()
study.optimize(objective, n_trials=9, catch=(ValueError,))
states = [(trial.state.name, trial.value) for trial in study.trials]


def fails(trial):
    raise KeyError("not caught")


try:
    study.optimize(fails, n_trials=5)
except KeyError as error:
    raised = str(error)
result = {"states": states, "raised": raised, "last": study.trials[-1].state.name, "n": len(study.trials)}
