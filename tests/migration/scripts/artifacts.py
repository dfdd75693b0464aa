# compare: equal
"""A file for each trial."""

import os

import optuna

os.makedirs("artifacts", exist_ok=True)
store = optuna.artifacts.FileSystemArtifactStore(base_path="artifacts")


def objective(trial):
    path = f"note-{trial.number}.txt"
    with open(path, "w") as file:
        file.write(f"trial {trial.number}")
    artifact_id = optuna.artifacts.upload_artifact(artifact_store=store, file_path=path, study_or_trial=trial)
    trial.set_user_attr("artifact_id", artifact_id)
    return trial.number


study = optuna.create_study(study_name="s", storage="sqlite:///artifacts.db")
study.optimize(objective, n_trials=2)

best = study.best_trial
optuna.artifacts.download_artifact(
    artifact_store=store, artifact_id=best.user_attrs["artifact_id"], file_path="back.txt"
)
with open("back.txt") as file:
    text = file.read()
metas = optuna.artifacts.get_all_artifact_meta(best, storage=study._storage)
result = {"text": text, "metas": [(meta.filename, meta.mimetype, meta.encoding) for meta in metas]}
