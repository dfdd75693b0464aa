"""Time one ask of TPE, beside Optuna's default TPE on the same trials.

    OMP_NUM_THREADS=1 python benchmarks/ask_latency.py --burst 64
    OMP_NUM_THREADS=1 python benchmarks/ask_latency.py --trials 1000 10000 --params 5 20 --repeats 5

One ask of ours is ``joint_space`` + generator + ``propose``, and recording the proposal as pending, so that
the next one can reuse nothing.  One ask of Optuna is ``study.ask`` with all distributions, in memory, which
leaves its trial running likewise.  The two take turns in one process, so that a busy machine slows both; times
are CPU times of the thread.  ``burst`` asks in a row without a tell are timed as one.  The space is a numeric
mix: real, log, int, log int and stepped parameters in equal shares.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import optuna

from raystudy import distributions as ours
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

Space = dict[str, ours.Distribution]


def numeric_mix(n_params: int) -> Space:
    """Return a space with five kinds of numeric parameters, by turns."""
    kinds: list[ours.Distribution] = [
        ours.FloatDistribution(0.0, 1.0),
        ours.FloatDistribution(1e-5, 1.0, log=True),
        ours.IntDistribution(1, 64),
        ours.IntDistribution(1, 1024, log=True),
        ours.FloatDistribution(0.0, 10.0, step=0.5),
    ]
    return {f"x{i:02d}": kinds[i % len(kinds)] for i in range(n_params)}


def to_optuna(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the same space in Optuna's classes."""
    return {
        name: optuna.distributions.json_to_distribution(ours.distribution_to_json(distribution))
        for name, distribution in space.items()
    }


def prepare(n_trials: int, n_params: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return one ask of ours and one of Optuna's, after the same ``n_trials`` complete trials."""
    space, history, sampler = numeric_mix(n_params), History([StudyDirection.MINIMIZE]), TPESampler(seed=0)
    theirs = to_optuna(space)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    for number in range(n_trials):
        params = RandomSampler().propose(space, history, generator(0, number))
        value = sum(d.to_internal_repr(params[name]) for name, d in space.items())
        history.update(number, TrialState.COMPLETE, params, space, [value])
        study.add_trial(optuna.create_trial(params=params, distributions=theirs, value=value))

    def ask() -> None:
        number = len(history)
        joint = sampler.joint_space(history)
        params = sampler.propose(joint, history, generator(0, number))
        history.update(number, TrialState.RUNNING, params, joint)

    return ask, lambda: _ask_optuna(study, theirs)


def _ask_optuna(study: optuna.Study, space: dict[str, optuna.distributions.BaseDistribution]) -> None:
    study.ask(space)


def cpu_ms(call: Callable[[], None]) -> float:
    """Return the CPU time of one call, in milliseconds."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


def in_a_row(call: Callable[[], None], count: int) -> Callable[[], None]:
    """Return a function that calls another one ``count`` times."""

    def calls() -> None:
        for _ in range(count):
            call()

    return calls


def report(label: str, our_ms: list[float], their_ms: list[float]) -> None:
    """Print one line of the table: medians (and fastest) and their ratio."""
    a, b = statistics.median(our_ms), statistics.median(their_ms)
    print(
        f"| {label} | {a:.2f} ({min(our_ms):.2f}) | {b:.1f} ({min(their_ms):.1f}) | {b / a:.0f}x |",
        flush=True,
    )


def main() -> None:
    """Run the grid of the flags and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--params", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--burst", type=int, default=0, help="asks in a row; 0 skips this part")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("| TPE ask, CPU ms: median (fastest) | raystudy | Optuna | ratio |\n|---|---|---|---|")
    for n_params in args.params:
        for n_trials in args.trials:
            ask, ask_optuna = prepare(n_trials, n_params)
            ask()
            ask_optuna()
            pairs = [(cpu_ms(ask), cpu_ms(ask_optuna)) for _ in range(args.repeats)]
            report(f"n={n_trials} d={n_params}", [a for a, _ in pairs], [b for _, b in pairs])
            if args.burst:
                ours_ms, theirs_ms = (cpu_ms(in_a_row(call, args.burst)) for call in (ask, ask_optuna))
                report(f"n={n_trials} d={n_params}, {args.burst} asks", [ours_ms], [theirs_ms])


if __name__ == "__main__":
    main()
