"""What a trial is told, in ``optimize`` as when it is asked, and mistakes with parked trials."""

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import TrialState, Verdict

N_COHORT = 9  # of Hyperband(1, 9, 3): 9 trials reach rung 0, 3 of them rung 1, 1 of those the top


def train(trial):
    """Train to the next verdict, one epoch a step; return the value at the end, or None if it must end early."""
    x = trial.suggest_float("x", 0, 1)
    for step in range(0 if trial.resume_step is None else trial.resume_step + 1, 9):
        trial.save_checkpoint({"x": x, "step": step}, step=step)
        trial.report(x + 1 / (step + 1), step)
        if trial.verdict is not Verdict.CONTINUE:
            return None
    return x


def make_study(storage=None, mode="sync", **options):
    pruner = HyperbandPruner(1, 9, 3, mode=mode)
    return raystudy.create_study(storage=storage, sampler=RandomSampler(seed=3), pruner=pruner, **options)


# ---- mistakes ----------------------------------------------------------------------------------------


def test_only_a_running_trial_can_be_parked():
    study = make_study()
    train(trial := study.ask())
    study.tell(trial, 1.0)
    with pytest.raises(ValueError, match="park: trial 0 is COMPLETE, only a RUNNING one"):
        study.park(trial)


def test_parking_needs_a_checkpoint_of_the_last_report_and_a_report():
    study = raystudy.create_study()
    trial = study.ask()
    with pytest.raises(ValueError, match="has reported nothing"):
        study.park(trial)
    trial.report(0.5, 3)
    with pytest.raises(ValueError, match=r"no checkpoint of step 3.*save_checkpoint\(state, step=3\)"):
        study.park(trial)
    trial.save_checkpoint({}, step=2)
    with pytest.raises(ValueError, match="no checkpoint of step 3"):
        study.park(trial)
    assert study.trials[0].state is TrialState.RUNNING
    trial.save_checkpoint({}, step=3)
    assert study.park(trial).system_attrs["raystudy:paused"] == 3


def test_trial_stopped_for_good_cannot_be_parked():
    study = make_study(mode="auto")
    for value in range(3):
        trial = study.ask()
        trial.report(value, 0)
    assert trial.verdict is Verdict.STOP
    trial.save_checkpoint({}, step=0)
    with pytest.raises(ValueError, match="stopped trial 2 for good; tell"):
        study.park(trial)


def test_parked_trial_cannot_be_told_parked_or_reported():
    study = make_study()
    train(trial := study.ask())
    study.park(trial)
    with pytest.raises(ValueError, match=r"tell: trial 0 is parked at step 0; study.ask\(resume=True\)"):
        study.tell(trial, 1.0)
    with pytest.raises(ValueError, match="park: trial 0 was parked before"):
        study.park(trial)
    with pytest.raises(ValueError, match="report: trial 0 was parked; go on with what"):
        trial.report(1.0, 5)
    assert study.trials[0].intermediate_values.keys() == {0}


def test_trial_resumed_since_cannot_be_parked_by_its_old_self():
    study = raystudy.create_study()
    trial = study.ask()
    trial.save_checkpoint({}, step=0)
    trial.report(1.0, 0)
    study.park(trial)
    again = study.ask(resume=True)
    with pytest.raises(ValueError, match="parked before"):
        study.park(trial)
    with pytest.raises(ValueError, match="go on with what"):
        trial.report(1.0, 1)
    again.report(1.0, 1)


def test_trial_of_another_study_object_cannot_be_parked():
    study = make_study()
    train(trial := study.ask())
    with pytest.raises(ValueError, match="not asked from this study object"):
        raystudy.Study(study._storage, study._study_id, None, None).park(trial)


# ---- verdicts in optimize ----------------------------------------------------------------------------


def test_verdict_and_resume_step_tell_an_objective_of_optimize_the_same():
    seen = []

    def objective(trial):
        train(trial)
        seen.append((trial.resume_step, trial.verdict))
        if trial.verdict is not Verdict.CONTINUE:
            raise raystudy.TrialPruned
        return trial.params["x"]

    make_study().optimize(objective, N_COHORT, executor="inline", show_progress_bar=False)
    assert sum(step is None for step, _ in seen) == N_COHORT
    # The last one to come to a rung goes on without a pause if it is good enough.
    assert sum(step == 0 for step, _ in seen) in (2, 3)
    assert [verdict for _, verdict in seen].count(Verdict.CONTINUE) == 1


def test_reading_the_verdict_binds_as_should_prune_does():
    study = make_study()

    def objective(trial):
        train(trial)  # reads trial.verdict
        return 1.0

    study.optimize(objective, N_COHORT, executor="inline", show_progress_bar=False)
    assert [t.state for t in study.trials].count(TrialState.COMPLETE) == 1
