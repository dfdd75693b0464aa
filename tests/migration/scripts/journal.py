# compare: equal
"""A study in a journal on a shared disk."""

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock


def objective(trial):
    x = trial.suggest_float("x", 0, 10)
    trial.report(x, 0)
    return x


def storage():
    return JournalStorage(JournalFileBackend("study.log", lock_obj=JournalFileOpenLock("study.log")))


study = optuna.create_study(storage=storage(), study_name="s", direction="maximize")
for x in (1.0, 3.0, 2.0):
    study.enqueue_trial({"x": x})
study.optimize(objective, n_trials=3)

again = optuna.load_study(study_name="s", storage=storage())
result = {
    "values": [trial.value for trial in again.trials],
    "best": again.best_params,
    "name": again.study_name,
}
