"""How many epochs a study trains, whatever the number of workers: a discrete-event simulation of one call."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from raystudy.frozen import StudyDirection
from raystudy.pruners import HyperbandPruner, Ruling, Verdict
from raystudy.pruners.base import Judge

WORKERS = [1, 2, 4, 16]


@dataclass
class Simulation:
    """Trials resume where they paused; durations are random; a crash ends a trial for good."""

    judge: Judge
    n_trials: int
    full_budget: int
    crash: float = 0.0
    seed: int = 0
    epochs: Counter[tuple[int, int]] = field(default_factory=Counter)
    trained: Counter[int] = field(default_factory=Counter)
    crashed: set[int] = field(default_factory=set)
    waiting: list[int] = field(default_factory=list)
    paused: set[int] = field(default_factory=set)
    n_created: int = 0

    def loss(self, number: int, epoch: int) -> float:
        return random.Random(number).random() + random.Random(number * 1009 + epoch).random() / epoch

    def next_trial(self) -> int | None:
        if self.waiting:
            return self.waiting.pop(0)
        if self.n_created == self.n_trials:
            return None
        self.n_created += 1
        self.judge.enrol(self.n_created - 1, self.judge.next_bracket())
        if self.n_created == self.n_trials:
            self.obey(self.judge.close())
        return self.n_created - 1

    def obey(self, ruling: Ruling) -> None:
        self.waiting += [number for number, _ in ruling.promoted]
        self.paused -= {number for number, _ in ruling.promoted} | set(ruling.dropped)
        for number in ruling.dropped:
            self.obey(self.judge.settle(number))

    def run(self, n_workers: int) -> Simulation:
        clock = random.Random(self.seed)
        busy: list[tuple[float, int]] = []
        now = 0.0
        while True:
            while len(busy) < n_workers and (number := self.next_trial()) is not None:
                heapq.heappush(busy, (now + clock.random(), number))
            if not busy:
                return self
            now, number = heapq.heappop(busy)
            if self.train(number, clock):
                heapq.heappush(busy, (now + clock.random(), number))

    def train(self, number: int, clock: random.Random) -> bool:
        """Train one epoch and return whether the trial holds its worker."""
        self.trained[number] += 1
        epoch = self.trained[number]
        self.epochs[number, epoch] += 1
        if clock.random() < self.crash:
            self.crashed.add(number)
            self.obey(self.judge.settle(number))
            return False
        ruling = self.judge.report(number, epoch - 1, self.loss(number, epoch), True)
        self.paused |= {number} if ruling.verdict is Verdict.PAUSE else set()
        self.obey(ruling)
        if ruling.verdict is Verdict.STOP or epoch == self.full_budget:
            self.obey(self.judge.settle(number))
        return ruling.verdict is Verdict.CONTINUE and epoch < self.full_budget

    def survivors(self) -> set[int]:
        return {number for number, epoch in self.epochs if epoch == self.full_budget}


def simulate(
    mode: Any, n_trials: int, n_workers: int, limits: tuple[int, int] = (1, 9), **more: Any
) -> Simulation:
    judge = HyperbandPruner(*limits, 3, mode=mode).start(StudyDirection.MINIMIZE, None)
    return Simulation(judge, n_trials, limits[1], **more).run(n_workers)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("seed", range(3))
def test_sync_hyperband_trains_the_papers_epochs_at_any_number_of_workers(workers: int, seed: int) -> None:
    run, alone = simulate("sync", 17, workers, seed=seed), simulate("sync", 17, 1)
    assert run.epochs.total() == len(run.epochs) == 69
    assert run.epochs == alone.epochs
    assert run.survivors() == alone.survivors()
    assert not run.paused


def test_sync_survivors_are_the_offline_best_of_every_rung() -> None:
    run = simulate("sync", 17, 4)
    for members, sizes, budgets in [(range(9), (3, 1), (1, 3)), (range(9, 14), (1,), (3,))]:
        left = list(members)
        for size, budget in zip(sizes, budgets, strict=True):
            losses = {number: run.loss(number, budget) for number in left}
            left = sorted(left, key=losses.__getitem__)[:size]
        assert run.survivors() & set(members) == set(left)


@pytest.mark.parametrize("workers", WORKERS)
def test_sync_cycles_and_a_short_last_bracket_cost_the_same_at_any_number_of_workers(workers: int) -> None:
    run, alone = simulate("sync", 43, workers, seed=workers), simulate("sync", 43, 1)
    assert run.epochs == alone.epochs
    assert max(run.epochs.values()) == 1


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("n_trials", [49, 143])
def test_promote_trains_no_epoch_twice_and_at_most_double_the_epochs_of_sync(
    workers: int, n_trials: int
) -> None:
    """The price of not waiting: a rung of n lets on n / eta and some sqrt(n) more (Li et al. 2020)."""
    run = simulate("promote", n_trials, workers, limits=(1, 27), seed=workers)
    assert max(run.epochs.values()) == 1
    assert run.epochs.total() <= 2 * simulate("sync", n_trials, 1, limits=(1, 27)).epochs.total()
    assert not run.paused
    assert run.survivors()


@pytest.mark.parametrize("mode", ["sync", "promote"])
@pytest.mark.parametrize("workers", WORKERS)
def test_crashes_never_leave_a_trial_waiting(mode: str, workers: int) -> None:
    for seed in range(20):
        run = simulate(mode, 40, workers, crash=0.05, seed=seed)
        assert not run.paused
        assert not run.waiting
        assert run.n_created == 40


@pytest.mark.parametrize("mode", ["sync", "promote"])
@pytest.mark.parametrize(("limits", "n_rungs"), [((1, 243), 6), ((5, 50), 3), ((1, 1), 1)])
def test_a_study_has_as_many_brackets_as_rungs(mode: str, limits: tuple[int, int], n_rungs: int) -> None:
    run = simulate(mode, 460, 8, limits=limits)
    assert f"rung {n_rungs - 1} (budget {limits[1]})" in repr(run.judge)
    assert f"rung {n_rungs} " not in repr(run.judge)
    assert not run.paused


def test_rungs_of_five_to_fifty_are_where_trials_end() -> None:
    run = simulate("sync", 18, 4, limits=(5, 50))
    assert set(run.trained.values()) == {5, 16, 50}
    assert run.epochs.total() == (9 * 5 + 3 * 11 + 34) + (5 * 16 + 34) + 4 * 50


def test_a_thousand_workers_and_ten_thousand_trials_are_judged_in_seconds() -> None:
    run = simulate("promote", 10_000, 1000, limits=(1, 27))
    assert not run.paused
    assert max(run.epochs.values()) == 1
