# compare: equal
"""A study in a database is opened again and goes on."""

import optuna

URL = "sqlite:///study.db"


def objective(trial):
    return trial.suggest_float("x", 0, 10)


def points(study, *xs):
    for x in xs:
        study.enqueue_trial({"x": x})
    study.optimize(objective, n_trials=len(xs))


points(optuna.create_study(study_name="s", storage=URL, direction="maximize"), 1.0, 2.0)
try:
    optuna.create_study(study_name="s", storage=URL)
except optuna.exceptions.DuplicatedStudyError as error:
    failed = type(error).__name__
points(optuna.create_study(study_name="s", storage=URL, direction="maximize", load_if_exists=True), 3.0)
study = optuna.load_study(study_name="s", storage=URL)
points(study, 0.5)

try:
    optuna.load_study(study_name="none", storage=URL)
except KeyError as error:
    missing = type(error).__name__
result = {
    "values": [trial.value for trial in study.trials],
    "best": study.best_value,
    "names": optuna.get_all_study_names(URL),
    "failed": failed,
    "missing": missing,
}
