"""Objectives that raise, return nonsense or are interrupted, and a database that goes away."""

import time
from collections import Counter

import pytest

import raystudy
from raystudy.exceptions import StorageUnavailable
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.storages.rdb import RDBStorage
from raystudy.trial import TrialState

COMPLETE, FAIL, PRUNED = TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED


def run(study, objective, n_trials=1, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


def states(study):
    return Counter(trial.state for trial in study.trials)


def failing_at(*numbers, error=None):
    def objective(trial):
        if trial.number in numbers:
            raise error or OSError("no such crop")
        return trial.suggest_float("x", 0, 1)

    return objective


@pytest.fixture(params=["memory", "sqlite"])
def study(request, tmp_path):
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return raystudy.create_study(storage=storage, sampler=RandomSampler(1))


def test_exception_of_an_objective_is_raised_once_its_trial_has_failed(study):
    error = OSError("no such crop")
    with pytest.raises(OSError, match="no such crop") as caught:
        run(study, failing_at(2, error=error), 10)
    assert caught.value is error
    assert caught.traceback[-1].name == "objective"
    assert states(study) == {COMPLETE: 2, FAIL: 1}
    assert study.trials[2].values is None


def test_study_goes_on_after_an_exception(study):
    with pytest.raises(OSError, match="crop"):
        run(study, failing_at(2), 10)
    run(study, failing_at(), 5)
    assert [trial.number for trial in study.trials] == list(range(8))
    assert states(study) == {COMPLETE: 7, FAIL: 1}


@pytest.mark.parametrize("catch", [OSError, (ValueError, OSError), [Exception]])
def test_caught_exception_fails_its_trial_and_the_call_goes_on(study, catch, capfd):
    run(study, failing_at(1, 3), 5, catch=catch)
    assert [trial.state for trial in study.trials] == [COMPLETE, FAIL, COMPLETE, FAIL, COMPLETE]
    lines = [line for line in capfd.readouterr().err.splitlines() if "no such crop" in line]
    assert len(lines) == 2
    assert "trial 1" in lines[0]


def test_exception_that_is_not_caught_by_its_type_is_raised(study):
    with pytest.raises(OSError, match="crop"):
        run(study, failing_at(0), 5, catch=ValueError)


def test_failing_threads_raise_one_exception_and_leave_no_trial_running(study):
    with pytest.raises(OSError, match="crop"):
        run(study, failing_at(*range(100)), 20, n_jobs=4)
    assert set(states(study)) == {FAIL}
    assert 1 <= len(study.trials) <= 7


def test_one_failure_among_threads_lets_the_others_finish(study):
    def objective(trial):
        if trial.number == 0:
            raise OSError("no such crop")
        time.sleep(0.05)
        return 1.0

    with pytest.raises(OSError, match="crop"):
        run(study, objective, 50, n_jobs=3)
    assert states(study)[FAIL] == 1
    assert states(study)[TrialState.RUNNING] == 0


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_exception_of_a_callback_is_raised_and_leaves_no_trial_running(study, n_jobs):
    def callback(study, trial):
        raise KeyError("callback")

    def objective(trial):
        time.sleep(0.02 * trial.number)
        return 1.0

    with pytest.raises(KeyError, match="callback"):
        run(study, objective, 10, n_jobs=n_jobs, callbacks=[callback])
    assert TrialState.RUNNING not in states(study)
    assert len(study.trials) <= n_jobs


def test_exception_of_a_callback_leaves_no_trial_paused_for_good(study):
    study.pruner = HyperbandPruner(1, 9, 3, mode="sync")

    def objective(trial):
        for step in range(9):
            trial.save_checkpoint(step, step)
            trial.report(float(trial.number), step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return float(trial.number)

    def callback(study, trial):
        raise KeyError("callback")

    with pytest.raises(KeyError, match="callback"):
        run(study, objective, 17, callbacks=[callback])
    run(study, lambda trial: 1.0, 1)
    assert TrialState.RUNNING not in states(study)


@pytest.mark.parametrize("result", [None, float("nan"), "x", [1, 2], [], object(), {"loss": 1.0}])
def test_wrong_result_fails_its_trial_with_one_line_and_the_call_goes_on(study, result, capfd):
    run(study, lambda trial: result if trial.number == 1 else 1.0, 3)
    assert [trial.state for trial in study.trials] == [COMPLETE, FAIL, COMPLETE]
    lines = [line for line in capfd.readouterr().err.splitlines() if "trial 1" in line]
    assert len(lines) == 1
    assert "must return one number" in lines[0]


@pytest.mark.parametrize(
    ("result", "value"), [(3, 3.0), ("2.5", 2.5), ([1.0], 1.0), (float("inf"), float("inf"))]
)
def test_result_that_is_a_number_is_the_value(study, result, value):
    assert run(study, lambda trial: result).trials[0].values == [value]


def test_verdict_that_was_seen_stands_whatever_is_returned(study):
    study.pruner = HyperbandPruner(1, 9, 3, mode="sync")

    def objective(trial):
        for step in range(9):
            trial.report(float(trial.number), step)
            if trial.should_prune():
                return 0.0
        return 1.0

    run(study, objective, 9)
    assert states(study)[PRUNED] > 0
    assert all(t.value == t.number for t in study.trials if t.state is PRUNED)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_interrupted_call_goes_on_where_it_was(study, interruption):
    calls = Counter()

    def objective(trial):
        calls[trial.number] += 1
        if trial.number == 4 and calls[4] == 1:
            raise interruption
        return trial.suggest_float("x", 0, 1)

    with pytest.raises(interruption):
        run(study, objective, 10)
    run(study, objective, 10)
    assert [trial.number for trial in study.trials] == list(range(10))
    assert states(study) == {COMPLETE: 10}
    assert calls == Counter(range(10)) + Counter([4])


def test_interrupted_trial_goes_on_from_its_checkpoint_with_its_parameters(study):
    epochs = []

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for epoch in range((trial.load_checkpoint() or {"done": 0})["done"], 6):
            if len(epochs) == 4:
                epochs.append("interrupted")
                raise KeyboardInterrupt
            epochs.append((x, epoch))
            trial.save_checkpoint({"done": epoch + 1}, step=epoch)
            trial.report(x, epoch)
        return x

    with pytest.raises(KeyboardInterrupt):
        run(study, objective, 1)
    run(study, objective, 1)
    (trial,) = study.trials
    epochs.remove("interrupted")
    assert epochs == [(trial.params["x"], epoch) for epoch in range(6)]
    assert list(trial.intermediate_values) == list(range(6))


def test_interrupted_hyperband_trains_the_epochs_of_an_uninterrupted_one(tmp_path):
    def finish(name, interrupt_at):
        pruner = HyperbandPruner(1, 9, 3, mode="sync")
        storage = f"sqlite:///{tmp_path}/{name}.db"
        study = raystudy.create_study(storage=storage, sampler=RandomSampler(1), pruner=pruner)
        epochs = Counter()

        def objective(trial):
            x = trial.suggest_float("x", 0, 1)
            for epoch in range((trial.load_checkpoint() or {"done": 0})["done"], 9):
                if epochs.total() == interrupt_at and not study.user_attrs:
                    study.set_user_attr("interrupted", value=True)
                    raise KeyboardInterrupt
                epochs[trial.number, epoch] += 1
                trial.save_checkpoint({"done": epoch + 1}, step=epoch)
                trial.report(x, epoch)
                if trial.should_prune():
                    raise raystudy.TrialPruned
            return x

        if interrupt_at is not None:
            with pytest.raises(KeyboardInterrupt):
                run(study, objective, 17)
        run(study, objective, 17)
        assert epochs.total() == len(epochs) == 69
        return [(t.number, t.state, t.params, t.values, t.intermediate_values) for t in study.trials]

    uninterrupted = finish("whole", None)
    for interrupt_at in (5, 23, 66):
        assert finish(f"cut-{interrupt_at}", interrupt_at) == uninterrupted


class Shaky(RDBStorage):
    """A database that cannot be reached from the second report on, for so many seconds."""

    lost_until = 0.0

    def _check(self):
        if time.monotonic() < self.lost_until:
            raise StorageUnavailable("out of reach")

    def commit(self, *args, **kwargs):
        self._check()
        return super().commit(*args, **kwargs)

    def read_changes(self, *args, **kwargs):
        self._check()
        return super().read_changes(*args, **kwargs)

    def set_study_attrs(self, *args, **kwargs):
        self._check()
        return super().set_study_attrs(*args, **kwargs)


@pytest.mark.parametrize("at_first_report", [True, False])
def test_outage_of_the_database_fails_no_trial(tmp_path, at_first_report):
    storage = Shaky(f"sqlite:///{tmp_path}/study.db")
    study = raystudy.create_study(storage=storage, sampler=RandomSampler(1), pruner=HyperbandPruner(1, 9, 3))

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(9):
            if trial.number == 0 and step == (0 if at_first_report else 4):
                storage.lost_until = time.monotonic() + 1.5
            trial.report(x, step)
            time.sleep(0.15 if trial.number == 0 else 0.0)
        return x

    run(study, objective, 4)
    assert states(study) == {COMPLETE: 4}
    assert [len(trial.intermediate_values) for trial in study.trials] == [9] * 4
