"""The judge of pruners that only stop: recovery, arithmetic, and what a report costs."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import raystudy
from raystudy import pruners
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import Learning, PastTrial, Ruling, Verdict
from raystudy.pruners.base import Judge
from raystudy.pruners.percentile import percentile_of
from raystudy.pruners.reports import Reports
from raystudy.pruners.wilcoxon import p_value
from raystudy.samplers import RandomSampler

MIN = StudyDirection.MINIMIZE
AUTO = pruners.SuccessiveHalvingPruner(reduction_factor=2, mode="stop")
PRUNERS = [
    pruners.MedianPruner(n_startup_trials=1),
    pruners.PercentilePruner(25.0, 2, n_warmup_steps=1, interval_steps=2),
    pruners.WilcoxonPruner(p_threshold=0.4),
    pruners.PatientPruner(pruners.MedianPruner(n_startup_trials=1), 1),
    pruners.PatientPruner(None, 1, 0.5),
    pruners.ThresholdPruner(upper=4.0),
    pruners.SuccessiveHalvingPruner(1, 2, mode="stop"),
    AUTO,
    pruners.HyperbandPruner(1, 8, 2, mode="stop"),
    pruners.HyperbandPruner(1, 8, 2, 1, mode="stop"),
]


class Twins:
    """A judge, and from some moment on one that was restored from what a database holds; both must rule alike."""

    def __init__(self, pruner: Any, rng: np.random.Generator) -> None:
        self.pruner, self.rng = pruner, rng
        self.judges: list[Judge] = [pruner.start(MIN, None)]
        self.facts: list[PastTrial] = []
        self.n_stops = 0

    def play(self) -> None:
        for turn in range(120):
            running = [fact.number for fact in self.facts if fact.alive]
            if len(running) < 3:
                bracket = self.judges[0].next_bracket()
                assert all(judge.next_bracket() == bracket for judge in self.judges)
                self.facts.append(PastTrial(len(self.facts), bracket, {}, None, TrialState.RUNNING))
                for judge in self.judges:
                    judge.enrol(self.facts[-1].number, bracket)
            else:
                self.go_on(int(self.rng.choice(running)))
            if turn == 60:
                self.judges.append(self.pruner.start(MIN, None))
                self.judges[1].restore(self.facts)

    def go_on(self, number: int) -> None:
        fact = self.facts[number]
        reports: Any = fact.reports
        step, value = len(reports), float(self.rng.integers(0, 9)) if self.rng.random() < 0.9 else math.nan
        reports[step] = value
        rulings = [judge.report(number, step, value, False) for judge in self.judges]
        assert rulings == rulings[:1] * len(rulings)
        stops = rulings[0].verdict is Verdict.STOP
        self.n_stops += stops
        if stops or step == 8:
            state = TrialState.PRUNED if stops else TrialState.COMPLETE
            result = None if stops else float(self.rng.random())
            self.facts[number] = PastTrial(number, fact.bracket, reports, None, state, result)
            for judge in self.judges:
                judge.settle(number, state, result)


# With "auto", trials that ran when the smallest resource became known are recorded at rungs where nobody judged them.
@pytest.mark.parametrize("pruner", [p for p in PRUNERS if p != AUTO], ids=repr)
def test_a_restored_judge_rules_as_the_one_that_was_lost(pruner: Any) -> None:
    n_stops = 0
    for seed in range(30):
        twins = Twins(pruner, np.random.default_rng(seed))
        twins.play()
        n_stops += twins.n_stops
    assert n_stops > 30


@pytest.mark.parametrize("pruner", PRUNERS, ids=repr)
def test_specs_bring_stopping_pruners_back(pruner: Any) -> None:
    assert pruners.pruner_from_spec(pruner.spec()) == pruner


def test_a_result_that_is_learned_twice_counts_once() -> None:
    judge = pruners.MedianPruner(n_startup_trials=2).start(MIN, None)
    for _ in range(2):
        judge.settle(0, TrialState.COMPLETE, 0.0)
        judge.learn([PastTrial(0, None, {0: 0.0}, None, TrialState.COMPLETE, 0.0)])
    assert judge.report(1, 0, 9.0, False) == Ruling()  # one complete trial, two are asked for


def test_a_trial_of_ours_that_another_program_finished_counts_as_it_says() -> None:
    judge = pruners.MedianPruner(n_startup_trials=1).start(MIN, None)
    judge.report(0, 0, 5.0, False)
    judge.learn([PastTrial(0, None, {0: 5.0}, None, TrialState.COMPLETE, 5.0)])
    assert judge.report(0, 1, 5.0, False) == Ruling(Verdict.STOP)
    assert judge.report(1, 0, 6.0, False) == Ruling(Verdict.STOP)


def test_what_judges_learn_is_what_they_need() -> None:
    learned = {type(p).__name__: p.start(MIN, None).learns for p in [*PRUNERS, pruners.NopPruner()]}
    others = {"MedianPruner", "PercentilePruner", "WilcoxonPruner"}
    assert {name for name, learns in learned.items() if learns is Learning.RESULTS} == others
    wrapping = pruners.PatientPruner(pruners.MedianPruner(), 1).start(MIN, None)
    assert (wrapping.learns, learned["NopPruner"]) == (Learning.RESULTS, Learning.NOTHING)


@pytest.mark.parametrize("mode", ["promote", "sync"])
def test_patience_refuses_a_pruner_that_pauses(mode: Any) -> None:
    with pytest.raises(ValueError, match="pauses trials, which cannot be wrapped; give it mode='stop'"):
        pruners.PatientPruner(pruners.HyperbandPruner(1, 9, 3, mode=mode), 1)
    with pytest.raises(TypeError, match="expected wrapped_pruner to be a pruner or None, got 3"):
        pruners.PatientPruner(3, 1)  # type: ignore[arg-type]
    assert pruners.PatientPruner(pruners.HyperbandPruner(1, 9, 3), 1).start(MIN, None).has_rungs


@given(
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=12),
    st.one_of(st.sampled_from([0.0, 25.0, 50.0, 75.0, 100.0]), st.floats(0, 100)),
)
def test_percentiles_are_numpys_to_the_last_digit(values: list[float], percentile: float) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = float(np.nanpercentile(np.array(values), percentile))
    found = percentile_of(sorted(values), percentile / 100)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=8), st.booleans())
def test_p_values_are_scipys_to_the_last_digit(differences: list[int], untied: bool) -> None:
    array = np.array(differences, float)
    if untied:
        array = np.sign(array + 0.5) * (1.0 + np.arange(len(array)))
    expected = float(stats.wilcoxon(array, alternative="greater", zero_method="zsplit").pvalue)
    assert p_value(array) == expected


@given(st.lists(st.integers(0, 40), min_size=1, unique=True), st.integers(0, 9), st.integers(1, 6))
def test_a_pruner_looks_once_in_each_interval(steps: list[int], warmup: int, interval: int) -> None:
    reports, seen = Reports(0, None, MIN), set[int]()
    for step in sorted(steps):
        reports.add(step, 0.0)
        if reports.begins_interval(warmup, interval):
            seen.add(step)
    firsts = {(s - warmup) // interval: s for s in sorted(steps, reverse=True) if s >= warmup}
    assert seen == set(firsts.values())


def test_a_report_costs_the_same_after_ten_thousand_trials() -> None:
    seconds = {}
    for n_trials in (100, 10_000):
        judge = pruners.MedianPruner().start(MIN, None)
        values = np.random.default_rng(0).random((n_trials, 10))
        past = [
            PastTrial(n, None, dict(enumerate(row)), None, TrialState.COMPLETE, row[-1])
            for n, row in enumerate(values.tolist())
        ]
        judge.restore(past)
        judge.report(n_trials, 0, 0.0, False)  # sorts what was restored
        times = []
        for number in range(n_trials + 1, n_trials + 400):
            begun = time.perf_counter()
            judge.report(number, 0, 0.0, False)
            times.append(time.perf_counter() - begun)
            judge.settle(number, TrialState.COMPLETE, 0.0)
        seconds[n_trials] = float(np.median(times))
    assert seconds[10_000] < 10 * seconds[100] + 20e-6


def test_rungs_of_an_unknown_maximum_are_found_again_when_a_study_is_reopened(tmp_path: Any) -> None:
    def objective(trial: Any) -> float:
        for epoch in range(9):
            trial.report(trial.suggest_float("x", 0, 1), epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return 0.0

    for mode in ("auto", "stop"):
        url = f"sqlite:///{tmp_path}/{mode}.db"
        pruner = pruners.HyperbandPruner(mode=mode)  # type: ignore[arg-type]
        raystudy.create_study(storage=url, study_name="a", sampler=RandomSampler(1), pruner=pruner)
        for n_trials in (1, 4):
            study = raystudy.load_study(study_name="a", storage=url)
            study.optimize(objective, n_trials=n_trials, executor="inline", show_progress_bar=False)
        brackets = [trial.system_attrs.get("raystudy:bracket") for trial in study.trials]
        assert brackets == [None, 0, 1, 0, 0]
