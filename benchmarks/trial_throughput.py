"""Trials per second with a trivial objective: us, Ray Tune, and the loop that a user would write by hand.

    python benchmarks/trial_throughput.py [--trials 500] [--tune-trials 24] [--reuse-trials 100]

One run on one local Ray with 2 CPUs, 8 trials at a time (0.1 CPU each), warm: each contender first runs a
small study that is not timed.  The loop by hand has Optuna in the driver and Ray tasks, no database and no
fault handling.  Needs two idle cores; Ray Tune (``pip install "ray[tune]" optuna``) takes two minutes.
"""

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
import ray

import raystudy

N_AT_ONCE = 8
CPU_PER_TRIAL = 0.1


def trivial(trial: raystudy.Trial) -> float:
    """Suggest five parameters and return their sum."""
    return float(sum(trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(5)))


def run_raystudy(n_trials: int, storage: str | None) -> None:
    """Run a study of ours."""
    study = raystudy.create_study(storage=storage, sampler=raystudy.samplers.RandomSampler(seed=0))
    study.optimize(
        trivial,
        n_trials=n_trials,
        executor="ray",
        n_jobs=N_AT_ONCE,
        resources={"CPU": CPU_PER_TRIAL},
        show_progress_bar=False,
    )
    if len(study.get_trials(deepcopy=False)) != n_trials:
        raise RuntimeError("raystudy lost trials")


def run_tune(n_trials: int, *, reuse_actors: bool) -> None:
    """Run a Ray Tune experiment."""
    from ray import tune

    def trainable(config: dict[str, float]) -> None:
        tune.report({"value": sum(config.values())})

    space = {f"x{i}": tune.uniform(0.0, 1.0) for i in range(5)}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": CPU_PER_TRIAL}),
            param_space=space,
            tune_config=tune.TuneConfig(
                metric="value",
                mode="min",
                num_samples=n_trials,
                max_concurrent_trials=N_AT_ONCE,
                reuse_actors=reuse_actors,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        if len(tuner.fit()) != n_trials:
            raise RuntimeError("Ray Tune lost trials")


def run_by_hand(n_trials: int) -> None:
    """Run Optuna's ask and tell in this process over Ray tasks."""

    @ray.remote(num_cpus=CPU_PER_TRIAL)
    def evaluate(params: dict[str, float]) -> float:
        return sum(params.values())

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space: dict[str, optuna.distributions.BaseDistribution] = {
        f"x{i}": optuna.distributions.FloatDistribution(0.0, 1.0) for i in range(5)
    }
    pending: dict[ray.ObjectRef[float], optuna.Trial] = {}
    n_asked = 0
    while n_asked < n_trials or pending:
        while n_asked < n_trials and len(pending) < N_AT_ONCE:
            trial = study.ask(space)
            pending[evaluate.remote(trial.params)] = trial
            n_asked += 1
        done, _ = ray.wait(list(pending), num_returns=1)
        study.tell(pending.pop(done[0]), ray.get(done[0]))


def rate(run: Callable[[int], None], n_warm: int, n_trials: int) -> float:
    """Return trials per second after a warm-up."""
    run(n_warm)
    begun = time.perf_counter()
    run(n_trials)
    return n_trials / (time.perf_counter() - begun)


def main() -> int:
    """Print the table and PASS or FAIL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--tune-trials", type=int, default=24)
    parser.add_argument("--reuse-trials", type=int, default=100)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'study.db'}"
        rates = {
            "raystudy, in memory": rate(lambda n: run_raystudy(n, None), 50, args.trials),
            "raystudy, SQLite": rate(lambda n: run_raystudy(n, url), 50, args.trials),
            "by hand, no database": rate(run_by_hand, 50, args.trials),
            "Ray Tune, reuse_actors": rate(lambda n: run_tune(n, reuse_actors=True), 4, args.reuse_trials),
            "Ray Tune, default": rate(lambda n: run_tune(n, reuse_actors=False), 4, args.tune_trials),
        }
    default = rates["Ray Tune, default"]
    for name, value in rates.items():
        print(f"{name:<24} {value:8.1f} trials/s   {value / default:7.1f} x Ray Tune's default")
    passed = rates["raystudy, in memory"] >= 100 * default and rates["raystudy, SQLite"] >= 40 * default
    print("PASS" if passed else "FAIL", "(at least 100 x in memory, 40 x with SQLite)")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
