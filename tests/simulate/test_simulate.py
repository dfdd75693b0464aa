"""raystudy.simulate: what it plays, what it counts, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import optuna
import pytest

import raystudy
from raystudy.frozen import TrialState
from raystudy.pruners import HyperbandPruner, NopPruner
from raystudy.samplers import RandomSampler, TPESampler

ROOT = Path(__file__).parents[2]
BEGIN = dt.datetime(2000, 1, 1)


def curve(trial: raystudy.Trial) -> Iterator[float]:
    x = trial.suggest_float("x", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    bias = trial.suggest_float("bias", 0.0, 1.0) if kind == "b" else 0.0
    for epoch in range(9):
        yield x + bias + 1 / (epoch + 1)


def plain(trial: raystudy.Trial) -> list[float]:
    x = trial.suggest_float("x", 0.0, 1.0)
    return [x + 1 / (epoch + 1) for epoch in range(9)]


def as_objective(trial: raystudy.Trial) -> float:
    """Train as ``curve`` does, as a user's objective would."""
    value = math.nan
    for epoch, value in enumerate(curve(trial)):
        if epoch not in trial.intermediate_values:
            trial.save_checkpoint(epoch, step=epoch)
            trial.report(value, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
    return value


def contents(study: raystudy.Study) -> list[object]:
    return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in study.trials]


@pytest.mark.parametrize("mode", ["promote", "sync"])
def test_one_virtual_worker_does_what_one_real_one_does(mode: str) -> None:
    pruner = HyperbandPruner(1, 9, 3, mode=mode)
    real = raystudy.create_study(sampler=TPESampler(seed=3, n_startup_trials=5), pruner=pruner)
    real.optimize(as_objective, n_trials=30, executor="inline", show_progress_bar=False)
    plan = raystudy.simulate(curve, 30, sampler=TPESampler(seed=3, n_startup_trials=5), pruner=pruner)
    assert contents(plan.study) == contents(real)
    assert plan.epochs == sum(len(trial.intermediate_values) for trial in real.trials)


def test_the_same_arguments_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import runpy, sys, raystudy\n"
        f"names = runpy.run_path({str(Path(__file__))!r})\n"
        "plan = raystudy.simulate(names['curve'], 60, n_workers=7, seed=11, start_s=0.3,\n"
        "                         pruner=raystudy.pruners.HyperbandPruner(1, 9, 3))\n"
        "sys.stdout.write(plan.to_json())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(json.loads(outputs[0])["trials"]) == 60
    other = raystudy.simulate(curve, 60, n_workers=7, seed=12, start_s=0.3, pruner=HyperbandPruner(1, 9, 3))
    assert other.to_json() != outputs[0]


def test_times_are_virtual_and_the_figures_add_up() -> None:
    plan = raystudy.simulate(plain, 5, n_workers=2, pruner=NopPruner(), epoch_s=60, start_s=30)
    attempt_s = 30 + 9 * 60
    assert plan.makespan_s == 3 * attempt_s
    assert plan.epochs == 45
    assert plan.busy_s == 5 * attempt_s
    assert plan.utilisation == pytest.approx(5 / 6)
    assert [
        (s.worker, s.number, s.attempt, s.start_s, s.end_s, s.epochs, s.ending) for s in plan.timeline
    ] == [(n % 2, n, 1, n // 2 * attempt_s, (n // 2 + 1) * attempt_s, 9, "complete") for n in range(5)]
    last = plan.study.trials[4]
    assert last.datetime_start == BEGIN + dt.timedelta(seconds=2 * attempt_s)
    assert last.duration == dt.timedelta(seconds=attempt_s)
    assert str(plan).startswith("5 trials on 2 workers: 0:28:30, 45 epochs, 83% busy, best ")


def test_best_over_time_is_what_the_study_would_have_said_then() -> None:
    plan = raystudy.simulate(plain, 40, n_workers=3, pruner=NopPruner(), direction="maximize", seed=1)
    best: list[tuple[float, float]] = []
    for span in plan.timeline:
        value = plan.study.trials[span.number].value
        if value is not None and (not best or value > best[-1][1]):
            best.append((span.end_s, value))
    assert list(plan.best_over_time) == best
    assert best[-1][1] == plan.study.best_value


def test_a_paused_trial_goes_on_on_another_worker_without_training_again() -> None:
    plan = raystudy.simulate(curve, 60, n_workers=4, pruner=HyperbandPruner(1, 9, 3), start_s=0.5, seed=2)
    spans = {t.number: [s for s in plan.timeline if s.number == t.number] for t in plan.study.trials}
    assert any(len({span.worker for span in of_trial}) > 1 for of_trial in spans.values())
    for trial in plan.study.trials:
        mine = spans[trial.number]
        assert [span.attempt for span in mine] == list(range(1, len(mine) + 1))
        assert [span.ending for span in mine[:-1]] == ["paused"] * (len(mine) - 1)
        assert sum(span.epochs for span in mine) == len(trial.intermediate_values)
    assert {trial.state for trial in plan.study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_without_checkpoints_nobody_is_promoted() -> None:
    plan = raystudy.simulate(curve, 60, n_workers=4, pruner=HyperbandPruner(1, 9, 3), checkpoints=False)
    assert {span.attempt for span in plan.timeline} == {1}
    assert {span.ending for span in plan.timeline} == {"complete", "pruned"}


def test_a_generator_runs_only_as_far_as_its_trial_is_trained() -> None:
    trained = []

    def counted(trial: raystudy.Trial) -> Iterator[float]:
        for value in curve(trial):
            trained.append(trial.number)
            yield value

    plan = raystudy.simulate(counted, 40, n_workers=8, pruner=HyperbandPruner(1, 9, 3))
    assert len(trained) == plan.epochs < 40 * 9


def test_a_curve_says_how_long_its_epochs_take_and_what_its_trial_is_worth() -> None:
    def slowing(trial: raystudy.Trial) -> Generator[tuple[float, float], None, float]:
        trial.set_user_attr("mark", trial.number)
        for epoch in range(3):
            yield 10.0 - epoch, 2.0 * (epoch + 1)
        return 0.5

    plan = raystudy.simulate(slowing, 1)
    [trial] = plan.study.trials
    assert trial.value == 0.5
    assert trial.intermediate_values == {0: 10.0, 1: 9.0, 2: 8.0}
    assert trial.user_attrs == {"mark": 0}
    assert plan.makespan_s == 12.0


def test_a_mapping_gives_the_steps_and_max_steps_ends_a_curve() -> None:
    plan = raystudy.simulate(lambda _trial: {9: 2.0, 4: (3.0, 7.5)}, 1)
    assert plan.study.trials[0].intermediate_values == {4: 3.0, 9: 2.0}
    assert plan.makespan_s == 8.5

    def endless(_trial: raystudy.Trial) -> Iterator[float]:
        while True:
            yield 1.0

    plan = raystudy.simulate(endless, 2, max_steps=5)
    assert [trial.last_step for trial in plan.study.trials] == [4, 4]


def test_at_the_timeout_no_trial_is_begun_and_running_ones_end_at_their_next_report() -> None:
    plan = raystudy.simulate(plain, n_workers=3, timeout=100.5, pruner=NopPruner())
    states = [trial.state for trial in plan.study.trials]
    assert plan.makespan_s == 101.0
    assert states == [TrialState.COMPLETE] * 33 + [TrialState.PRUNED] * 3
    assert [len(trial.intermediate_values) for trial in plan.study.trials[-3:]] == [2, 2, 2]


def test_recorded_trials_are_played_again_with_their_parameters_curves_and_times() -> None:
    def slower(trial: raystudy.Trial) -> Iterator[tuple[float, float]]:
        return ((value, 1.0 + trial.number) for value in plain(trial))

    full = raystudy.simulate(slower, 34, n_workers=4, pruner=NopPruner(), sampler=RandomSampler(seed=1))
    again = raystudy.simulate(full.study.trials, n_workers=4, pruner=HyperbandPruner(1, 9, 3))
    assert [trial.params for trial in again.study.trials] == [trial.params for trial in full.study.trials]
    for trial, recorded in zip(again.study.trials, full.study.trials, strict=True):
        assert trial.intermediate_values.items() <= recorded.intermediate_values.items()
    assert again.epochs < full.epochs / 2
    for span in again.timeline:
        assert span.end_s - span.start_s == pytest.approx(span.epochs * (1.0 + span.number))


def test_the_study_is_an_ordinary_one_that_can_be_plotted_and_continued() -> None:
    plan = raystudy.simulate(curve, 30, n_workers=4, pruner=HyperbandPruner(1, 9, 3))
    theirs = optuna.create_study()
    for trial in plan.study.trials:
        theirs.add_trial(
            optuna.trial.FrozenTrial(
                number=trial.number,
                trial_id=trial.number,
                state=optuna.trial.TrialState(trial.state.value),
                value=trial.value,
                datetime_start=trial.datetime_start,
                datetime_complete=trial.datetime_complete,
                params={},
                distributions={},
                user_attrs={},
                system_attrs={},
                intermediate_values=trial.intermediate_values,
            )
        )
    assert len(optuna.visualization.plot_intermediate_values(theirs).data) == 30
    assert sum(len(bar.x) for bar in optuna.visualization.plot_timeline(theirs).data) == 30
    assert raystudy.visualization.plot_rungs(plan.study).data
    plan.study.optimize(as_objective, n_trials=5, executor="inline", show_progress_bar=False)
    assert len(plan.study.trials) == 35


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected n_trials or timeout, got neither"),
        ({"n_trials": -1}, "n_trials >= 0"),
        ({"n_trials": 1, "n_workers": 0}, "n_workers to be a finite number >= 1, got 0"),
        ({"n_trials": 1, "epoch_s": -1.0}, "epoch_s to be a finite number >= 0"),
        ({"n_trials": 1, "epoch_s": math.nan}, "epoch_s to be a finite number >= 0"),
        ({"n_trials": 1, "max_steps": 0}, "max_steps to be a finite number >= 1"),
        ({"n_trials": 1, "direction": "up"}, "'minimize' or 'maximize'"),
        ({"n_trials": 1, "seed": 1, "sampler": RandomSampler(seed=2)}, "that of the sampler, 2"),
    ],
)
def test_wrong_options_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        raystudy.simulate(plain, **arguments)


def test_wrong_curves_are_refused() -> None:
    with pytest.raises(TypeError, match="the curve of trial 0 as values by step"):
        raystudy.simulate(lambda _trial: 1.0, 1)
    with pytest.raises(TypeError, match="step 1 of trial 0's curve to be a value, or a pair"):
        raystudy.simulate(lambda _trial: [1.0, "high"], 1)
    with pytest.raises(ValueError, match=r"step 0 of trial 0 to take >= 0 seconds, got -1\.0"):
        raystudy.simulate(lambda _trial: [(1.0, -1.0)], 1)
    with pytest.raises(ValueError, match="COMPLETE trials that have reported"):
        raystudy.simulate([], 1)
    with pytest.raises(ZeroDivisionError):
        raystudy.simulate(lambda _trial: [1 / 0], 1)


def test_more_trials_than_were_recorded_are_refused() -> None:
    full = raystudy.simulate(plain, 3)
    with pytest.raises(ValueError, match="n_trials <= 3, as many as were recorded, got 4"):
        raystudy.simulate(full.study.trials, 4)


def test_the_example_of_the_planning_guide_prints_lines_like_those_that_it_shows() -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", (ROOT / "docs" / "planning.md").read_text(), re.DOTALL)
    code = next(block for language, block in blocks if language == "python")
    shown = next(block for language, block in blocks if not language)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    printed = done.stdout.splitlines()
    assert len(printed) == 6
    # Their figures change with every improvement of the default sampler.
    figures = re.compile(r"[\d.:]+(?=\D)")
    shapes = [[figures.sub("#", line) for line in lines] for lines in (printed, shown.splitlines())]
    assert set(shapes[0]) == set(shapes[1])
