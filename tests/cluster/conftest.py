"""One local Ray for all tests that need one, and the script with the kills and outages."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    import ray

    os.environ.pop("RAY_ADDRESS", None)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["RAYSTUDY_LEASE_S"] = "3"  # for the drivers: how long a dead one is waited for
    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=10**8,
    )
    yield
    ray.shutdown()


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
