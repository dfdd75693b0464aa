"""Real processes are killed with SIGKILL at random moments; the study must end as if nothing had happened."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import pytest

import raystudy
from raystudy.frozen import TrialState
from raystudy.storages import get_storage

SCRIPT = Path(__file__).with_name("killable_search.py")
N_TRIALS = 24
N_KILLS = 5

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420)]


Start = Callable[[Path, str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that starts the search; whatever still runs after the test is killed."""
    processes = []

    def start_search(folder: Path, executor: str) -> subprocess.Popen[str]:
        database, home, trace = f"sqlite:///{folder}/study.db", str(folder / "home"), str(folder / "trace")
        environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
        environment |= {"RAYSTUDY_LEASE_S": "3", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        with (folder / "output").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), database, home, trace, str(N_TRIALS), executor],
                stdout=log,
                stderr=log,
                env=environment,
                text=True,
            )
        processes.append(process)
        return process

    yield start_search
    for process in processes:
        process.kill()
        process.wait()


def freeze(process: subprocess.Popen[str], database: Path) -> None:
    """Stop a process between two transactions: one that holds SQLite's lock would freeze everybody."""
    while True:
        process.send_signal(signal.SIGSTOP)
        connection = sqlite3.connect(database, timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


def n_epochs(folder: Path) -> int:
    trace = folder / "trace"
    return len(trace.read_text().splitlines()) if trace.exists() else 0


def wait_for_epochs(folder: Path, process: subprocess.Popen[str], wanted: int) -> None:
    deadline = time.monotonic() + 90
    while n_epochs(folder) < wanted and process.poll() is None:
        assert time.monotonic() < deadline, (folder / "output").read_text()
        time.sleep(0.01)


def check_study(folder: Path) -> None:
    trials = raystudy.load_study(study_name="killed", storage=f"sqlite:///{folder}/study.db").trials
    assert [trial.number for trial in trials] == list(range(N_TRIALS))
    assert all(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials)
    epochs: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for line in (folder / "trace").read_text().splitlines():
        trial, epoch, process = line.split()
        epochs[int(trial)].append((process, int(epoch)))
    for number, trained in epochs.items():
        # A process may have the trial twice: a promotion can bring it back to where it began.
        spans = [[epoch for _, epoch in span] for _, span in groupby(trained, key=itemgetter(0))]
        for before, after in pairwise(spans):
            assert after[0] >= before[-1], f"trial {number} trained more than one epoch again: {spans}"
        told = trials[number].intermediate_values
        assert set(told) == {epoch for span in spans for epoch in span}, (
            f"trial {number} lost reports: {spans}"
        )


@pytest.mark.parametrize("executor", ["ray", "inline"])
def test_a_search_killed_at_random_moments_ends_exact(start: Start, tmp_path: Path, executor: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(N_KILLS):
        process = start(tmp_path, executor)
        wait_for_epochs(tmp_path, process, n_epochs(tmp_path) + rng.randint(1, 8))
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = start(tmp_path, executor)
    assert process.wait(timeout=180) == 0, (tmp_path / "output").read_text()
    check_study(tmp_path)


def test_a_driver_thought_dead_that_wakes_up_is_refused(start: Start, tmp_path: Path) -> None:
    sleeper = start(tmp_path, "inline")
    wait_for_epochs(tmp_path, sleeper, 10)
    freeze(sleeper, tmp_path / "study.db")
    heir = start(tmp_path, "inline")
    assert heir.wait(timeout=120) == 0, (tmp_path / "output").read_text()
    before = get_storage(f"sqlite:///{tmp_path}/study.db").read_trials(1)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(timeout=60) != 0
    assert "LeaseLost" in (tmp_path / "output").read_text()
    assert get_storage(f"sqlite:///{tmp_path}/study.db").read_trials(1) == before
