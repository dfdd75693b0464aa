# compare: kind
"""The study ends when the best value has not changed for a while."""

import warnings

import optuna
from optuna.terminator import BestValueStagnationEvaluator, Terminator, TerminatorCallback

warnings.simplefilter("ignore")

study = optuna.create_study()
callback = TerminatorCallback(
    Terminator(BestValueStagnationEvaluator(max_stagnation_trials=10), min_n_trials=5)
)
study.optimize(lambda trial: trial.suggest_int("x", 0, 3), n_trials=200, callbacks=[callback])

result = {"ended": len(study.trials) < 200, "best": study.best_value}
