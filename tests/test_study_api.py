"""What users of a study in this process rely on: optimising and pruning."""

import threading
import time
from collections import Counter

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.trial import TrialState


def square(trial):
    return trial.suggest_float("x", -1.0, 1.0) ** 2


def run(study, objective=square, n_trials=5, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


def contents(study):
    return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in study.trials]


def states(study):
    return Counter(trial.state for trial in study.trials)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


# ---- optimising --------------------------------------------------------------------------------------


def test_each_call_adds_its_trials(url):
    study = raystudy.create_study(storage=url)
    for n_trials in (3, 0, 2):
        run(study, n_trials=n_trials)
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3, 4]
    assert states(study) == {TrialState.COMPLETE: 5}


@pytest.mark.parametrize("in_memory", [True, False])
def test_threads_give_exactly_the_trials_asked_for(url, in_memory):
    study = raystudy.create_study(storage=None if in_memory else url)
    at_once = threading.Barrier(4)

    def objective(trial):
        if trial.number < 4:
            at_once.wait(10)
        return trial.suggest_float("x", 0, 1)

    run(study, objective, 25, n_jobs=4)
    assert [trial.number for trial in study.trials] == list(range(25))
    assert states(study) == {TrialState.COMPLETE: 25}


def test_all_cores_are_used_where_n_jobs_is_minus_one():
    done = threading.Event()

    def optimize():
        run(study, n_trials=6, n_jobs=-1)
        done.set()

    study = raystudy.create_study()
    threading.Thread(target=optimize, daemon=True).start()
    assert done.wait(10)
    assert len(study.trials) == 6


@pytest.mark.parametrize("sampler", [RandomSampler, TPESampler])
def test_same_seed_gives_the_same_study(url, sampler):
    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        return x**2 if trial.suggest_categorical("branch", "ab") == "a" else x + trial.suggest_int("n", 0, 9)

    def study(storage, seed=3):
        return contents(
            run(raystudy.create_study(storage=storage, sampler=sampler(seed=seed)), objective, 25)
        )

    assert study(None) == study(url)
    assert study(None) != study(None, seed=4)


def test_callbacks_run_here_one_at_a_time_in_commit_order():
    calls = []

    def note(study, trial):
        calls.append((threading.current_thread(), trial.number, study.trials[trial.number].state))

    run(raystudy.create_study(), n_trials=6, callbacks=[note, note])
    here = threading.current_thread()
    assert calls == [(here, number // 2, TrialState.COMPLETE) for number in range(12)]


def test_stop_in_a_callback_stops_exactly():
    def stop_at_six(study, trial):
        if trial.number == 6:
            study.stop()

    assert len(run(raystudy.create_study(), n_trials=None, callbacks=[stop_at_six]).trials) == 7


def test_stop_in_an_objective_lets_its_own_trial_finish():
    study = raystudy.create_study()

    def objective(trial):
        if trial.number == 3:
            study.stop()
        return 1.0

    assert states(run(study, objective, 50)) == {TrialState.COMPLETE: 4}


def test_stop_with_threads_lets_running_trials_finish():
    def stop(study, trial):
        study.stop()

    study = run(raystudy.create_study(), n_trials=100, n_jobs=4, callbacks=[stop])
    assert 1 <= len(study.trials) <= 5
    assert set(states(study)) == {TrialState.COMPLETE}


def test_stop_outside_of_a_call_is_an_error():
    with pytest.raises(RuntimeError, match="callback"):
        raystudy.create_study().stop()


def test_optimize_within_optimize_is_an_error():
    study = raystudy.create_study()

    def objective(trial):
        with pytest.raises(RuntimeError, match="running already"):
            run(study)
        return 1.0

    assert len(run(study, objective, 1).trials) == 1


def test_timeout_begins_no_trial_and_interrupts_none():
    def objective(trial):
        time.sleep(0.05)
        return 1.0

    study = raystudy.create_study()
    begun = time.monotonic()
    run(study, objective, None, timeout=0.3)
    assert 0.3 <= time.monotonic() - begun < 3.0
    assert 1 <= len(study.trials) <= 7
    assert states(study) == {TrialState.COMPLETE: len(study.trials)}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_trials": -1}, ValueError),
        ({"n_jobs": 0}, ValueError),
        ({"executor": "threads"}, ValueError),
        ({"executor": "inline", "resources": {"GPU": 1}}, ValueError),
        ({"func": 3}, TypeError),
    ],
)
def test_wrong_options_are_refused(options, error):
    with pytest.raises(error, match="optimize"):
        raystudy.create_study().optimize(**{"func": square, "n_trials": 1, "executor": "inline"} | options)


# ---- pruning -----------------------------------------------------------------------------------------


def epochs_of_nine(trial):
    """Train up to nine epochs, with a checkpoint at each."""
    x = trial.suggest_float("x", 0, 1)
    for epoch in range((trial.load_checkpoint() or {"done": 0})["done"], 9):
        trial.save_checkpoint({"done": epoch + 1}, step=epoch)
        trial.report(x + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return x


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_synchronous_hyperband_trains_the_epochs_of_the_paper(n_jobs):
    pruner = HyperbandPruner(1, 9, 3, mode="sync")
    study = raystudy.create_study(sampler=RandomSampler(1), pruner=pruner)
    run(study, epochs_of_nine, 17, n_jobs=n_jobs)
    assert sum(len(trial.intermediate_values) for trial in study.trials) == 69
    # A best trial of each of three brackets, the two others of the bracket without a rung.
    assert states(study) == {TrialState.COMPLETE: 5, TrialState.PRUNED: 12}


@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_objective_without_checkpoints_trains_no_epoch_twice(mode, capfd):
    calls = Counter()

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for epoch in range(9):
            calls[trial.number, epoch] += 1
            trial.report(x, epoch)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return x

    study = raystudy.create_study(sampler=RandomSampler(1), pruner=HyperbandPruner(1, 9, 3, mode=mode))
    run(study, objective, 17)
    assert set(calls.values()) == {1}
    assert states(study).total() == 17
    assert TrialState.RUNNING not in states(study)
    assert capfd.readouterr().err.count("saved no checkpoint") == 1


def test_pruned_trial_has_its_last_report_as_value():
    def objective(trial):
        for step, value in ((0, 3.0), (5, 1.0), (2, 2.0)):
            trial.report(value, step)
        raise raystudy.TrialPruned

    (trial,) = run(raystudy.create_study(), objective, 1).trials
    assert (trial.state, trial.value, trial.last_step) == (TrialState.PRUNED, 1.0, 5)


@pytest.mark.parametrize("reports", [[], [float("nan")]])
def test_pruned_trial_without_a_number_reported_has_no_value(reports):
    def objective(trial):
        for step, value in enumerate(reports):
            trial.report(value, step)
        raise raystudy.TrialPruned

    (trial,) = run(raystudy.create_study(), objective, 1).trials
    assert (trial.state, trial.value) == (TrialState.PRUNED, None)
