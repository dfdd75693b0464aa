from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import raystudy

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]


def test_a_trial_on_ray_uploads_files(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        store = raystudy.artifacts.FileSystemArtifactStore(tmp_path / "store")
        path = tmp_path / f"{trial.number}.txt"
        path.write_text(str(trial.number))
        raystudy.artifacts.upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=trial)
        return 0.0

    study = raystudy.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}", study_name="s")
    study.optimize(objective, n_trials=2, executor="ray", show_progress_bar=False, storage_path=str(tmp_path))
    for trial in study.trials:
        (meta,) = raystudy.artifacts.get_all_artifact_meta(trial, storage=study._storage)
        assert meta.filename == f"{trial.number}.txt"
        assert (tmp_path / "store" / meta.artifact_id).read_text() == str(trial.number)
