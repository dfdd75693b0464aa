"""Trials that users run themselves, and trials that they enqueue."""

import numpy as np
import pytest

import raystudy
from raystudy.pruners import HyperbandPruner, MedianPruner
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.trial import TrialState, Verdict


def run(study, objective, n_trials=1, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


def suggest_xy(trial):
    return trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 100)


@pytest.fixture(params=["memory", "sqlite"])
def study(request, tmp_path):
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return raystudy.create_study(storage=storage, sampler=TPESampler(seed=1))


# ---- ask and tell ------------------------------------------------------------------------------------


def test_told_values_are_the_values_of_the_asked_trials(study):
    for expected in range(3):
        trial = study.ask()
        x, _ = suggest_xy(trial)
        assert study.trials[trial.number].state is TrialState.RUNNING
        told = study.tell(trial, x)
        assert (told.number, told.value, told.params["x"]) == (expected, x, x)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3


def test_every_step_of_an_asked_trial_is_stored_at_once(study):
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    trial.report(0.5, 3)
    trial.set_user_attr("a", 1)
    (stored,) = study.trials
    assert (stored.params, stored.intermediate_values, stored.user_attrs) == ({"x": x}, {3: 0.5}, {"a": 1})


def test_trial_is_told_by_its_number(study):
    assert study.tell(study.ask().number, 1.5).value == 1.5


@pytest.mark.parametrize("values", [None, "many", float("nan"), [1.0, 2.0]])
def test_values_that_are_no_numbers_fail_the_trial_with_a_warning(study, values):
    with pytest.warns(UserWarning, match="trial 0 fails"):
        assert study.tell(study.ask(), values).state is TrialState.FAIL


def test_state_and_values_must_agree(study):
    trial = study.ask()
    for values, state in [(1.0, TrialState.FAIL), (1.0, TrialState.PRUNED), (1.0, TrialState.RUNNING)]:
        with pytest.raises(ValueError, match="tell"):
            study.tell(trial, values, state)
    with pytest.raises(ValueError, match="tell"):
        study.tell(trial, None, TrialState.COMPLETE)
    assert study.trials[0].state is TrialState.RUNNING


def test_trial_told_as_pruned_has_its_last_report_as_value(study):
    trial = study.ask()
    trial.report(4.0, 2)
    trial.report(9.0, 1)
    assert study.tell(trial, state=TrialState.PRUNED).value == 4.0


def test_finished_or_unknown_trial_cannot_be_told(study):
    trial = study.ask()
    study.tell(trial, 1.0)
    with pytest.raises(ValueError, match="COMPLETE"):
        study.tell(trial, 2.0)
    with pytest.raises(ValueError, match="no trial 7"):
        study.tell(7, 2.0)
    assert study.tell(trial, 2.0, skip_if_finished=True).value == 1.0


def test_waiting_trial_cannot_be_told(study):
    study.enqueue_trial({"x": 0.5})
    with pytest.raises(ValueError, match="WAITING"):
        study.tell(0, 1.0)


def test_64_trials_asked_without_an_answer_are_64_different_proposals(study):
    study.sampler = TPESampler(n_startup_trials=5, seed=1)
    for _ in range(6):
        trial = study.ask()
        study.tell(trial, sum(suggest_xy(trial)))
    proposals = [suggest_xy(study.ask()) for _ in range(64)]
    assert len({x for x, _ in proposals}) == 64
    assert len({y for _, y in proposals}) > 5


def next_proposal(fate_of_the_trial_before):
    """Return the proposal after twelve told trials and one of the given fate."""
    study = raystudy.create_study(sampler=TPESampler(n_startup_trials=5, seed=1))
    for _ in range(12):
        trial = study.ask()
        study.tell(trial, sum(suggest_xy(trial)))
    trial = study.ask()
    suggest_xy(trial)
    if fate_of_the_trial_before is not None:
        study.tell(trial, state=fate_of_the_trial_before)
    return suggest_xy(study.ask())


def test_pending_trial_changes_the_next_proposal():
    # A failed trial is ignored by TPE, so that only the pending one makes the difference.
    assert next_proposal(None) != next_proposal(TrialState.FAIL)
    assert next_proposal(None) == next_proposal(None)


def test_asking_after_optimize_goes_on_with_the_numbers(study):
    run(study, lambda trial: trial.suggest_float("x", 0, 1), 3)
    assert study.ask().number == 3
    run(study, lambda trial: trial.suggest_float("x", 0, 1), 2)
    assert [trial.state for trial in study.trials].count(TrialState.RUNNING) == 1
    assert study.ask().number == 6


def test_asked_trial_left_running_does_not_count_for_a_call(study):
    study.ask()
    run(study, lambda trial: 1.0, 4)
    assert sum(trial.state is TrialState.COMPLETE for trial in study.trials) == 4


def test_asked_trials_are_stopped_by_the_pruner():
    pruner = HyperbandPruner(1, 9, 3)
    study = raystudy.create_study(sampler=RandomSampler(1), pruner=pruner)
    pruned = 0
    for _ in range(20):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        for step in range(9):
            trial.report(x, step)
            if trial.should_prune():
                pruned += 1
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, x)
    assert pruned > 4


def test_median_counts_the_asked_trials_of_all_programs(study):
    study.pruner = MedianPruner(2)
    other = raystudy.Study(study._storage, study._study_id, None, study.pruner)
    for each in (study, other):
        trial = each.ask()
        trial.report(0.5, 0)
        each.tell(trial, 0.5)
    for value, verdict in [(0.4, Verdict.CONTINUE), (0.6, Verdict.STOP)]:
        trial = study.ask()
        trial.report(value, 0)
        assert trial.verdict is verdict
    study.tell(trial, state=TrialState.PRUNED)
    assert "worse than 0.5, the median of the 2 complete trials" in study.explain(trial.number).summary


# ---- enqueued trials ---------------------------------------------------------------------------------


def test_enqueued_trials_come_first_in_their_order(study):
    for x in (0.5, 0.25):
        study.enqueue_trial({"x": x, "y": 1}, user_attrs={"by": "me"})
    run(study, lambda trial: suggest_xy(trial)[0], 3)
    assert [trial.params["x"] for trial in study.trials[:2]] == [0.5, 0.25]
    assert [trial.user_attrs for trial in study.trials] == [{"by": "me"}, {"by": "me"}, {}]
    assert [trial.number for trial in study.trials] == [0, 1, 2]


def test_parameters_left_out_of_an_enqueued_trial_are_sampled(study):
    run(study, lambda trial: suggest_xy(trial)[0], 2)
    study.enqueue_trial({"y": 42})
    run(study, lambda trial: suggest_xy(trial)[0], 1)
    assert study.trials[2].params["y"] == 42
    assert 0 <= study.trials[2].params["x"] <= 1


def test_enqueued_trial_is_asked_first(study):
    study.enqueue_trial({"x": 0.75})
    trial = study.ask()
    assert (trial.number, suggest_xy(trial)[0]) == (0, 0.75)
    assert study.ask().number == 1


def test_trial_enqueued_in_a_callback_is_the_next(study):
    def enqueue(study, trial):
        if trial.number == 1:
            study.enqueue_trial({"x": 0.125, "y": 3})

    run(study, lambda trial: suggest_xy(trial)[0], 5, callbacks=[enqueue])
    assert study.trials[2].params == {"x": 0.125, "y": 3}
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3, 4]


def test_enqueued_trials_count_for_the_call_that_runs_them(study):
    for _ in range(3):
        study.enqueue_trial({"x": 0.5})
    run(study, lambda trial: suggest_xy(trial)[0], 2, n_jobs=2)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.WAITING]


def test_enqueued_value_outside_of_the_range_warns_and_is_used(study):
    study.enqueue_trial({"x": 5.0})
    with pytest.warns(UserWarning, match=r"'x'=5.0 .*outside.*used"):
        run(study, lambda trial: trial.suggest_float("x", 0, 1))
    assert study.best_params == {"x": 5.0}


def test_enqueued_choice_that_does_not_exist_fails_the_trial(study):
    study.enqueue_trial({"kind": "c"})
    with pytest.raises(ValueError, match=r"'a', 'b'.*'c'"):
        run(study, lambda trial: len(trial.suggest_categorical("kind", ["a", "b"])))
    assert study.trials[0].state is TrialState.FAIL


def test_a_running_trial_is_pending_on_its_own_branch_alone() -> None:
    """Else the sampler would keep away from points of a branch that no trial tries."""
    study = raystudy.create_study(sampler=raystudy.samplers.TPESampler(seed=0, n_startup_trials=2))
    for number in range(6):
        trial = study.ask()
        branch = trial.suggest_categorical("branch", ["a", "b"])
        study.tell(trial, trial.suggest_float(branch, 0, 1) + number)
    trial = study.ask()
    history = study._asking().proposer.history
    assert np.isfinite([history.column(name)[6] for name in ("branch", "a", "b")]).all()
    branch = trial.suggest_categorical("branch", ["a", "b"])
    value = trial.suggest_float(branch, 0, 1)
    other = {"a": "b", "b": "a"}[branch]
    assert history.column(branch)[6] == value
    assert np.isnan(history.column(other)[6])
