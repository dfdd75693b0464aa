"""Hyperband at 1 to 1,000 workers: what its two modes promise, checked against successive halving on paper.

Every trial has a score of its own, and its curve keeps the order of the scores at each step: so it is known in
advance who should win.  Durations differ between trials; they are multiples of 1/64 s, so that sums of them
are exact and moments can be compared.
"""

from __future__ import annotations

import random
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import pytest

import raystudy
from raystudy.frozen import TrialState
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.simulation import Simulation

FULL, ETA = 81, 3
WORKERS = [1, 4, 16, 64, 1000]
SEEDS = range(50)
#: Algorithm 1 of Li et al. (2018) for R = 81 and eta = 3: trials and smallest budget of each bracket.
BRACKETS = [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]
#: (81 * 1 + 27 * 2 + 9 * 6 + 3 * 18 + 1 * 54) + (34 * 3 + 11 * 6 + 3 * 18 + 54) + (15 * 9 + 5 * 18 + 54)
#: + (8 * 27 + 2 * 54) + 5 * 81: no epoch is trained twice.
#: Trials of a search, by its mode; two cycles of promote have a top third in every bracket but the last.
N_TRIALS = {"sync": sum(size for size, _ in BRACKETS), "promote": 2 * (81 + 34 + 8 + 2 + 1)}
SYNC_EPOCHS = 297 + 276 + 279 + 324 + 405
SYNC_AT_FULL = 1 + 1 + 1 + 2 + 5


@dataclass(frozen=True, slots=True)
class Search:
    """A simulated search, and what it could not know: the score and the seconds per epoch of each trial."""

    scores: list[float]
    epoch_s: list[float]
    result: Simulation
    #: Epochs that each trial has trained.
    epochs: dict[int, int]
    #: Numbers of the trials by the position of their bracket.
    brackets: dict[int, list[int]]

    def best(self, numbers: list[int], n: int) -> list[int]:
        return sorted(numbers, key=self.scores.__getitem__)[:n]


@cache
def search(mode: str, n_workers: int, seed: int) -> Search:
    rng = random.Random(seed)
    n_trials = N_TRIALS[mode]
    scores = [rng.random() for _ in range(n_trials)]
    epoch_s = [rng.randrange(32, 97) / 64 for _ in range(n_trials)]

    def curve(trial: raystudy.Trial) -> Iterator[tuple[float, float]]:
        for epoch in range(1, FULL + 1):
            yield scores[trial.number] + 1 / epoch, epoch_s[trial.number]

    result = raystudy.simulate(
        curve,
        n_trials,
        n_workers=n_workers,
        pruner=HyperbandPruner(1, FULL, ETA, mode=mode),
        sampler=RandomSampler(seed=seed),
    )
    epochs: dict[int, int] = {}
    brackets: dict[int, list[int]] = defaultdict(list)
    for trial in result.study.get_trials(deepcopy=False):
        epochs[trial.number] = len(trial.intermediate_values)
        brackets[trial.system_attrs["raystudy:bracket"] % len(BRACKETS)].append(trial.number)
    return Search(scores, epoch_s, result, epochs, brackets)


def searches(mode: str, n_workers: int) -> list[Search]:
    return [search(mode, n_workers, seed) for seed in SEEDS]


def halving_on_paper(scores: list[float]) -> dict[int, int]:
    """Epochs of each trial when brackets are filled one after the other, each rung judged when all are there."""
    epochs: dict[int, int] = {}
    first = 0
    for size, smallest in BRACKETS:
        left, budget, n_left = list(range(first, first + size)), smallest, size
        first += size
        while left:
            epochs |= dict.fromkeys(left, budget)
            n_left, budget = n_left // ETA, budget * ETA
            left = sorted(left, key=scores.__getitem__)[:n_left] if budget <= FULL else []
    return epochs


@pytest.mark.parametrize("n_workers", WORKERS)
def test_sync_trains_exactly_the_epochs_and_keeps_exactly_the_survivors_of_halving_on_paper(
    n_workers: int,
) -> None:
    for seed in range(5):
        run = search("sync", n_workers, seed)
        assert run.epochs == halving_on_paper(run.scores)
        assert run.result.epochs == SYNC_EPOCHS
        assert Counter(run.epochs.values())[FULL] == SYNC_AT_FULL


@pytest.mark.parametrize("n_workers", WORKERS)
def test_promote_brings_the_best_trial_to_the_full_budget(n_workers: int) -> None:
    for run in searches("promote", n_workers):
        [best] = run.best(list(run.epochs), 1)
        assert run.epochs[best] == FULL
        assert run.result.study.best_trial.number == best


@pytest.mark.parametrize("n_workers", WORKERS)
def test_promote_lets_at_least_nine_of_ten_of_each_rungs_true_top_third_on(n_workers: int) -> None:
    """True: of all trials of the bracket, as on paper; and of those that the rung has seen."""
    for run in searches("promote", n_workers):
        for position, members in run.brackets.items():
            n_top, budget = len(members) // ETA, BRACKETS[position][1]
            while budget < FULL:
                seen = [n for n in members if run.epochs[n] >= budget]
                for top in (run.best(members, n_top), run.best(seen, len(seen) // ETA)):
                    assert sum(run.epochs[n] > budget for n in top) >= 0.9 * len(top)
                n_top, budget = n_top // ETA, budget * ETA


@pytest.mark.parametrize("n_workers", WORKERS)
def test_promote_brings_at_most_two_and_a_half_times_as_many_trials_to_the_full_budget_as_sync(
    n_workers: int,
) -> None:
    """And at least as many as halving on paper would, with as many trials in each bracket as there are here."""
    for run in searches("promote", n_workers):
        sizes = {position: len(members) for position, members in run.brackets.items()}
        on_paper = sum(max(1, sizes[i] // (FULL // smallest)) for i, (_, smallest) in enumerate(BRACKETS))
        in_sync = SYNC_AT_FULL * len(run.epochs) / N_TRIALS["sync"]
        assert on_paper <= Counter(run.epochs.values())[FULL] <= 2.5 * in_sync


def test_promote_deals_most_trials_to_the_aggressive_brackets() -> None:
    brackets = search("promote", 4, 0).brackets
    assert [len(brackets[position]) for position in range(len(BRACKETS))] == [162, 68, 16, 4, 2]


@pytest.mark.parametrize("n_workers", WORKERS)
@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_no_epoch_is_trained_twice_and_every_trial_ends(mode: str, n_workers: int) -> None:
    for run in searches("promote", n_workers) if mode == "promote" else [search("sync", n_workers, 0)]:
        trained: Counter[int] = Counter()
        for span in run.result.timeline:
            trained[span.number] += span.epochs
            assert span.end_s - span.start_s == span.epochs * run.epoch_s[span.number]
        assert trained == run.epochs
        states = {trial.state for trial in run.result.study.get_trials(deepcopy=False)}
        assert states == {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.parametrize("n_workers", WORKERS)
def test_promote_idles_no_worker_while_there_is_a_trial_to_create_or_to_promote(n_workers: int) -> None:
    for run in searches("promote", n_workers):
        for moment in moments(run):
            if moment.n_busy < n_workers:
                assert moment.n_created == N_TRIALS["promote"], moment
                assert not moment.promotable, moment


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds from a moment until the next one."""

    time_s: float
    n_busy: int
    n_created: int
    #: Trials that wait at a rung among the best third of those that it has seen.
    promotable: list[int]


def moments(run: Search) -> Iterator[Moment]:
    """Replay the timeline with rungs of the test's own."""
    position = {number: bracket for bracket, members in run.brackets.items() for number in members}
    seen: dict[tuple[int, int], list[float]] = defaultdict(list)
    waiting: dict[int, tuple[int, int]] = {}
    n_busy = n_created = 0
    for time_s, happenings in groupby(sorted(happenings_of(run)), key=lambda happening: happening[0]):
        for _, what, number, epochs in happenings:
            rung = (position[number], epochs)
            match what:
                case "0 report":
                    insort(seen[rung], run.scores[number])
                case "1 end":
                    n_busy -= 1
                    if epochs < FULL:
                        waiting[number] = rung
                case "2 start":
                    n_busy += 1
                    n_created += waiting.pop(number, None) is None
        promotable = [n for n, at in waiting.items() if run.scores[n] in seen[at][: len(seen[at]) // ETA]]
        yield Moment(time_s, n_busy, n_created, promotable)


def happenings_of(run: Search) -> Iterator[tuple[float, str, int, int]]:
    """Yield (seconds, what, trial, its epochs by then); what happens first at one moment sorts first."""
    before: Counter[int] = Counter()
    for span in sorted(run.result.timeline, key=lambda span: span.start_s):
        number = span.number
        yield span.start_s, "2 start", number, before[number]
        for epochs in range(before[number] + 1, before[number] + span.epochs + 1):
            if epochs in (1, 3, 9, 27):
                since = (epochs - before[number]) * run.epoch_s[number]
                yield span.start_s + since, "0 report", number, epochs
        before[number] += span.epochs
        yield span.end_s, "1 end", number, before[number]
