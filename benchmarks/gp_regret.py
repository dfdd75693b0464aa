"""Compare the regret of GPSampler with that of Optuna's, on paired seeds.

    OMP_NUM_THREADS=1 python benchmarks/gp_regret.py --trials 60 --seeds 5
    OMP_NUM_THREADS=1 python benchmarks/gp_regret.py --problems tuning --first-seed 100 --seeds 3

Both samplers start from the same ten random points.  The regret of a run is its best noise-free value minus the
optimum.  Constants and priors of our sampler were chosen on the ``tuning`` problems, none on the ``reported`` ones.
Optuna's runs are kept in a file (``--cache``) and not repeated.  A line of the table holds the geometric means of both
regrets and of their ratio, with its 95 % interval: Student's t of the log ratios over seeds, in the last line over
problems.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy import stats

from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler
from raystudy.samplers.gp import GPSampler
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

Params = dict[str, Any]
#: Regret below this counts as this: nobody needs more digits.
FLOOR = 1e-5


@dataclass(frozen=True)
class Problem:
    """A function of known optimum (to be minimised), its space and the deviation of its noise."""

    space: dict[str, Distribution]
    value: Callable[[Params], float]
    optimum: float = 0.0
    noise: float = 0.0


def cube(d: int, low: float, high: float) -> dict[str, Distribution]:
    """Return ``d`` real parameters."""
    return {f"x{i}": FloatDistribution(low, high) for i in range(d)}


def vector(params: Params) -> np.ndarray:
    """Return the real parameters of a cube."""
    return np.array([params[name] for name in sorted(params)], dtype=float)


def branin(p: Params) -> float:
    """Return Branin's function; three optima of 0.397887."""
    x, y = 15 * float(p["x0"]) - 5, 15 * float(p["x1"])
    root = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return root**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


A6 = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
P6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
A3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
P3 = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
C = np.array([1.0, 1.2, 3.0, 3.2])


def hartmann6(p: Params) -> float:
    """Return Hartmann's function of six variables; optimum -3.322368."""
    return -float(C @ np.exp(-(A6 * (vector(p) - P6) ** 2).sum(axis=1)))


def hartmann3(p: Params) -> float:
    """Return Hartmann's function of three variables; optimum -3.862780."""
    return -float(C @ np.exp(-(A3 * (vector(p) - P3) ** 2).sum(axis=1)))


def rosenbrock(p: Params) -> float:
    """Return Rosenbrock's valley."""
    x = vector(p)
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def ackley(p: Params) -> float:
    """Return Ackley's function, its optimum moved to 1.3."""
    x = vector(p) - 1.3
    a, b = np.sqrt((x**2).mean()), np.cos(2 * np.pi * x).mean()
    return float(20 + math.e - 20 * np.exp(-0.2 * a) - np.exp(b))


def ellipsoid(p: Params) -> float:
    """Return a sphere stretched by factors up to 100, its optimum at 0.7."""
    x = vector(p) - 0.7
    return float((np.logspace(0, 2, len(x)) * x**2).sum())


def levy(p: Params) -> float:
    """Return Levy's function; optimum 0 at 1."""
    w = 1 + (vector(p) - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + middle.sum() + last)


def few_matter(p: Params) -> float:
    """Return Branin's function of the first two of many variables."""
    return branin(p)


MIXED: dict[str, Distribution] = {
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "momentum": FloatDistribution(0.0, 1.0),
    "depth": IntDistribution(1, 9),
    "units": IntDistribution(8, 1024, log=True),
    "kind": CategoricalDistribution(("a", "b", "c", "d", "e")),
    "drop": FloatDistribution(0.0, 0.8, step=0.1),
}


def training(p: Params) -> float:
    """Return a made-up validation error whose best learning rate depends on the kind and the depth."""
    shift = {"a": -2.0, "b": -3.0, "c": -2.5, "d": -1.5, "e": -3.5}[str(p["kind"])]
    penalty = {"a": 0.3, "b": 0.0, "c": 0.1, "d": 0.5, "e": 0.15}[str(p["kind"])]
    rate = math.log10(float(p["lr"])) - shift + 0.1 * (float(p["depth"]) - 4)
    size = math.log2(float(p["units"])) - 8
    return (
        0.4 * rate**2 + penalty + (float(p["momentum"]) - 0.85) ** 2 + 0.03 * (float(p["depth"]) - 6) ** 2
        + 0.05 * size**2 + 0.5 * (float(p["drop"]) - 0.3) ** 2
    )  # fmt: skip


SWITCHES: dict[str, Distribution] = {
    **{f"s{i}": CategoricalDistribution(("off", "on", "auto")) for i in range(4)},
    "x": FloatDistribution(-5.0, 5.0),
    "k": IntDistribution(0, 20),
}


def switches(p: Params) -> float:
    """Return a function of four categorical parameters, two of which interact, a real and an integer one."""
    on = [("off", "on", "auto").index(str(p[f"s{i}"])) for i in range(4)]
    x, k = float(p["x"]), float(p["k"])
    return (
        (x - on[0]) ** 2
        + 0.1 * (k - 4 * on[1] - 3) ** 2
        + (on[0] != on[2])
        + 0.5 * (on[3] == 0)
        + 0.2 * (2 - on[1])
    )


TUNING = {
    "hartmann3": Problem(cube(3, 0, 1), hartmann3, -3.862780),
    "rosenbrock4": Problem(cube(4, -2, 2), rosenbrock),
    "ackley5": Problem(cube(5, -5, 5), ackley),
    "noisy ellipsoid4": Problem(cube(4, -2, 2), ellipsoid, noise=2.0),
    "switches": Problem(SWITCHES, switches),
    "branin": Problem(cube(2, 0, 1), branin, 0.397887),
    "mixed training": Problem(MIXED, training),
}
REPORTED = {
    "hartmann6": Problem(cube(6, 0, 1), hartmann6, -3.322368),
    "levy5": Problem(cube(5, -10, 10), levy),
    "noisy hartmann6": Problem(cube(6, 0, 1), hartmann6, -3.322368, noise=0.1),
    "branin in 20": Problem(cube(20, 0, 1), few_matter, 0.397887),
}


def starts(problem: Problem, seed: int) -> list[Params]:
    """Return the ten random points from which both begin."""
    history = History([StudyDirection.MINIMIZE])
    return [RandomSampler().propose(problem.space, history, generator(seed, i)) for i in range(10)]


def run_ours(problem: Problem, seed: int, n_trials: int) -> list[float]:
    """Return the noise-free values of our trials, in order."""
    history, sampler, values = History([StudyDirection.MINIMIZE]), GPSampler(seed=seed), []
    first, noise = starts(problem, seed), np.random.default_rng(seed)
    for number in range(n_trials):
        rng = generator(seed, number)
        params = first[number] if number < 10 else sampler.propose(sampler.joint_space(history), history, rng)
        values.append(problem.value(params))
        told = values[-1] + problem.noise * noise.standard_normal()
        history.update(number, TrialState.COMPLETE, params, problem.space, [told])
    return values


def run_optuna(problem: Problem, seed: int, n_trials: int) -> list[float]:
    """Return the noise-free values of the trials of Optuna's GPSampler, in order."""
    space = {
        k: optuna.distributions.json_to_distribution(distribution_to_json(d))
        for k, d in problem.space.items()
    }
    study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed))
    noise, values = np.random.default_rng(seed), []
    for params in starts(problem, seed):
        study.enqueue_trial(params)
    for _ in range(n_trials):
        trial = study.ask(space)
        values.append(problem.value(trial.params))
        study.tell(trial, values[-1] + problem.noise * noise.standard_normal())
    return values


def regret(problem: Problem, values: list[float]) -> float:
    """Return the regret of the best value."""
    return max(min(values) - problem.optimum, FLOOR)


def row(name: str, logs: list[tuple[float, float]]) -> None:
    """Print the geometric means of both, of their ratio, and its interval."""
    ours, theirs = np.array(logs).T
    gap = ours - theirs
    half = (
        stats.t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / math.sqrt(len(gap)) if len(gap) > 1 else math.nan
    )
    mean = gap.mean()
    ends = f"{math.exp(mean - half):.2f} to {math.exp(mean + half):.2f}"
    print(
        f"| {name} | {math.exp(ours.mean()):.3g} | {math.exp(theirs.mean()):.3g} | {math.exp(mean):.2f} | {ends} |",
        flush=True,
    )


def main() -> None:
    """Run what the flags say and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", choices=["tuning", "reported"], default="reported")
    parser.add_argument("--only", nargs="*", help="names of problems")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("gp_regret_optuna.json"))
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    cache = json.loads(args.cache.read_text()) if args.cache.exists() else {}
    print("| problem | raystudy | Optuna | ratio | 95 % |\n|---|---|---|---|---|", flush=True)
    means, spent = [], 0.0
    for name, problem in (TUNING if args.problems == "tuning" else REPORTED).items():
        if args.only and name not in args.only:
            continue
        logs = []
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            key = f"{name} {seed} {args.trials}"
            if key not in cache:
                cache[key] = run_optuna(problem, seed, args.trials)
                args.cache.write_text(json.dumps(cache))
            begin = time.process_time()
            ours = run_ours(problem, seed, args.trials)
            spent += time.process_time() - begin
            logs.append((math.log(regret(problem, ours)), math.log(regret(problem, cache[key]))))
        row(name, logs)
        means.append((float(np.mean([a for a, _ in logs])), float(np.mean([b for _, b in logs]))))
    row("all", means)
    print(f"CPU of ours: {spent:.0f} s")


if __name__ == "__main__":
    main()
