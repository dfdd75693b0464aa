"""How many reports a second the bracket core judges: ``python benchmarks/bracket_speed.py``.

20,000 trials of 81 epochs go through Hyperband(1, 81, 3) as 64 workers would bring them: a worker takes a promoted
trial if there is one, else a new one, and trains until the judge holds it.  The time is the processor's for the whole
stream, with dealing, enrolment, settlements and the workers themselves.  Prints a line for each mode, and exits with 1
if one is below 100,000 reports a second.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import deque
from typing import Literal

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import HyperbandPruner, Ruling, Verdict
from raystudy.pruners.base import Judge

MAX_BUDGET, ETA, N_WORKERS = 81, 3, 64
FLOOR = 100_000


class Stream:
    """One study, with reports in the order in which workers of equal speed make them."""

    def __init__(self, judge: Judge, n_trials: int) -> None:
        self.judge, self.n_trials = judge, n_trials
        rng = random.Random(1)
        self.quality = [rng.random() for _ in range(n_trials)]
        self.noise = [rng.gauss(0, 0.1) for _ in range(997)]
        self.budget = [0] * n_trials
        self.waiting: deque[int] = deque()
        self.n_created = self.n_reports = 0

    def run(self) -> float:
        """Play the study to its end and return the processor's seconds that it took."""
        begun = time.process_time()
        running: deque[int] = deque()
        while True:
            while len(running) < N_WORKERS and (number := self.next_trial()) is not None:
                running.append(number)
            if not running:
                return time.process_time() - begun
            number = running.popleft()
            if self.train(number):
                running.append(number)

    def next_trial(self) -> int | None:
        """Return a promoted trial, or a new one, or None."""
        if self.waiting:
            return self.waiting.popleft()
        if self.n_created == self.n_trials:
            return None
        number = self.n_created
        self.n_created += 1
        self.judge.enrol(number, self.judge.next_bracket())
        if self.n_created == self.n_trials:
            self.obey(self.judge.close())
        return number

    def train(self, number: int) -> bool:
        """Train an epoch and return whether the trial goes on."""
        epoch = self.budget[number] = self.budget[number] + 1
        value = self.quality[number] + self.noise[(number + epoch) % 997] / epoch
        ruling = self.judge.report(number, epoch, value, True)
        self.n_reports += 1
        if ruling.promoted or ruling.dropped:
            self.obey(ruling)
        if ruling.verdict is Verdict.STOP or epoch == MAX_BUDGET:
            self.obey(self.judge.settle(number, TrialState.COMPLETE, value))
            return False
        return ruling.verdict is Verdict.CONTINUE

    def obey(self, ruling: Ruling) -> None:
        """Queue what was promoted, settle what was dropped."""
        self.waiting.extend(number for number, _ in ruling.promoted)
        for number in ruling.dropped:
            self.obey(self.judge.settle(number, TrialState.PRUNED))


def measure(mode: Literal["promote", "auto", "sync", "stop"], n_trials: int, n_runs: int) -> float:
    """Print the speed of a mode and return it: reports per second, the best of some runs."""
    best, n_reports = 0.0, 0
    for _ in range(n_runs):
        judge = HyperbandPruner(1, MAX_BUDGET, ETA, mode=mode).start(StudyDirection.MINIMIZE, 1)
        stream = Stream(judge, n_trials)
        seconds = stream.run()
        best, n_reports = max(best, stream.n_reports / seconds), stream.n_reports
    mark = "PASS" if best >= FLOOR else "FAIL"
    print(f"{mode:8} {n_trials:,} trials, {n_reports:,} reports: {best:,.0f} reports/s  {mark}")
    return best


def main() -> int:
    """Measure all modes; return 1 if one is too slow."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--n-trials", type=int, default=20_000)
    parser.add_argument("--n-runs", type=int, default=3)
    arguments = parser.parse_args()
    modes: list[Literal["promote", "auto", "sync", "stop"]] = ["promote", "auto", "sync", "stop"]
    speeds = [measure(mode, arguments.n_trials, arguments.n_runs) for mode in modes]
    return int(min(speeds) < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
