# compare: equal
"""Mistakes, and the errors that they are."""

import optuna

errors = {}


def note(name, call):
    try:
        call()
    except Exception as error:
        errors[name] = next(
            base.__name__
            for base in type(error).__mro__
            if base.__module__ == "builtins" and base is not object
        )
    else:
        errors[name] = None


def objective(trial):
    note("low above high", lambda: trial.suggest_float("a", 1, 0))
    note("log of zero", lambda: trial.suggest_float("b", 0, 1, log=True))
    note("log and step", lambda: trial.suggest_int("c", 1, 9, step=2, log=True))
    note("no choice", lambda: trial.suggest_categorical("d", []))
    trial.suggest_int("e", 1, 5)
    note("another kind", lambda: trial.suggest_float("e", 1, 5))
    trial.suggest_categorical("f", ("a", "b"))
    note("other choices", lambda: trial.suggest_categorical("f", ("a", "c")))
    note("no number", lambda: trial.report("x", 1))
    note("no step", lambda: trial.report(1.0, "x"))
    note("step below zero", lambda: trial.report(1.0, -1))
    note("nested", lambda: study.optimize(lambda trial: 0.0, n_trials=1))
    return 1.0


study = optuna.create_study()
note("no trial", lambda: study.best_trial)
study.optimize(objective, n_trials=1)
note("wrong direction", lambda: optuna.create_study(direction="sideways"))
note("both", lambda: optuna.create_study(direction="minimize", directions=["minimize"]))
note("no direction", lambda: optuna.create_study(directions=[]))
note("percentile", lambda: optuna.pruners.PercentilePruner(101))
note("enqueue", lambda: study.enqueue_trial([1, 2]))
result = errors
