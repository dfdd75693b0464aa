"""A search to be killed: writes a line to TRACE for every epoch that it trains, and to TRACE.told for every result.

python killable_search.py DATABASE HOME TRACE N_TRIALS EXECUTOR [MODE]

With a mode of Hyperband its values depend on the trials' numbers alone, and TRACE.judge tells what a database does
not hold: with how many reports a judge began, and after how many it was told that no further trial comes.
"""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import raystudy

EPOCHS = 9


def objective(trial, trace, pause_s):
    x = trial.suggest_float("x", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    y = trial.suggest_float("y", 0.0, 1.0) if kind == "b" else 0.5
    state = trial.load_checkpoint()
    first = 0 if state is None else state["epoch"] + 1
    weights = bytes(int(os.environ.get("WEIGHTS", "0")))
    for epoch in range(first, EPOCHS):
        time.sleep(pause_s)
        with open(trace, "a") as file:
            file.write(f"{trial.number} {epoch} {os.getppid()}-{os.getpid()}\n")
        trial.save_checkpoint({"epoch": epoch, "weights": weights}, step=epoch)
        trial.report((x - 0.3) ** 2 + (y - 0.5) ** 2 + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return (x - 0.3) ** 2 + (y - 0.5) ** 2


@dataclass
class NotedJudge:
    """A judge in the bracket manager that notes how it began and when its intake closed."""

    judge: object
    path: str
    known: set = field(default_factory=set)

    def __getattr__(self, name):
        return getattr(self.judge, name)

    def restore(self, trials):
        self.known = {(trial.number, step) for trial in trials for step in trial.reports}
        past = [(t.number, t.bracket, t.promoted_rung, t.state.name, len(t.reports)) for t in trials]
        self.note(past=past)
        return self.judge.restore(trials)

    def report(self, number, step, value, resumable):
        self.known.add((number, step))
        return self.judge.report(number, step, value, resumable)

    def close(self):
        self.note(closed_after=len(self.known))
        return self.judge.close()

    def note(self, **what):
        if Path("/proc/self/cmdline").read_bytes().startswith(b"ray::BracketManager"):
            with open(self.path, "a") as file:
                file.write(json.dumps(what) + "\n")


@dataclass(frozen=True)
class NotedHyperband(raystudy.pruners.HyperbandPruner):
    """Hyperband whose judges are noted."""

    path: str = field(default="", kw_only=True)

    def start(self, *arguments):
        return NotedJudge(raystudy.pruners.HyperbandPruner.start(self, *arguments), self.path)

    def spec(self):
        return hyperband(self.mode).spec()


def hyperband(mode):
    return raystudy.pruners.HyperbandPruner(1, EPOCHS, 3, mode=mode)


def tell(study, trial, trace):
    """What a user has been told of must never be lost."""
    with open(f"{trace}.told", "a") as file:
        file.write(f"{trial.number} {trial.state.name} {trial.value!r}\n")


def main():
    database, home, trace, n_trials, executor, *mode = sys.argv[1:]
    if executor == "ray":
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=10**8,
        )
    sampler = raystudy.samplers.TPESampler(seed=3, n_startup_trials=5)
    pruner = raystudy.pruners.HyperbandPruner(1, EPOCHS, 3)
    if mode:
        sampler = raystudy.samplers.RandomSampler(seed=3)
        pruner = NotedHyperband(1, EPOCHS, 3, mode=mode[0], path=f"{trace}.judge")
    study = raystudy.create_study(
        study_name="killed", storage=database, load_if_exists=True, sampler=sampler, pruner=pruner
    )
    run = partial(objective, trace=trace, pause_s=0.05)
    print("begin", flush=True)
    study.optimize(
        run,
        n_trials=int(n_trials),
        executor=executor,
        n_jobs=2 if executor == "ray" else 1,
        storage_path=home,
        callbacks=[partial(tell, trace=trace)],
    )
    print("done", flush=True)


if __name__ == "__main__":
    main()
