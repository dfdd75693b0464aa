"""A search to be killed: writes a line to TRACE for every epoch that it trains, and to TRACE.told for every result.

python killable_search.py DATABASE HOME TRACE N_TRIALS EXECUTOR
"""

import os
import sys
import time
from functools import partial

import raystudy

EPOCHS = 9


def objective(trial, trace, pause_s):
    x = trial.suggest_float("x", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    y = trial.suggest_float("y", 0.0, 1.0) if kind == "b" else 0.5
    state = trial.load_checkpoint()
    first = 0 if state is None else state["epoch"] + 1
    for epoch in range(first, EPOCHS):
        time.sleep(pause_s)
        with open(trace, "a") as file:
            file.write(f"{trial.number} {epoch} {os.getppid()}-{os.getpid()}\n")
        trial.save_checkpoint({"epoch": epoch}, step=epoch)
        trial.report((x - 0.3) ** 2 + (y - 0.5) ** 2 + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return (x - 0.3) ** 2 + (y - 0.5) ** 2


def tell(study, trial, trace):
    """What a user has been told of must never be lost."""
    with open(f"{trace}.told", "a") as file:
        file.write(f"{trial.number} {trial.state.name} {trial.value!r}\n")


def main():
    database, home, trace, n_trials, executor = sys.argv[1:]
    if executor == "ray":
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=10**8,
        )
    study = raystudy.create_study(
        study_name="killed",
        storage=database,
        load_if_exists=True,
        sampler=raystudy.samplers.TPESampler(seed=3, n_startup_trials=5),
        pruner=raystudy.pruners.HyperbandPruner(1, EPOCHS, 3),
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
