"""Time one ask of TPE or GP, beside Optuna's sampler of that name on the same trials.

    OMP_NUM_THREADS=1 python benchmarks/ask_latency.py --burst 64
    OMP_NUM_THREADS=1 python benchmarks/ask_latency.py --trials 1000 10000 --params 5 20 --repeats 5
    OMP_NUM_THREADS=1 python benchmarks/ask_latency.py --sampler GP --trials 100 300 --repeats 5 --burst 8

One ask of ours is ``joint_space`` + generator + ``propose``, and recording the proposal, so that the next one can reuse
nothing.  One ask of Optuna is ``study.ask`` with all distributions, in memory.  With TPE the trials stay running; with
GP they are told a value, since Optuna has another, slower algorithm beside running trials.
In a burst (asks in a row without a tell, timed as one) all stay running.  The two take turns in one process, so that a
busy machine slows both; times are CPU times of the thread.  The space is a numeric mix: real, log, int, log int and
stepped parameters in equal shares.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import optuna

from raystudy import distributions as ours
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import GPSampler, RandomSampler, Sampler, TPESampler
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


SAMPLERS: dict[str, tuple[Sampler, type[optuna.samplers.BaseSampler]]] = {
    "TPE": (TPESampler(seed=0), optuna.samplers.TPESampler),
    "GP": (GPSampler(seed=0), optuna.samplers.GPSampler),
}


def values_of(space: Space, params: dict[str, ours.ParamValue], n_objectives: int) -> list[float]:
    """Return the sum of all parameters, and sums in which the sign changes with each or every other parameter, ..."""
    internals = [distribution.to_internal_repr(params[name]) for name, distribution in space.items()]
    return [
        sum(value * (-1.0) ** (j and at // j) for at, value in enumerate(internals))
        for j in range(n_objectives)
    ]


def prepare(
    which: str, n_trials: int, n_params: int, n_objectives: int
) -> tuple[Callable[[bool], None], Callable[[bool], None]]:
    """Return one ask of ours and one of Optuna's, after the same ``n_trials`` complete trials.

    The argument of an ask says whether its trial stays running, or is told its values.
    """
    space, history = numeric_mix(n_params), History([StudyDirection.MINIMIZE] * n_objectives)
    sampler, their_sampler = SAMPLERS[which]
    theirs = to_optuna(space)
    directions = [optuna.study.StudyDirection.MINIMIZE] * n_objectives
    chosen = their_sampler(seed=0)  # type: ignore[call-arg]  # both have a seed
    study = optuna.create_study(sampler=chosen, directions=directions)
    for number in range(n_trials):
        params = RandomSampler().propose(space, history, generator(0, number))
        values = values_of(space, params, n_objectives)
        history.update(number, TrialState.COMPLETE, params, space, values)
        study.add_trial(optuna.create_trial(params=params, distributions=theirs, values=values))

    def ask(stays: bool) -> None:
        number = len(history)
        joint = sampler.joint_space(history)
        params = sampler.propose(joint, history, generator(0, number))
        if stays:
            history.update(number, TrialState.RUNNING, params, joint)
        else:
            values = values_of(space, params, n_objectives)
            history.update(number, TrialState.COMPLETE, params, joint, values)

    def ask_optuna(stays: bool) -> None:
        trial = study.ask(theirs)
        if not stays:
            study.tell(trial, values_of(space, trial.params, n_objectives))

    return ask, ask_optuna


def cpu_ms(call: Callable[[], None]) -> float:
    """Return the CPU time of one call, in milliseconds."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


def in_a_row(ask: Callable[[bool], None], count: int) -> Callable[[], None]:
    """Return a function that asks ``count`` times and leaves all trials running."""

    def calls() -> None:
        for _ in range(count):
            ask(True)

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
    parser.add_argument("--sampler", choices=list(SAMPLERS), default="TPE")
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--params", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--objectives", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--burst", type=int, default=0, help="asks in a row; 0 skips this part")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    stays = args.sampler != "GP"
    print(f"| {args.sampler} ask, CPU ms: median (fastest) | raystudy | Optuna | ratio |\n|---|---|---|---|")
    for n_params in args.params:
        for n_trials in args.trials:
            ask, ask_optuna = prepare(args.sampler, n_trials, n_params, args.objectives)
            ask(stays)
            ask_optuna(stays)
            once, once_optuna = partial(ask, stays), partial(ask_optuna, stays)
            pairs = [(cpu_ms(once), cpu_ms(once_optuna)) for _ in range(args.repeats)]
            report(f"n={n_trials} d={n_params}", [a for a, _ in pairs], [b for _, b in pairs])
            if args.burst:
                ours_ms, theirs_ms = (cpu_ms(in_a_row(call, args.burst)) for call in (ask, ask_optuna))
                report(f"n={n_trials} d={n_params}, {args.burst} asks", [ours_ms], [theirs_ms])


if __name__ == "__main__":
    main()
