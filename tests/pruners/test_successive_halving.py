"""Successive halving: one bracket whose maximum is found out, in every mode."""

from __future__ import annotations

from typing import Any

import pytest

import raystudy
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import Ruling, SuccessiveHalvingPruner, Verdict
from raystudy.pruners.base import Judge
from raystudy.samplers import RandomSampler

MIN = StudyDirection.MINIMIZE


def with_maximum(pruner: SuccessiveHalvingPruner, budget: int) -> Judge:
    """Return a judge after a first trial, which is in no bracket, has completed at a budget."""
    judge = pruner.start(MIN, 1)
    assert judge.next_bracket() is None
    judge.enrol(0, None)
    judge.report(0, budget, 1.0, True)
    judge.settle(0, TrialState.COMPLETE, 1.0)
    return judge


@pytest.mark.parametrize("mode", ["promote", "sync", "auto"])
@pytest.mark.parametrize(
    ("arguments", "budget", "rungs"),
    [
        ((1, 3), 81, [1, 3, 9, 27, 81]),
        ((1, 3, 2), 81, [9, 27, 81]),
        ((5, 3), 50, [5, 16, 50]),
        ((), 500, [7, 31, 125, 500]),  # a hundredth of 500 is 5
        ((), 50, [3, 12, 50]),
        (("auto", 4, 1), 50, [12, 50]),
    ],
)
def test_rungs_of_the_one_bracket(mode: Any, arguments: Any, budget: int, rungs: list[int]) -> None:
    judge = with_maximum(SuccessiveHalvingPruner(*arguments, mode=mode), budget)
    judge.enrol(1, judge.next_bracket())
    table = repr(judge)
    assert [f"(budget {rung})" in table for rung in rungs] == [True] * len(rungs)
    assert table.count("budget") == len(rungs)


def test_a_cohort_of_sync_is_the_papers() -> None:
    judge = with_maximum(SuccessiveHalvingPruner(1, 3, mode="sync"), 9)
    brackets = []
    for number in range(1, 20):
        brackets.append(judge.next_bracket())
        judge.enrol(number, brackets[-1])
    assert brackets == [0] * 9 + [1] * 9 + [2]
    rulings = [judge.report(number, 1, float(number), True) for number in range(1, 10)]
    assert rulings[-1] == Ruling(Verdict.STOP, 0, ((1, 0), (2, 0), (3, 0)), (4, 5, 6, 7, 8))


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_only_a_complete_trial_sets_the_maximum(state: TrialState) -> None:
    for mode in ("auto", "stop"):
        judge = SuccessiveHalvingPruner(mode=mode).start(MIN, 1)  # type: ignore[arg-type]
        judge.enrol(0, judge.next_bracket())
        judge.report(0, 9, 1.0, True)
        judge.settle(0, state)
        judge.enrol(1, judge.next_bracket())
        judge.enrol(2, judge.next_bracket())
        assert [judge.report(1 + n, 1, float(n), False) for n in range(2)] == [Ruling()] * 2


def test_stop_has_its_rungs_from_the_first_report_on() -> None:
    judge = SuccessiveHalvingPruner(1, 2, mode="stop").start(MIN, None)
    for number in range(3):
        judge.enrol(number, judge.next_bracket())
    assert [judge.next_bracket(), judge.report(0, 1, 1.0, False), judge.report(1, 1, 2.0, False)] == [
        0,
        Ruling(rung=0),
        Ruling(Verdict.STOP, rung=0),
    ]


def test_a_study_without_checkpoints_is_stopped_and_one_with_them_promotes(tmp_path: Any) -> None:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        for epoch in range(trial.load_checkpoint() or 0, 16):
            if saves:
                trial.save_checkpoint(epoch + 1, step=epoch)
            trial.report(x, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return float(x)

    epochs, attempts = {}, {}
    for saves in (False, True):
        pruner = SuccessiveHalvingPruner(reduction_factor=2)
        study = raystudy.create_study(sampler=RandomSampler(1), pruner=pruner)
        study.optimize(objective, n_trials=33, executor="inline", show_progress_bar=False)
        epochs[saves] = sum(len(trial.intermediate_values) for trial in study.trials)
        attempts[saves] = sum(trial.system_attrs.get("raystudy:attempt", 1) for trial in study.trials)
        best = min(study.trials, key=lambda trial: trial.params["x"])
        assert len(best.intermediate_values) == 16
    assert attempts[False] == 33 < attempts[True]
    assert max(epochs.values()) < 33 * 16 / 2
