"""The script with the kills and outages."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def kill_matrix() -> ModuleType:
    """The script that runs all kills and outages: a test runs one random round of each."""
    path = Path(__file__).parents[1] / "kill_matrix.py"
    spec = importlib.util.spec_from_file_location("kill_matrix", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_matrix"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
