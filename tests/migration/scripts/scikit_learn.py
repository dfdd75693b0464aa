# compare: kind, on Ray by kind
"""The classifier of scikit-learn's data, chosen and tuned."""

import optuna
import sklearn.datasets
import sklearn.ensemble
import sklearn.model_selection
import sklearn.svm


def objective(trial):
    x, y = sklearn.datasets.load_iris(return_X_y=True)
    name = trial.suggest_categorical("classifier", ["SVC", "RandomForest"])
    if name == "SVC":
        model = sklearn.svm.SVC(C=trial.suggest_float("svc_c", 1e-4, 1e4, log=True), gamma="auto")
    else:
        depth = trial.suggest_int("rf_max_depth", 2, 32, log=True)
        model = sklearn.ensemble.RandomForestClassifier(max_depth=depth, n_estimators=5, random_state=0)
    return sklearn.model_selection.cross_val_score(model, x, y, cv=3).mean()


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(objective, n_trials=12)

assert study.best_value > 0.9
result = {"value": float(study.best_value)}
