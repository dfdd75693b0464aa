"""``raystudy.simulate``: a search in virtual time, to plan a real one with."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from raystudy.frozen import FrozenTrial, StudyDirection
from raystudy.opening import as_direction
from raystudy.orchestrator.curves import CurveFunction, RecordedCurves
from raystudy.orchestrator.ledger import SEED
from raystudy.orchestrator.settings import remember_settings
from raystudy.orchestrator.simulator import Simulator
from raystudy.orchestrator.workplace import VirtualClock, Workplace, WorkSpan
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike, seed_of
from raystudy.storages.memory import InMemoryStorage
from raystudy.study import Study

__all__ = ["Simulation", "WorkSpan", "simulate"]

_BEGIN = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - naive, as the times of trials are


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a simulated search has cost and found.

    Attributes:
        study: The study, in memory; its trials have virtual times, from midnight of 1 January 2000 on.
        n_workers: How many virtual workers there were.
        makespan_s: Virtual seconds from the beginning until the last result.
        timeline: All attempts, in the order in which they ended.
        best_over_time: (virtual seconds, value) each time a trial was completed better than all before.
    """

    study: Study
    n_workers: int
    makespan_s: float
    timeline: tuple[WorkSpan, ...]
    best_over_time: tuple[tuple[float, float], ...]

    @property
    def epochs(self) -> int:
        """How many epochs were trained, that is, how many reports were made."""
        return sum(span.epochs for span in self.timeline)

    @property
    def busy_s(self) -> float:
        """Worker-seconds, with the starting of attempts: what the search costs where workers are paid by use."""
        return sum(span.end_s - span.start_s for span in self.timeline)

    @property
    def utilisation(self) -> float:
        """The share of the makespan, from 0 to 1, that the average worker was busy."""
        return self.busy_s / (self.n_workers * self.makespan_s) if self.makespan_s > 0 else 1.0

    def to_json(self) -> str:
        """Return all trials and the timeline as JSON: byte for byte the same for the same arguments."""
        return json.dumps(
            {
                "n_workers": self.n_workers,
                "makespan_s": self.makespan_s,
                "best_over_time": self.best_over_time,
                "trials": [_plain(trial) for trial in self.study.get_trials(deepcopy=False)],
                "timeline": [astuple(span) for span in self.timeline],
            }
        )

    def __str__(self) -> str:
        """Return the figures in a line."""
        best = f"{self.best_over_time[-1][1]:.6g}" if self.best_over_time else "-"
        return (
            f"{len(self.study.get_trials(deepcopy=False))} trials on {self.n_workers} workers: "
            f"{dt.timedelta(seconds=round(self.makespan_s))}, {self.epochs} epochs, "
            f"{self.utilisation:.0%} busy, best {best}"
        )


def simulate(
    curve: CurveFunction | Iterable[FrozenTrial],
    n_trials: int | None = None,
    *,
    n_workers: int = 1,
    sampler: SamplerLike | None = None,
    pruner: PrunerLike | None = None,
    direction: str | StudyDirection = "minimize",
    seed: int | None = None,
    epoch_s: float = 1.0,
    start_s: float = 0.0,
    max_steps: int | None = None,
    timeout: float | None = None,
    checkpoints: bool = True,
) -> Simulation:
    """Run a search in virtual time: the real scheduler, sampler and pruner, with imagined workers and trainings.

        def curve(trial):
            lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
            for epoch in range(81):
                yield abs(math.log10(lr) + 2) + 1 / (epoch + 1)

        plan = raystudy.simulate(curve, 143, n_workers=16, pruner=HyperbandPruner(1, 81, 3), epoch_s=60)
        print(plan)                       # how long, how many epochs, how busy, how good
        plan.study.best_params

    The same arguments give the same result, to the byte.  No worker dies, and storing takes no time.

    Args:
        curve: Takes a trial and returns its learning curve: values by step from 0 (a sequence, or a generator, which
            is run only as far as the trial is trained), or a mapping of steps to values.  In place of a value stands
            a pair of it and its seconds where epochs differ in length.  The objective value is the last one, or
            what a generator returns.  Called once per trial; the simulator reports, the function must not.
            Or the trials of an earlier study: their parameters and curves are played again in their order.
        n_trials: How many trials to run; default: until the timeout, or all that were recorded.
        n_workers: How many trials run at once.
        sampler: What proposes parameters; default: ``TPESampler()``.
        pruner: What stops trials; default: ``MedianPruner()``.
        direction: "minimize" or "maximize".
        seed: Seed of the study; default: the sampler's, else 0.
        epoch_s: Seconds from one report to the next, where the curve does not say.
        start_s: Seconds that a worker needs to start an attempt: the first of a trial, and each after a pause.
        max_steps: A training ends after so many reports; needed for curves without an end.
        timeout: After so many virtual seconds no trial is begun, and running ones end at their next report.
        checkpoints: Whether trials save a checkpoint with each report; without them no trial can be promoted.

    Raises:
        ValueError: If an option is out of its range, or two contradict each other.
        TypeError: If the curve is none.
        Exception: What the curve raised.
    """
    play: CurveFunction
    replayed: list[FrozenTrial] = []
    if callable(curve):
        play = curve
    else:
        play = recorded = RecordedCurves(curve)
        replayed = recorded.trials
        n_trials = len(replayed) if n_trials is None else n_trials
    _check(n_trials, timeout, replayed)
    clock = VirtualClock(_BEGIN)
    storage = InMemoryStorage(clock.timestamp)
    study_id = storage.create_study("simulation", (as_direction(direction),))
    study = Study(storage, study_id, sampler, pruner)
    storage.set_study_attrs(study_id, {}, {SEED: _seed(seed, study.sampler)})
    for trial in replayed[:n_trials]:
        study.enqueue_trial(trial.params)
    simulator = Simulator(
        storage=storage,
        study_id=study_id,
        n_trials=n_trials,
        sampler=study.sampler,
        seed=remember_settings(storage, study_id, study.sampler, study.pruner, lambda _line: None),
        pruner=study.pruner,
        curve=play,
        workplace=Workplace(n_workers, epoch_s, start_s, max_steps, timeout, checkpoints),
        clock=clock,
    )
    simulator.run()
    return Simulation(study, n_workers, clock.elapsed_s, tuple(simulator.spans), tuple(simulator.best))


def _seed(seed: int | None, sampler: SamplerLike) -> int:
    own = seed_of(sampler)
    if seed is not None and own not in (None, seed):
        raise ValueError(f"expected seed to be that of the sampler, {own}, or None; got {seed}")
    return next(each for each in (seed, own, 0) if each is not None)


def _check(n_trials: int | None, timeout: float | None, replayed: list[FrozenTrial]) -> None:
    if n_trials is None and timeout is None:
        raise ValueError("expected n_trials or timeout, got neither: the search would never end")
    if n_trials is not None and n_trials < 0:
        raise ValueError(f"expected n_trials >= 0 or None, got {n_trials}")
    if replayed and n_trials is not None and n_trials > len(replayed):
        raise ValueError(f"expected n_trials <= {len(replayed)}, as many as were recorded, got {n_trials}")


def _plain(trial: FrozenTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "start": str(trial.datetime_start),
        "complete": str(trial.datetime_complete),
        "params": trial.params,
        "intermediate_values": trial.intermediate_values,
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
    }
