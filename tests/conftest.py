"""For all tests: checkpoints go to a folder of the test, and generated cases are the same in every run."""

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
