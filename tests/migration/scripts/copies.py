# compare: equal
"""Studies are copied, listed and deleted."""

import optuna

study = optuna.create_study(study_name="one", storage="sqlite:///a.db")
study.optimize(lambda trial: trial.suggest_float("x", 0, 0) + trial.number, n_trials=3)
study.set_user_attr("team", "harbor")
optuna.copy_study(
    from_study_name="one", from_storage="sqlite:///a.db", to_storage="sqlite:///b.db", to_study_name="two"
)

(summary,) = optuna.get_all_study_summaries("sqlite:///b.db")
copied = optuna.load_study(study_name="two", storage="sqlite:///b.db")
optuna.delete_study(study_name="one", storage="sqlite:///a.db")
result = {
    "values": [trial.value for trial in copied.trials],
    "attrs": copied.user_attrs,
    "summary": (summary.study_name, summary.n_trials, summary.best_trial.value, summary.direction.name),
    "left": optuna.get_all_study_names("sqlite:///a.db"),
}
