"""Each pruner decides as Optuna's own does, on 200 random sequences of reports.

A sequence is a small study: several trials at a time, each with its own steps (gaps, any order), values (ties, NaN,
infinities), length and end, and finished trials of other programs in between.  Optuna gets it as an in-memory study,
ours as the events of a judge.  After each report both are asked; a trial that was told to stop ends, or goes on
reporting as an objective does that does not ask.

Intended differences, with their reasons in docs/differences.md:

- We decide when the report comes, and once told, a trial is told for good; Optuna decides anew at each
  ``should_prune()``, by what other trials have done since.
- Hyperband's brackets are counted in integers and fixed when a trial is created; Optuna's are hashed from names and
  counted in floating point.  Here trials are put into the bracket of Optuna's hash.
- With ``max_resource="auto"``, trials created before the maximum is known are in no bracket.
- Rungs, and what "auto" stands for, come from the driver's own trials; trials added by others have no place on them.
- Wilcoxon: of equally good trials the one with the smaller number is the best; no warnings about values and steps
  that cannot be used.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
import pytest

from raystudy import pruners
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import Learning, PastTrial, Verdict
from raystudy.pruners.base import Judge

N_SEQUENCES = 200
DIRECTIONS = {"minimize": StudyDirection.MINIMIZE, "maximize": StudyDirection.MAXIMIZE}
STATES = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass
class Sequence:
    """One random study, played to both sides."""

    rng: np.random.Generator
    theirs: optuna.Study
    judge: Judge
    with_nan: bool
    share_of_ties: float = 0.6
    left: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    trials: dict[int, optuna.Trial] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    n_stops: int = 0
    n_reports: int = 0

    def value(self) -> float:
        kind = self.rng.random()
        if self.with_nan and kind < 0.12:
            return float(self.rng.choice([math.nan, math.nan, math.inf, -math.inf]))
        return float(self.rng.integers(0, 6)) if kind < self.share_of_ties else float(self.rng.normal(3, 2))

    def reports(self) -> list[tuple[int, float]]:
        steps = np.flatnonzero(self.rng.random(14) < self.rng.choice([0.4, 0.8, 1.0]))
        if self.rng.random() < 0.4:
            self.rng.shuffle(steps)
        return [(int(step), self.value()) for step in steps]

    def play(self, n_trials: int) -> None:
        n_begun = 0
        while n_begun < n_trials or self.left:
            if self.judge.learns is not Learning.NOTHING and self.rng.random() < 0.1:
                self.add_foreign()
                n_begun += 1
            elif n_begun < n_trials and ((len(self.left) < 3 and self.rng.random() < 0.4) or not self.left):
                self.begin()
                n_begun += 1
            else:
                self.go_on(int(self.rng.choice(list(self.left))))

    def begin(self) -> None:
        trial = self.theirs.ask()
        self.trials[trial.number], self.left[trial.number] = trial, self.reports()
        self.judge.enrol(trial.number, self.bracket(trial))

    def bracket(self, trial: optuna.Trial) -> int | None:
        pruner: Any = self.theirs.pruner
        if not isinstance(pruner, optuna.pruners.HyperbandPruner):
            return self.judge.next_bracket()
        if not pruner._pruners:
            pruner._try_initialization(self.theirs)
        return int(pruner._get_bracket_id(self.theirs, trial._get_latest_trial()))

    def go_on(self, number: int) -> None:
        if not self.left[number]:
            self.end(number, TrialState(self.rng.choice(STATES)))
            return
        step, value = self.left[number].pop(0)
        trial = self.trials[number]
        trial.report(value, step)
        expected = trial.should_prune()
        verdict = self.judge.report(number, step, value, False).verdict
        self.n_reports += 1
        if number in self.stopped:
            assert verdict is Verdict.STOP
            return
        assert (verdict is Verdict.STOP) == expected, f"trial {number}, step {step}, value {value}"
        if expected:
            self.n_stops += 1
            self.stopped.add(number)
            if self.rng.random() < 0.7:
                self.end(number, TrialState.PRUNED)

    def end(self, number: int, state: TrialState) -> None:
        del self.left[number]
        value = float(self.rng.normal(3, 2)) if state is TrialState.COMPLETE else None
        self.theirs.tell(self.trials[number], value, optuna.trial.TrialState(int(state)))
        self.judge.settle(number, state, value)

    def add_foreign(self) -> None:
        state, reports = TrialState(self.rng.choice(STATES)), dict(self.reports())
        value = float(self.rng.normal(3, 2)) if state is TrialState.COMPLETE else None
        number = len(self.theirs.trials)
        their_state = optuna.trial.TrialState(int(state))
        self.theirs.add_trial(
            optuna.trial.create_trial(state=their_state, value=value, intermediate_values=reports)
        )
        self.judge.learn([PastTrial(number, None, reports, None, state, value)])


def play_all(draw: Any, n_trials: int = 9, share_of_ties: float = 0.6) -> None:
    """Play all sequences; ``draw`` draws a pruner for either side."""
    n_stops = n_reports = 0
    for seed in range(N_SEQUENCES):
        rng = np.random.default_rng(seed)
        direction = ["minimize", "maximize"][seed % 2]
        theirs, ours = draw(rng)
        study = optuna.create_study(study_name=f"s{seed}", direction=direction, pruner=theirs)
        judge = ours.start(DIRECTIONS[direction], None)
        sequence = Sequence(rng, study, judge, seed % 3 > 0, 0.6 if seed % 40 == 0 else share_of_ties)
        sequence.play(n_trials)
        n_stops, n_reports = n_stops + sequence.n_stops, n_reports + sequence.n_reports
    assert N_SEQUENCES / 4 < n_stops < n_reports / 4


def both(name: str, *arguments: Any, **more: Any) -> tuple[Any, Any]:
    return getattr(optuna.pruners, name)(*arguments, **more), getattr(pruners, name)(*arguments, **more)


def warmup(rng: np.random.Generator) -> dict[str, Any]:
    half = float(rng.choice([0, 0, 0.5]))  # people write n_warmup_steps=n_epochs / 4
    n_warmup_steps = int(rng.integers(0, 4)) + half if half else int(rng.integers(0, 4))
    return {"n_warmup_steps": n_warmup_steps, "interval_steps": int(rng.integers(1, 5))}


def percentile(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "n_startup_trials": int(rng.integers(0, 4)),
        **warmup(rng),
        "n_min_trials": int(rng.integers(1, 4)),
    }


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's about NaN, Optuna's about experimental classes
        yield


def test_median_decides_as_optuna() -> None:
    play_all(lambda rng: both("MedianPruner", **percentile(rng)))


def test_percentile_decides_as_optuna() -> None:
    play_all(
        lambda rng: both(
            "PercentilePruner", float(rng.choice([0.0, 10.0, 25.0, 33.3, 75.0])), **percentile(rng)
        ),
    )


def test_threshold_decides_as_optuna() -> None:
    bounds = [{"lower": 0.5}, {"upper": 5.5}, {"lower": -1, "upper": 7.5}]
    play_all(lambda rng: both("ThresholdPruner", **bounds[rng.integers(3)], **warmup(rng)))


def test_wilcoxon_decides_as_optuna() -> None:
    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        p_threshold = float(rng.choice([0.05, 0.1, 0.3, 0.5]))
        return both("WilcoxonPruner", p_threshold=p_threshold, n_startup_steps=int(rng.integers(0, 5)))

    play_all(draw, share_of_ties=0.0)  # scipy takes 50 ms for a test with ties


@pytest.mark.parametrize("wrapped", [None, "MedianPruner", "WilcoxonPruner", "SuccessiveHalvingPruner"])
def test_patient_decides_as_optuna(wrapped: str | None) -> None:
    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        patience, min_delta = int(rng.integers(0, 4)), float(rng.choice([0.0, 0.0, 0.5, 2.0]))
        inner: dict[str, Any] = {
            "MedianPruner": {"n_startup_trials": 1},
            "WilcoxonPruner": {"p_threshold": 0.5},
        }
        mode = {"mode": "stop"} if wrapped == "SuccessiveHalvingPruner" else {}
        theirs = ours = None
        if wrapped is not None:
            theirs = getattr(optuna.pruners, wrapped)(**inner.get(wrapped, {}))
            ours = getattr(pruners, wrapped)(**inner.get(wrapped, {}), **mode)
        return (
            optuna.pruners.PatientPruner(theirs, patience, min_delta),
            pruners.PatientPruner(ours, patience, min_delta),
        )

    play_all(draw, share_of_ties=0.0 if wrapped == "WilcoxonPruner" else 0.6)


def test_successive_halving_that_stops_decides_as_optuna() -> None:
    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        eta, rate = int(rng.integers(2, 5)), int(rng.integers(0, 2))
        smallest: Any = ["auto", 1, 2][rng.integers(3)]
        bootstrap = 0 if smallest == "auto" else int(rng.integers(0, 3))
        arguments = smallest, eta, rate, bootstrap
        return (
            optuna.pruners.SuccessiveHalvingPruner(*arguments),
            pruners.SuccessiveHalvingPruner(*arguments, mode="stop"),
        )

    play_all(draw)


def test_hyperband_that_stops_decides_as_optuna_in_the_same_bracket() -> None:
    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        limits = [(1, 14, 3), (1, 12, 2), (2, 14, 2), (3, 10, 3)][rng.integers(4)]
        arguments = *limits, int(rng.integers(0, 3))
        return optuna.pruners.HyperbandPruner(*arguments), pruners.HyperbandPruner(*arguments, mode="stop")

    play_all(draw, n_trials=14)


def test_nop_decides_as_optuna() -> None:
    rng = np.random.default_rng(0)
    theirs, ours = both("NopPruner")
    judge = ours.start(StudyDirection.MINIMIZE, None)
    sequence = Sequence(rng, optuna.create_study(pruner=theirs), judge, with_nan=True)
    sequence.play(N_SEQUENCES)
    assert (sequence.n_stops, len(sequence.trials)) == (0, N_SEQUENCES)


@pytest.mark.parametrize(
    ("limits", "ours", "theirs"), [((1, 243, 3), 6, 5), ((1, 1000, 10), 4, 3), ((5, 50, 3), 3, 3)]
)
def test_brackets_are_counted_in_integers_and_not_in_floating_point(
    limits: tuple[int, int, int], ours: int, theirs: int
) -> None:
    judge: Any = pruners.HyperbandPruner(*limits, mode="stop").start(StudyDirection.MINIMIZE, None)
    places = set()
    for number in range(1000):
        places.add(judge.next_bracket())
        judge.enrol(number, judge.next_bracket())
        if len(places) == ours:
            break
    their_pruner: Any = optuna.pruners.HyperbandPruner(*limits)
    their_pruner._try_initialization(optuna.create_study())
    assert (len(judge._rule.dealer.sizes), their_pruner._n_brackets) == (ours, theirs)
    assert places == set(range(ours))
