# compare: equal
"""Folds of a cross-validation are compared with those of the best trial."""

import optuna

NOISE = [0.1, -0.2, 0.05, 0.15, -0.1, 0.0, 0.2, -0.05, 0.12, -0.15]


def objective(trial):
    level = trial.suggest_float("level", 0, 10)
    scores = []
    for fold, noise in enumerate(NOISE):
        scores.append(level + noise)
        trial.report(scores[-1], fold)
        if trial.should_prune():
            raise optuna.TrialPruned
    return sum(scores) / len(scores)


study = optuna.create_study(pruner=optuna.pruners.WilcoxonPruner(p_threshold=0.1))
for level in (3.0, 5.0, 2.0, 2.5, 1.0):
    study.enqueue_trial({"level": level})
study.optimize(objective, n_trials=5)

result = [(trial.state.name, round(trial.value, 6), trial.last_step) for trial in study.trials]
