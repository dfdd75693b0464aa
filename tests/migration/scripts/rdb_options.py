# compare: equal
"""A storage object with options of the engine."""

import optuna

storage = optuna.storages.RDBStorage(
    url="sqlite:///options.db", engine_kwargs={"connect_args": {"timeout": 20}}
)
study = optuna.create_study(storage=storage, study_name="s")
study.optimize(lambda trial: 1.0, n_trials=2)
memory = optuna.create_study(storage=optuna.storages.InMemoryStorage(), study_name="m")
memory.optimize(lambda trial: 2.0, n_trials=1)

result = {
    "n": len(optuna.load_study(study_name=None, storage=storage).trials),
    "version": storage.get_current_version() == storage.get_head_version(),
    "memory": memory.best_value,
    "id": storage.get_study_id_from_name("s") == study._study_id,
}
