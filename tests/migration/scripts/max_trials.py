# compare: equal
"""A limit on the whole study, over several calls."""

import optuna
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

study = optuna.create_study()
limit = MaxTrialsCallback(5, states=(TrialState.COMPLETE,))
for _ in range(3):
    study.optimize(lambda trial: 1.0, n_trials=4, callbacks=[limit])

result = len(study.trials)
