"""Reading and extending a study of 100,000 trials: us and Optuna on the same rows.

    python benchmarks/storage_scale.py [--trials 100000] [--storage URL]

The rows (10 parameters, 5 intermediate values and one value per trial) are inserted in bulk, into an SQLite file
in a temporary folder or the database at URL, whose study is deleted at the end.  Each reader runs in a process
of its own (on Linux); its clock starts after the imports, before the database is opened, and its memory is the
peak of the whole process.  Optuna takes a minute and 2 GB for 100,000 trials.
"""

import argparse
import dataclasses
import datetime as dt
import importlib
import json
import pathlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import sqlalchemy as sa

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import tables
from raystudy.storages.base import CreateTrial
from raystudy.storages.codec import ReportKind, ValueKind
from raystudy.storages.rdb import RDBStorage

SPACE: dict[str, Distribution] = {
    **{f"x{i}": FloatDistribution(0.0, 1.0) for i in range(7)},
    "depth": IntDistribution(0, 11),
    "optimizer": CategoricalDistribution(("adam", "sgd", "lion")),
    "augment": CategoricalDistribution((True, False)),
}
N_REPORTS = 5
AT_ONCE = 2000
N_CREATED = 300
SMALL = 100
BEGUN = dt.datetime(2026, 1, 1)


def build(url: str, name: str, n_trials: int) -> None:
    """Insert a study with its trials; every fourth one is pruned."""
    storage = RDBStorage(url)
    study_id = storage.create_study(name, [StudyDirection.MINIMIZE])
    rng = np.random.default_rng(0)
    for begin in range(0, n_trials, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, n_trials))
        with storage.engine.begin() as connection:
            insert_trials(connection, study_id, numbers, rng)
    storage.close()


def insert_trials(connection: sa.Connection, study_id: int, numbers: range, rng: np.random.Generator) -> None:
    """Insert some trials with all their rows."""
    trials = [
        {
            "number": number,
            "study_id": study_id,
            "state": TrialState.COMPLETE if number % 4 else TrialState.PRUNED,
            "datetime_start": BEGUN + dt.timedelta(seconds=number),
            "datetime_complete": BEGUN + dt.timedelta(seconds=number + 9),
        }
        for number in numbers
    ]
    connection.execute(sa.insert(tables.trials), trials)
    of_study = sa.select(tables.trials.c.trial_id).where(tables.trials.c.study_id == study_id)
    new = of_study.where(tables.trials.c.number >= numbers[0]).order_by(tables.trials.c.number)
    ids = list(connection.scalars(new))
    texts = {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    drawn = {name: rng.random(len(ids)) for name in SPACE}
    for name in ("depth", "optimizer", "augment"):
        drawn[name] = np.round(drawn[name])
    params = [
        {"trial_id": i, "param_name": name, "param_value": float(drawn[name][row]), "distribution_json": text}
        for row, i in enumerate(ids)
        for name, text in texts.items()
    ]
    noise = rng.random((len(ids), N_REPORTS + 1)).tolist()
    kind = {"intermediate_value_type": ReportKind.FINITE}
    reports = [
        {"trial_id": i, "step": step, "intermediate_value": noise[row][step], **kind}
        for row, i in enumerate(ids)
        for step in range(N_REPORTS)
    ]
    values = [
        {"trial_id": i, "objective": 0, "value": noise[row][-1], "value_type": ValueKind.FINITE}
        for row, i in enumerate(ids)
    ]
    for table, rows in (
        (tables.trial_params, params),
        (tables.trial_intermediate_values, reports),
        (tables.trial_values, values),
    ):
        connection.execute(sa.insert(table), rows)


def read_floor(url: str, _name: str) -> None:
    """Read the numbers of an SQLite file of one study into numpy arrays, and nothing else."""
    import sqlite3

    connection = sqlite3.connect(sa.make_url(url).database or "")
    for table, columns in (
        ("trials", "trial_id, number"),
        ("trial_params", "trial_id, param_value"),
        ("trial_intermediate_values", "trial_id, step, intermediate_value"),
        ("trial_values", "trial_id, value"),
    ):
        cursor = connection.execute(f"SELECT {columns} FROM {table}")
        parts = []
        while rows := cursor.fetchmany(10_000):
            parts.append([np.array(column) for column in zip(*rows, strict=True)])
        [np.concatenate(part) for part in zip(*parts, strict=True)]


def read_columns(url: str, name: str) -> None:
    """Read all trials as columns."""
    storage = RDBStorage(url)
    storage.read_columns(storage.find_study(name) or 0)


def read_trials(url: str, name: str, package: str = "raystudy") -> None:
    """Read ``study.trials``."""
    len(importlib.import_module(package).load_study(study_name=name, storage=url).trials)


def read_trials_whole(url: str, name: str) -> None:
    """Read ``study.trials`` and look at every field of every trial."""
    import raystudy

    for trial in raystudy.load_study(study_name=name, storage=url).trials:
        for field in dataclasses.fields(trial):
            getattr(trial, field.name)


def read_best(url: str, name: str, package: str = "raystudy") -> None:
    """Read ``study.best_trial`` with its parameters."""
    len(importlib.import_module(package).load_study(study_name=name, storage=url).best_trial.params)


def create(url: str, name: str) -> list[float]:
    """Create trials one by one; return the seconds of each."""
    storage = RDBStorage(url)
    study_id = storage.find_study(name) or 0
    return timed(lambda: storage.commit(study_id, [CreateTrial(None, TrialState.RUNNING, BEGUN)]))


def create_optuna(url: str, name: str) -> list[float]:
    """Create trials one by one by Optuna; return the seconds of each."""
    import optuna

    storage = optuna.storages.RDBStorage(url)
    study_id = storage.get_study_id_from_name(name)
    return timed(lambda: storage.create_new_trial(study_id), N_CREATED // 10)


def ask_and_tell(url: str, name: str) -> list[float]:
    """Ask for trials and tell their results; return the seconds of each, the first one left out."""
    import raystudy

    study = raystudy.load_study(study_name=name, storage=url, sampler=raystudy.samplers.RandomSampler(seed=0))

    def ask_and_tell_one() -> None:
        study.tell(trial := study.ask(), trial.suggest_float("x0", 0.0, 1.0))

    return timed(ask_and_tell_one, N_CREATED // 10)[1:]


def timed(action: Callable[[], object], times: int = N_CREATED) -> list[float]:
    """Return the seconds that an action takes each time."""
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begun)
    return seconds


READERS: dict[str, Callable[[str, str], None]] = {
    "floor": read_floor,
    "columns": read_columns,
    "trials": read_trials,
    "trials whole": read_trials_whole,
    "best": read_best,
    "optuna": partial(read_trials, package="optuna"),
    "optuna best": partial(read_best, package="optuna"),
}
CREATORS = {"create": create, "ask and tell": ask_and_tell, "optuna create": create_optuna}


def measure(what: str, url: str, name: str) -> None:
    """Print the seconds and the peak memory in MiB of one reader, or the median seconds of one creator."""
    if "optuna" in what:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
    else:
        import raystudy

        raystudy.load_study  # noqa: B018 - what a name needs is imported when it is first used
    begun = time.perf_counter()
    if what in CREATORS:
        seconds = statistics.median(CREATORS[what](url, name))
    else:
        READERS[what](url, name)
        seconds = time.perf_counter() - begun
    print(json.dumps([seconds, peak_mib()]))


def peak_mib() -> float:
    """Return the peak of this process's memory in MiB; ``ru_maxrss`` would count its parent's, too."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def run(what: str, url: str, name: str) -> tuple[float, float]:
    """Measure something in a process of its own; return its seconds and MiB."""
    command = [sys.executable, __file__, "--storage", url, "--study", name, "--measure", what]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, mib = json.loads(answer.stdout.splitlines()[-1])
    return seconds, mib


def judge(
    found: dict[str, tuple[float, float]], created: dict[str, tuple[float, float]], n_trials: int
) -> bool:
    """Print each claim with its figure; return whether all hold."""
    slow, large = found["optuna"]
    lines = [
        ("columns: times faster than optuna", slow / found["columns"][0], 10.0),
        # Below, most of the memory is that of the imports.
        *([("columns: times less memory", large / found["columns"][1], 10.0)] if n_trials >= 100_000 else []),
        ("study.trials: times faster", slow / found["trials"][0], 3.0),
        ("the same, every field looked at", slow / found["trials whole"][0], 3.0),
        ("best_trial: times faster than all columns", found["columns"][0] / found["best"][0], 5.0),
        *(
            (f"{what}: cost at {SMALL} / at {n_trials} trials", created[what][0] / created[what][1], 1 / 1.5)
            for what in ("create", "ask and tell")
        ),
    ]
    for text, value, least in lines:
        print(f"{text:<45} {value:7.2f}  (at least {least:5.2f})  {'PASS' if value >= least else 'FAIL'}")
    return all(value >= least for _, value, least in lines)


def compare(url: str, n_trials: int) -> bool:
    """Print the table; return whether every line holds."""
    big, small = (f"scale-{n}-{secrets.token_hex(3)}" for n in (n_trials, SMALL))
    begun = time.perf_counter()
    build(url, big, n_trials)
    print(f"{n_trials} trials inserted in {time.perf_counter() - begun:.1f} s")
    found = {what: run(what, url, big) for what in READERS if what != "floor" or url.startswith("sqlite")}
    for what, (seconds, mib) in found.items():
        print(f"  {what:<14} {seconds:8.3f} s  {mib:7.0f} MiB")
    build(url, small, SMALL)
    created = {what: (run(what, url, small)[0], run(what, url, big)[0]) for what in CREATORS}
    for what, (at_small, at_big) in created.items():
        print(f"  {what:<14} {1e3 * at_small:.2f} ms at {SMALL} trials, {1e3 * at_big:.2f} ms at {n_trials}")
    storage = RDBStorage(url)
    for name in (big, small):
        storage.delete_study(storage.find_study(name) or 0)
    storage.close()
    passed = judge(found, created, n_trials)
    if "floor" in found:
        print(f"columns take {found['columns'][0] / found['floor'][0]:.2f} times as long as the bare numbers")
    return passed


def main() -> int:
    """Print the table and PASS or FAIL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--storage", help="URL of a database (default: an SQLite file in a temporary folder)")
    parser.add_argument("--study", help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        measure(args.measure, args.storage, args.study)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        passed = compare(args.storage or f"sqlite:///{folder}/scale.db", args.trials)
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
