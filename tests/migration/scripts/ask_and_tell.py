# compare: equal
"""The loop in one's own hands."""

import optuna

study = optuna.create_study(direction="maximize")
study.enqueue_trial({"x": 0.25})
study.enqueue_trial({"x": 0.75})
study.enqueue_trial({"x": 0.5})
study.enqueue_trial({"x": 0.1})

first, second, third, fourth = (study.ask() for _ in range(4))
for trial in (first, second, third, fourth):
    trial.suggest_float("x", 0, 1)
study.tell(second, second.params["x"])
study.tell(first.number, 0.25)
third.report(0.5, step=1)
study.tell(third, state=optuna.trial.TrialState.PRUNED)
told = study.tell(fourth, state=optuna.trial.TrialState.FAIL)

errors = []
for wrong in (lambda: study.tell(first, 1.0), lambda: study.tell(99, 1.0), lambda: study.tell(0)):
    try:
        wrong()
    except ValueError as error:
        errors.append(type(error).__name__)
again = study.tell(first, 5.0, skip_if_finished=True)

result = {
    "trials": [(trial.state.name, trial.value, trial.params) for trial in study.trials],
    "best": study.best_trial.number,
    "errors": errors,
    "again": again.value,
    "told": told.state.name,
}
