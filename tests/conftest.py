"""For all tests: checkpoints go to a folder of the test."""

import pytest


@pytest.fixture(autouse=True)
def _own_storage_path(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYSTUDY_HOME", str(tmp_path / "raystudy-home"))
