"""Real processes are killed with SIGKILL at random moments; the study must end as if nothing had happened."""

import random
import signal
import sqlite3
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from raystudy.storages import get_storage

N_KILLS = 5

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420)]


@pytest.mark.parametrize("executor", ["ray", "inline"])
def test_a_search_killed_at_random_moments_ends_exact(
    kill_matrix: ModuleType, tmp_path: Path, executor: str
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    kill_matrix.kill_round(random.Random(seed), tmp_path, executor, N_KILLS)


def freeze(search: Any, database: Path) -> None:
    """Stop a process between two transactions: one that holds SQLite's lock would freeze everybody."""
    while True:
        search.send(signal.SIGSTOP)
        connection = sqlite3.connect(database, timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            search.send(signal.SIGCONT)
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


def test_a_driver_thought_dead_that_wakes_up_is_refused(kill_matrix: ModuleType, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    with (
        kill_matrix.search_in(tmp_path, url, "inline") as sleeper,
        kill_matrix.search_in(tmp_path, url, "inline") as heir,
    ):
        sleeper.start()
        sleeper.wait_for_epochs(10)
        freeze(sleeper, tmp_path / "study.db")
        heir.start()
        assert heir.wait() == 0, heir.output
        before = get_storage(url).read_trials(1)
        sleeper.send(signal.SIGCONT)
        assert sleeper.wait(60) != 0
        assert "LeaseLost" in sleeper.output
        assert get_storage(url).read_trials(1) == before
