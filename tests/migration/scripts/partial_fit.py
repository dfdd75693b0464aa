# compare: kind
"""Pruning of a model that learns step by step."""

import optuna
import sklearn.datasets
import sklearn.linear_model
import sklearn.model_selection


def objective(trial):
    x, y = sklearn.datasets.load_iris(return_X_y=True)
    parts = sklearn.model_selection.train_test_split(x, y, test_size=0.25, random_state=0)
    alpha = trial.suggest_float("alpha", 1e-5, 1e-1, log=True)
    model = sklearn.linear_model.SGDClassifier(alpha=alpha, random_state=0)
    for step in range(20):
        model.partial_fit(parts[0], parts[2], classes=[0, 1, 2])
        trial.report(1.0 - model.score(parts[1], parts[3]), step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return 1.0 - model.score(parts[1], parts[3])


study = optuna.create_study(
    pruner=optuna.pruners.MedianPruner(), sampler=optuna.samplers.RandomSampler(seed=0)
)
study.optimize(objective, n_trials=20)

pruned = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.PRUNED])
complete = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
assert len(pruned) + len(complete) == 20
result = {"pruned": len(pruned) > 0, "best": study.best_value}
