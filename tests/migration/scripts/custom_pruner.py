# compare: equal
"""A pruner of one's own: the worst of all stops."""

import optuna
from optuna.trial import TrialState


class LastPlacePruner(optuna.pruners.BasePruner):
    def __init__(self, warmup_steps, warmup_trials):
        self._warmup_steps = warmup_steps
        self._warmup_trials = warmup_trials

    def prune(self, study, trial):
        step = trial.last_step
        if not step:
            return False
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if step < self._warmup_steps or len(complete) < self._warmup_trials:
            return False
        scores = [other.intermediate_values[step] for other in complete]
        return trial.intermediate_values[step] > max(scores)


def objective(trial):
    level = trial.suggest_float("level", 0, 10)
    for step in range(5):
        trial.report(level + step, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return level


study = optuna.create_study(pruner=LastPlacePruner(warmup_steps=1, warmup_trials=3))
for level in (2.0, 4.0, 3.0, 5.0, 1.0, 9.0, 3.5):
    study.enqueue_trial({"level": level})
study.optimize(objective, n_trials=7)

result = [(trial.state.name, trial.last_step) for trial in study.trials]
