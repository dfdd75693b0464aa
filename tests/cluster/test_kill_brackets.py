"""The bracket manager, the driver, or both die at random moments of a Hyperband study on Ray with SQLite.

In the mode "sync" the survivors are those of a study that nobody has killed; in "promote" the real judge, fed with
what the database holds, decides again as it did.  No epoch is trained twice but the one in flight.
"""

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

N_KILLS = 2

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def bracket_kills(kill_matrix: ModuleType) -> ModuleType:
    """The rounds; they are part of the script with all kills, which the fixture before has loaded."""
    path = Path(__file__).parents[1] / "bracket_kills.py"
    spec = importlib.util.spec_from_file_location("bracket_kills", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bracket_kills"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("victims", ["manager", "driver", "both"])
@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_a_search_whose_actors_are_killed_decides_as_if_they_had_lived(
    bracket_kills: ModuleType, tmp_path: Path, mode: str, victims: str
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    titles = bracket_kills.VICTIMS[victims]
    bracket_kills.actor_round(random.Random(seed), tmp_path, mode, titles, N_KILLS)


def test_a_kill_while_a_checkpoint_is_written_costs_no_earlier_one(
    bracket_kills: ModuleType, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    bracket_kills.writing_round(random.Random(seed), tmp_path, N_KILLS)
