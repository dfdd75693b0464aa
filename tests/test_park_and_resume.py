"""Asked trials that wait at their checkpoint: parked, promoted, handed out again, in this process or another."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner, NopPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import TrialState, Verdict

ROOT = Path(__file__).parents[1]
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


def work(study, n_asks):
    """Ask so many trials, new or promoted, and do with each as its verdict says; return those that were resumed."""
    resumed = []
    for _ in range(n_asks):
        trial = study.ask(resume=True)
        if trial.resume_step is not None:
            resumed.append(trial.number)
        value = train(trial)
        if trial.verdict is Verdict.PAUSE:
            study.park(trial)
        elif trial.verdict is Verdict.STOP:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return resumed


def work_to_the_end(study):
    """Work until the first cohort has ended; return the trials that were resumed, one entry each time."""
    resumed = work(study, max(0, N_COHORT - len(study.trials)))
    while not all(trial.state.is_finished() for trial in study.trials):
        resumed += work(study, 1)
    return resumed


def make_study(storage=None, mode="sync", **options):
    pruner = HyperbandPruner(1, 9, 3, mode=mode)
    return raystudy.create_study(storage=storage, sampler=RandomSampler(seed=3), pruner=pruner, **options)


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"


def epochs(study):
    return {trial.number: sorted(trial.intermediate_values) for trial in study.trials}


# ---- the judge judges asked trials -------------------------------------------------------------------


def test_one_worker_who_parks_and_resumes_runs_the_epochs_of_optimize(storage):
    asked, optimized = make_study(storage), make_study()
    resumed = work_to_the_end(asked)
    optimized.optimize(
        lambda trial: train(trial) or 1.0, N_COHORT, executor="inline", show_progress_bar=False
    )
    assert (
        2 <= len(resumed) <= 4
    )  # the last one to come to a rung goes on without a pause if it is good enough
    assert epochs(asked) == epochs(optimized)
    assert sum(map(len, epochs(asked).values())) == 9 * 1 + 3 * 2 + 1 * 6
    assert [t.params for t in asked.trials] == [t.params for t in optimized.trials]
    assert [t.state for t in asked.trials] == [t.state for t in optimized.trials]


def test_parked_trial_is_running_in_the_database_and_says_where_it_waits(storage):
    study = make_study(storage)
    trial = study.ask()
    assert train(trial) is None
    assert trial.verdict is Verdict.PAUSE
    parked = study.park(trial)
    assert (parked.state, parked.system_attrs["raystudy:paused"]) == (TrialState.RUNNING, 0)
    assert parked.system_attrs["raystudy:bracket"] == 0


def test_promoted_trial_has_its_number_parameters_attributes_and_checkpoint_again():
    study = make_study()
    for _ in range(N_COHORT - 1):
        train(trial := study.ask(resume=True))
        trial.set_user_attr("n", trial.number)
        study.park(trial)
    study.tell(study.ask(), state=TrialState.FAIL)
    best = sorted(study.trials[:-1], key=lambda trial: trial.params["x"])[:3]
    again = [study.ask(resume=True) for _ in best]
    assert [trial.number for trial in again] == [trial.number for trial in best]
    for trial, before in zip(again, best, strict=True):
        assert trial.resume_step == 0
        assert trial.load_checkpoint() == {"x": before.params["x"], "step": 0}
        assert trial.suggest_float("x", 0, 1) == before.params["x"]
        assert trial.user_attrs == {"n": trial.number}
        assert trial.verdict is Verdict.CONTINUE
    assert study.ask(resume=True).number == N_COHORT  # nobody else is promoted, so it is a new one


def test_trial_told_as_pruned_stays_so_and_is_never_handed_out_again():
    study = make_study()
    for _ in range(N_COHORT):
        trial = study.ask(resume=True)
        train(trial)
        study.tell(trial, state=TrialState.PRUNED)
    assert study.ask(resume=True).number == N_COHORT
    assert [t.state for t in study.trials[:N_COHORT]] == [TrialState.PRUNED] * N_COHORT


def test_failed_trial_does_not_keep_its_rung_waiting():
    study = make_study()
    for _ in range(N_COHORT - 1):
        train(trial := study.ask(resume=True))
        study.park(trial)
    study.tell(study.ask(), state=TrialState.FAIL)
    assert study.ask(resume=True).resume_step == 0


def test_rung_that_closes_ends_the_parked_trials_that_lost():
    study = make_study()
    work(study, N_COHORT)
    states = [trial.state for trial in study.trials]
    assert states.count(TrialState.PRUNED) == 6
    assert states.count(TrialState.RUNNING) == 3
    assert all(t.value == t.intermediate_values[0] for t in study.trials if t.state is TrialState.PRUNED)


def test_promoted_trial_of_the_highest_rung_comes_first():
    study = make_study(mode="promote")
    order = []
    for _ in range(60):
        trial = study.ask(resume=True)
        if trial.resume_step is not None:
            order.append(trial.resume_step)
        value = train(trial)
        if trial.verdict is Verdict.PAUSE:
            study.park(trial)
        else:
            study.tell(trial, value)
    assert {0, 2} <= set(order)
    assert sum(t.state is TrialState.COMPLETE for t in study.trials) > 3


def test_trial_that_saves_no_checkpoints_is_stopped_instead_of_paused():
    study = make_study(mode="auto")
    verdicts = set()
    for _ in range(9):
        trial = study.ask()
        trial.report(trial.number, 0)
        verdicts.add(trial.verdict)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
    assert verdicts == {Verdict.CONTINUE, Verdict.STOP}


# ---- parking at the user's wish ----------------------------------------------------------------------


def test_trial_parked_although_it_may_go_on_is_handed_out_by_the_next_ask(storage):
    study = raystudy.create_study(storage=storage, study_name="s")
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    trial.save_checkpoint({"epoch": 4}, step=4)
    trial.report(0.5, 4)
    assert trial.verdict is Verdict.CONTINUE
    study.park(trial)
    if storage is not None:
        study = raystudy.load_study(study_name="s", storage=storage)
    assert study.ask().number == 1  # without resume=True it is left alone
    again = study.ask(resume=True)
    assert (again.number, again.resume_step, again.load_checkpoint()) == (0, 4, {"epoch": 4})
    assert study.tell(again, x).state is TrialState.COMPLETE


def test_closing_ends_what_is_parked_and_the_study_may_be_asked_again(storage):
    study = make_study(storage)
    for _ in range(3):
        train(trial := study.ask())
        study.park(trial)
    running = study.ask()
    study.close()
    assert [t.state for t in study.trials] == [TrialState.PRUNED] * 3 + [TrialState.RUNNING]
    assert all(t.value == t.intermediate_values[0] for t in study.trials[:3])
    study.close()
    assert study.ask(resume=True).number == 4
    assert study.tell(running, 1.0).state is TrialState.COMPLETE


def test_another_pruner_judges_the_trials_that_are_asked_from_then_on():
    study = make_study()
    train(trial := study.ask())
    study.park(trial)
    study.pruner = NopPruner()
    assert train(study.ask()) is not None
    assert study.ask(resume=True).number == 0  # it waits for nobody now


def test_optimize_leaves_parked_trials_alone(storage):
    study = make_study(storage, mode="promote")
    train(trial := study.ask())
    study.park(trial)
    study.optimize(lambda t: train(t) or 1.0, 4, executor="inline", show_progress_bar=False)
    assert [t.state.is_finished() for t in study.trials] == [False] + [True] * 4


# ---- another process ---------------------------------------------------------------------------------

FIRST_PROCESS = """
import os, sys
sys.path.insert(0, "tests")
import raystudy
from test_park_and_resume import make_study, work
study = make_study(sys.argv[1], study_name="s")
work(study, int(sys.argv[2]))
os._exit(9)  # no tidying up: what is not in the database is lost
"""


@pytest.mark.parametrize("n_before", [4, 9, 10, 11])
def test_another_process_goes_on_where_a_killed_one_ended(tmp_path, n_before):
    url = f"sqlite:///{tmp_path}/study.db"
    died = subprocess.run([sys.executable, "-c", FIRST_PROCESS, url, str(n_before)], cwd=ROOT, check=False)
    assert died.returncode == 9
    study = raystudy.load_study(study_name="s", storage=url)
    work_to_the_end(study)
    uninterrupted = make_study()
    work_to_the_end(uninterrupted)
    assert epochs(study) == epochs(uninterrupted)
    assert [t.state for t in study.trials] == [t.state for t in uninterrupted.trials]


def test_two_study_objects_hand_out_each_promoted_trial_once(storage):
    study = make_study(storage)
    other = raystudy.Study(study._storage, study._study_id, None, None)
    for _ in range(N_COHORT - 1):
        train(trial := study.ask())
        study.park(trial)
    study.tell(study.ask(), state=TrialState.FAIL)
    other.tell(other.ask(), state=TrialState.FAIL)  # from now on, both know who is promoted
    resumed = [each.ask(resume=True) for each in (study, other, study, other)]
    assert [trial.resume_step for trial in resumed] == [0, 0, 0, None]
    assert len({trial.number for trial in resumed}) == 4


def test_parked_trials_ended_by_another_program_are_not_handed_out(storage):
    study = make_study(storage)
    work(study, N_COHORT)
    raystudy.Study(study._storage, study._study_id, None, None).close()
    assert study.ask(resume=True).number == N_COHORT


# ---- the documentation -------------------------------------------------------------------------------


def test_the_loop_of_the_documentation_promotes_trials_and_leaves_none_parked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/ask-and-tell.md").read_text(), re.DOTALL)[1]
    namespace = {}
    exec(code, namespace)
    trials = namespace["study"].trials
    assert {t.state for t in trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert any("raystudy:promoted" in t.system_attrs for t in trials)
    assert all(t.intermediate_values.keys() == set(range(9)) for t in trials if t.state.name == "COMPLETE")
