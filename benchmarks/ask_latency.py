"""Time one ask of TPE and of GP, beside Optuna's samplers of that name and Rustuna's TPE on the same trials.

    python benchmarks/ask_latency.py                         # every floor, PASS or FAIL; about three minutes
    python benchmarks/ask_latency.py --only TPE --params 5 --repeats 15

The space mixes real, log, int, log int and categorical parameters in equal shares.  One ask of ours is what a driver
does: the proposal, over all parameters, and recording it.  One ask of Optuna is ``study.ask`` with all distributions,
one of Rustuna ``study.ask`` and a ``suggest`` for each parameter, both in memory.  All know the same finished trials
and, in the rows that say so, 64 pending ones (Rustuna does not look at those).  After each ask its trial is told, so
that no ask can reuse what another has computed; in a row of asks nothing is told, and the row is timed as one.

Times are CPU times of the process, on one thread, medians of rounds in which the libraries take turns, so that a busy
machine slows all of them.  Optuna's GP is timed with greenlet, without which it is slower.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import greenlet  # type: ignore[import-untyped]  # noqa: F401 - Optuna's GP is slower without it
import optuna
import rustuna
import torch
from threadpoolctl import threadpool_limits

from raystudy import distributions as ours
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import GPSampler, RandomSampler, Sampler, TPESampler
from raystudy.samplers.history import History
from raystudy.samplers.seeding import generator

Space = dict[str, ours.Distribution]
Params = dict[str, Any]
N_PENDING = 64
N_IN_A_ROW = 64


def mixed_space(n_params: int) -> Space:
    """Return a space with five kinds of parameters, by turns."""
    kinds: list[ours.Distribution] = [
        ours.FloatDistribution(0.0, 1.0),
        ours.FloatDistribution(1e-5, 1.0, log=True),
        ours.IntDistribution(1, 1000),
        ours.IntDistribution(1, 1024, log=True),
        ours.CategoricalDistribution(("a", "b", "c", "d")),
    ]
    return {f"x{i:02d}": kinds[i % len(kinds)] for i in range(n_params)}


@dataclass(frozen=True)
class Trials:
    """What all libraries know: finished trials with their values, then pending ones."""

    space: Space
    finished: list[Params]
    pending: list[Params]

    @classmethod
    def of(cls, n_finished: int, n_params: int, n_pending: int) -> Trials:
        """Draw trials at random."""
        space, empty = mixed_space(n_params), History([StudyDirection.MINIMIZE])
        drawn = [
            RandomSampler().propose(space, empty, generator(0, i)) for i in range(n_finished + n_pending)
        ]
        return cls(space, drawn[:n_finished], drawn[n_finished:])

    def value(self, params: Params) -> float:
        """Return the value of a trial."""
        return float(sum(d.to_internal_repr(params[name]) for name, d in self.space.items()))


class Library(Protocol):
    """One library with its study."""

    def ask(self) -> None:
        """Create a trial with all of its parameters."""

    def tell(self) -> None:
        """Finish the trial that was asked for last."""


class Raystudy:
    """Ours."""

    def __init__(self, sampler: Sampler, trials: Trials) -> None:
        self.trials = trials
        self.proposer = Proposer(sampler, [StudyDirection.MINIMIZE], 0)
        self.asked: Params = {}
        for number, params in enumerate(trials.finished):
            self._record(number, params, TrialState.COMPLETE)
        for number, params in enumerate(trials.pending, start=len(trials.finished)):
            self._record(number, params, TrialState.RUNNING)

    def ask(self) -> None:
        """Draw the proposal of the next trial and record it."""
        self.asked = {
            name: value for name, (value, _) in self.proposer.propose(len(self.proposer.history)).items()
        }

    def tell(self) -> None:
        """Record the result."""
        self._record(len(self.proposer.history) - 1, self.asked, TrialState.COMPLETE)

    def _record(self, number: int, params: Params, state: TrialState) -> None:
        values = [self.trials.value(params)] if state is TrialState.COMPLETE else None
        self.proposer.history.update(number, state, params, self.trials.space, values)


class Optuna:
    """Optuna, in memory."""

    def __init__(self, sampler: optuna.samplers.BaseSampler, trials: Trials) -> None:
        self.trials = trials
        self.space = {
            name: optuna.distributions.json_to_distribution(ours.distribution_to_json(d))
            for name, d in trials.space.items()
        }
        self.study = optuna.create_study(sampler=sampler)
        self.asked: optuna.Trial | None = None
        for params in trials.finished:
            self._add(params, value=trials.value(params))
        for params in trials.pending:
            self._add(params, state=optuna.trial.TrialState.RUNNING)

    def _add(self, params: Params, **outcome: Any) -> None:
        trial = optuna.create_trial(params=params, distributions=self.space, **outcome)
        self.study.add_trial(trial)

    def ask(self) -> None:
        """Ask for a trial with all distributions."""
        self.asked = self.study.ask(self.space)

    def tell(self) -> None:
        """Tell its value."""
        assert self.asked is not None  # noqa: S101 - asked before
        self.study.tell(self.asked, self.trials.value(self.asked.params))


class Rustuna:
    """Rustuna's TPE, in memory."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        make = rustuna.distributions
        self.space = {
            name: make.CategoricalDistribution(list(d.choices))
            if isinstance(d, ours.CategoricalDistribution)
            else make.IntDistribution(d.low, d.high, d.log)
            if isinstance(d, ours.IntDistribution)
            else make.FloatDistribution(d.low, d.high, d.log)
            for name, d in trials.space.items()
        }
        self.study = rustuna.create_study(sampler=rustuna.samplers.TPESampler(seed=0))
        self.number, self.asked = 0, Params()
        for params in trials.finished:
            self.study.add_trial(
                rustuna.create_trial(params=params, distributions=self.space, value=trials.value(params))
            )
        for _ in trials.pending:
            self.ask()

    def ask(self) -> None:
        """Ask for a trial, and for each parameter."""
        trial = self.study.ask()
        for name, d in self.trials.space.items():
            if isinstance(d, ours.CategoricalDistribution):
                self.asked[name] = trial.suggest_categorical(name, list(d.choices))
            elif isinstance(d, ours.IntDistribution):
                self.asked[name] = trial.suggest_int(name, d.low, d.high, log=d.log)
            else:
                self.asked[name] = trial.suggest_float(name, d.low, d.high, log=d.log)
        self.number = trial.number

    def tell(self) -> None:
        """Tell its value."""
        self.study.tell(self.number, self.trials.value(self.asked))


@dataclass(frozen=True)
class Row:
    """One line of the table: what is timed, and the floor that it must hold."""

    sampler: str
    n_params: int
    n_finished: int
    n_pending: int
    in_a_row: int
    repeats: int
    floor: float  #: Of our time as a share of Optuna's.

    @property
    def title(self) -> str:
        """Return what the line says of itself."""
        what = f"{self.in_a_row} asks in a row" if self.in_a_row > 1 else "one ask"
        pending = f", {self.n_pending} pending" if self.n_pending else ""
        return f"{self.sampler}, {self.n_params} parameters, {self.n_finished} trials{pending}: {what}"


def rows(args: argparse.Namespace) -> list[Row]:
    """Return the lines of the issue's table that were asked for."""
    found = []
    for d in args.params:
        for n in (100, 1000, 10_000):
            floor, repeats = 0.3 if n == 100 else 0.1, args.repeats if n < 10_000 else min(args.repeats, 5)
            found += [Row("TPE", d, n, pending, 1, repeats, floor) for pending in (0, N_PENDING)]
        found.append(Row("TPE", d, 1000, 0, N_IN_A_ROW, 1, 0.1))
        found += [Row("GP", d, n, 0, 1, min(args.repeats, 5), 0.3) for n in (100, 300)]
    return sorted((row for row in found if row.sampler in args.only), key=lambda row: row.sampler != "TPE")


def cpu_ms(call: Callable[[], None], times: int) -> float:
    """Return the CPU time of some calls, in milliseconds."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) * 1e3


def measure(row: Row) -> list[float]:
    """Return the median times of ours, Optuna and Rustuna (TPE only), in milliseconds."""
    trials = Trials.of(row.n_finished, row.n_params, row.n_pending)
    libraries: Sequence[Library]
    if row.sampler == "TPE":
        peer = optuna.samplers.TPESampler(seed=0)
        libraries = [Raystudy(TPESampler(seed=0), trials), Optuna(peer, trials), Rustuna(trials)]
    else:
        peer_gp = optuna.samplers.GPSampler(seed=0)
        libraries = [Raystudy(GPSampler(seed=0), trials), Optuna(peer_gp, trials)]
    for library in libraries:  # imports and first calls
        library.ask()
        library.tell()
    times: list[list[float]] = [[] for _ in libraries]
    for _ in range(row.repeats):
        for library, of_library in zip(libraries, times, strict=True):
            of_library.append(cpu_ms(library.ask, row.in_a_row))
            library.tell()
    return [statistics.median(each) for each in times]


def main() -> int:
    """Print the table, and whether every floor holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["TPE", "GP"], nargs="+", default=["TPE", "GP"])
    parser.add_argument("--params", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    print(
        "| CPU ms, medians | raystudy | Optuna | Rustuna | ours / Optuna's | floor | |\n|---|---|---|---|---|---|---|"
    )
    n_failed = 0
    with threadpool_limits(1):
        for row in rows(args):
            mine, theirs, *others = measure(row)
            holds = mine <= row.floor * theirs
            n_failed += not holds
            rust = f"{others[0]:.2f}" if others else "-"
            print(
                f"| {row.title} | {mine:.2f} | {theirs:.1f} | {rust} | {mine / theirs:.3f} | {row.floor} | "
                f"{'PASS' if holds else 'FAIL'} |",
                flush=True,
            )
    print(f"{'FAIL' if n_failed else 'PASS'}: {n_failed} floors do not hold")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
