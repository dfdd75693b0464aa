"""Other programs at work on the study that is being optimised: they finish, enqueue, take, edit and delete."""

import datetime as dt
import threading
import time
from collections import Counter

import pytest

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.exceptions import StudyDeleted
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.storages.base import CreateTrial, FinishTrial, SetAttrs
from raystudy.storages.rdb import RDBStorage
from raystudy.trial import TrialState

COMPLETE, PRUNED, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING


def run(study, objective, n_trials=1, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def study(url):
    return raystudy.create_study(study_name="a", storage=url, sampler=RandomSampler(1))


@pytest.fixture
def other(study, url):
    """The database as another program sees it."""
    storage = RDBStorage(url)
    yield storage
    storage.close()


def finish(other, number, value=-5.0):
    trial_id = other.read_trials(1)[number].trial_id
    assert not other.commit(1, [FinishTrial(trial_id, COMPLETE, [value], dt.datetime.now())]).refused


def epochs(trial, seconds=8.0):
    """Report until told to stop; return after how long that was."""
    begun = time.monotonic()
    for step in range(10**6):
        trial.report(1.0, step)
        if trial.should_prune() or time.monotonic() > begun + seconds:
            return time.monotonic() - begun
        time.sleep(0.02)
    return None


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_trial_finished_by_another_program_stops_at_its_next_report(study, other, n_jobs, capfd):
    lasted, seen = [], []

    def objective(trial):
        if trial.number == 0:
            threading.Timer(0.3, finish, [other, 0]).start()
            lasted.append(epochs(trial))
            raise raystudy.TrialPruned
        return 1.0

    run(study, objective, 3, n_jobs=n_jobs, callbacks=[lambda _, t: seen.append((t.number, t.value))])
    assert lasted[0] < 4.0
    assert sorted(seen) == [(0, -5.0), (1, 1.0), (2, 1.0)]
    assert [(t.state, t.value) for t in study.trials] == [(COMPLETE, -5.0), (COMPLETE, 1.0), (COMPLETE, 1.0)]
    lines = [line for line in capfd.readouterr().err.splitlines() if "another program" in line]
    assert len(lines) == 1
    assert "trial 0" in lines[0]


def test_result_of_another_program_stands_whatever_the_objective_does(study, other):
    def objective(trial):
        finish(other, trial.number)
        if trial.number == 1:
            raise OSError("after the trial was finished elsewhere")
        return 9.0

    run(study, objective, 3, catch=OSError)
    assert [t.value for t in study.trials] == [-5.0] * 3
    assert study.best_value == -5.0


def test_paused_trial_finished_by_another_program_holds_up_no_rung(study, other):
    study.pruner = HyperbandPruner(1, 9, 3, mode="sync")
    done = Counter()

    def objective(trial):
        if trial.number == 3 and not done[3]:
            finish(other, 0)
            time.sleep(1.5)
        for step in range((trial.load_checkpoint() or {"done": 0})["done"], 9):
            done[trial.number] += 1
            trial.save_checkpoint({"done": step + 1}, step)
            trial.report(float(trial.number), step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return float(trial.number)

    run(study, objective, 9)
    assert {t.state for t in study.trials} == {COMPLETE, PRUNED}
    assert (study.trials[0].value, done[0]) == (-5.0, 1)
    assert [n for n in done if done[n] == 9] == [1]  # its place goes to the next best


class Spy(RandomSampler):
    """Random search that notes how much it has seen."""

    def __init__(self, seed):
        super().__init__(seed)
        self.seen = []

    def joint_space(self, history):
        self.seen.append((history.n_observed, history.n_pending))
        return super().joint_space(history)


def test_trials_of_another_program_inform_the_sampler_and_count_for_no_target(study, other):
    study.sampler = spy = Spy(1)
    params = {"x": (0.5, FloatDistribution(0, 1))}

    def objective(trial):
        if trial.number == 0:
            now = dt.datetime.now()
            other.commit(
                1, [CreateTrial(None, COMPLETE, now, params, values=[0.1], datetime_complete=now)] * 4
            )
            other.commit(1, [CreateTrial(None, RUNNING, now, params)])
            time.sleep(1.2)
        time.sleep(0.4)
        return trial.suggest_float("x", 0, 1)

    run(study, objective, 4)
    assert [t.number for t in study.trials] == list(range(9))
    assert len([t for t in study.trials if t.system_attrs.get("raystudy:call")]) == 4
    assert spy.seen[0] == (0, 0)
    # The trial of another program that is running counts as pending.
    assert spy.seen[-1] == (7, 1)


def test_trial_enqueued_by_another_program_is_taken_by_the_running_call(study, url):
    def objective(trial):
        if trial.number == 0:
            raystudy.load_study(study_name="a", storage=url).enqueue_trial({"x": 0.125}, {"by": "me"})
            time.sleep(1.2)
        time.sleep(0.3)
        return trial.suggest_float("x", 0, 1)

    run(study, objective, 4)
    trials = study.trials
    assert len(trials) == 4
    assert trials[1].params == {"x": 0.125}
    assert trials[1].user_attrs == {"by": "me"}


def test_waiting_trials_are_taken_once_by_one_of_two_drivers(study, url):
    for number in range(12):
        study.enqueue_trial({"x": number / 16})
    taken, lock = Counter(), threading.Lock()

    def objective(trial):
        with lock:
            taken[trial.number] += 1
        time.sleep(0.02)
        return trial.suggest_float("x", 0, 1)

    studies = [raystudy.load_study(study_name="a", storage=url) for _ in range(2)]
    threads = [threading.Thread(target=run, args=(s, objective, 10)) for s in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == Counter(range(20))
    assert [t.params["x"] for t in study.trials[:12]] == [number / 16 for number in range(12)]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_call_ends_with_a_clear_error_when_its_study_is_deleted(study, url, n_jobs):
    lasted = []

    def objective(trial):
        if trial.number == 0:
            raystudy.delete_study(study_name="a", storage=url)
        lasted.append(epochs(trial))
        return 1.0

    begun = time.monotonic()
    with pytest.raises(StudyDeleted, match=r"'a' was deleted"):
        run(study, objective, 10, n_jobs=n_jobs)
    assert time.monotonic() - begun < 6.0
    assert raystudy.get_all_study_names(url) == []


def test_study_of_the_same_name_made_meanwhile_stays_empty(study, url):
    def objective(trial):
        if trial.number == 0:
            raystudy.delete_study(study_name="a", storage=url)
            raystudy.create_study(study_name="a", storage=url, sampler=RandomSampler(2))
        return 1.0

    with pytest.raises((StudyDeleted, raystudy.exceptions.LeaseLost)):
        run(study, objective, 10)
    assert raystudy.load_study(study_name="a", storage=url).trials == []


def test_attributes_set_by_another_program_survive(study, other):
    other.set_study_attrs(1, {"note": "old"}, {"dashboard:note_ver": 1})

    def objective(trial):
        trial_id = other.read_trials(1)[trial.number].trial_id
        other.commit(1, [SetAttrs(trial_id, {"label": trial.number}, {"dashboard:note_ver:0": 2})])
        other.set_study_attrs(1, {"note": "new"}, {"dashboard:note_ver": 2})
        trial.set_user_attr("mine", 1)
        return 1.0

    run(study, objective, 3)
    assert [t.user_attrs for t in study.trials] == [{"label": n, "mine": 1} for n in range(3)]
    assert all(t.system_attrs["dashboard:note_ver:0"] == 2 for t in study.trials)
    assert study.user_attrs == {"note": "new"}
    assert other.read_study(1).system_attrs["dashboard:note_ver"] == 2


@pytest.mark.parametrize("timeout", [-1, -0.5, float("nan"), "60"])
def test_timeout_that_is_none_is_refused(study, timeout):
    with pytest.raises(ValueError, match="timeout >= 0"):
        run(study, lambda trial: 1.0, 1, timeout=timeout)
    assert study.trials == []
