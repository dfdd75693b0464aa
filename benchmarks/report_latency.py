"""How long a report with its verdict takes, and how often a trial asks the driver for a parameter.

    python benchmarks/report_latency.py [--reports 1500] [--workers 2]

Two trials report at once, as fast as they can, through one bracket manager; each call is timed in the trial.  The
pruner may stop a trial at any report, so that each one waits for its verdict.
Then a study with a static space of ten parameters counts the calls of ``suggest`` that reached the driver.
Needs two idle cores.
"""

import argparse
import sys
import time

import numpy as np
import ray

import raystudy


def report_fast(trial: raystudy.Trial, n_reports: int) -> float:
    """Report ``n_reports`` times and keep the time of each report with its verdict."""
    trial.suggest_float("x", 0.0, 1.0)
    times = []
    for step in range(n_reports):
        begun = time.perf_counter()
        trial.report(float(step), step)
        trial.should_prune()
        times.append(time.perf_counter() - begun)
    trial.set_user_attr("times_ms", [round(1e3 * t, 4) for t in times])
    return 0.0


def ten_parameters(trial: raystudy.Trial) -> float:
    """Suggest from a static space; its last value is the number of calls that reached the driver."""
    total = sum(trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(10))
    link = trial._link
    trial.set_user_attr("driver_calls", getattr(link, "driver_calls", -1))
    return float(total)


def main() -> int:
    """Print the table and PASS or FAIL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    ray.init(address="local", num_cpus=args.workers, include_dashboard=False, log_to_driver=False)

    pruner = raystudy.pruners.MedianPruner()
    study = raystudy.create_study(sampler=raystudy.samplers.RandomSampler(seed=0), pruner=pruner)
    study.optimize(lambda trial: report_fast(trial, args.reports), n_trials=args.workers, executor="ray")
    times = np.concatenate([trial.user_attrs["times_ms"] for trial in study.trials])
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(f"report with verdict, {args.workers} trials at once, {len(times)} reports:")
    print(f"  p50 {p50:.2f} ms   p95 {p95:.2f} ms   p99 {p99:.2f} ms   (at most 2 and 5 ms at p50 and p95)")

    study = raystudy.create_study(sampler=raystudy.samplers.TPESampler(seed=0, n_startup_trials=5))
    study.optimize(ten_parameters, n_trials=1, executor="ray")
    study.optimize(ten_parameters, n_trials=30, executor="ray", n_jobs=args.workers)
    calls = [trial.user_attrs["driver_calls"] for trial in study.trials]
    later = sum(calls[1:])
    print(
        f"suggest calls that reached the driver: {calls[0]} in trial 0, {later} in the {len(calls) - 1} after"
    )
    passed = p50 <= 2.0 and p95 <= 5.0 and calls[0] == 10 and later == 0
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
