"""For all tests: a folder for checkpoints, generated cases that are the same in every run, and one local Ray."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A red run is due to the change under test, not to a busy machine: no deadline.
# To search for new cases: pytest --hypothesis-profile=explore
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2000)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Run what starts Ray last: a red unit test shows at once, and no other test finds a Ray to run on."""
    items.sort(key=lambda item: item.get_closest_marker("cluster") is not None)


@pytest.fixture(autouse=True)
def _own_storage_path(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYSTUDY_HOME", str(tmp_path / "raystudy-home"))


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
