"""A Hyperband study that is interrupted after any of its trials ends as if nothing had happened."""

import pytest

import raystudy
from raystudy.distributions import FloatDistribution
from raystudy.orchestrator.attempt import run_attempt
from raystudy.orchestrator.checkpoints import TrialVault
from raystudy.orchestrator.events import Ending
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import Assignment, News, Verdict

N_TRIALS = 24


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    for epoch in range(0 if (state := trial.load_checkpoint()) is None else state + 1, 9):
        trial.save_checkpoint(epoch, step=epoch)
        trial.report(x + 1 / (epoch + 1), epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return x


def fates(mode, interrupted_after=None):
    """What became of each trial: its state, its bracket and its last step."""

    def interrupt(_study, trial):
        if trial.number == interrupted_after:
            raise KeyboardInterrupt

    study = raystudy.create_study(sampler=RandomSampler(seed=3), pruner=HyperbandPruner(1, 9, 3, mode=mode))
    options = {"show_progress_bar": False, "executor": "inline"}
    if interrupted_after is not None:
        with pytest.raises(KeyboardInterrupt):
            study.optimize(objective, N_TRIALS, callbacks=[interrupt], **options)
    study.optimize(objective, N_TRIALS, **options)
    return [(t.state, t.system_attrs["raystudy:bracket"], t.last_step) for t in study.trials]


@pytest.mark.parametrize("mode", ["sync", "promote"])
def test_survivors_are_those_of_an_uninterrupted_study_wherever_it_was_interrupted(mode):
    whole = fates(mode)
    assert len(whole) == N_TRIALS
    # Trials 14 to 16 fill the bracket with one rung: after 14 and 15, all of its trials have ended.
    differing = [number for number in range(0, N_TRIALS, 5) if fates(mode, number) != whole]
    differing += [number for number in (14, 16) if fates(mode, number) != whole]
    assert differing == []


class PausingLink:
    """A way to a judge that lets every trial wait."""

    def __init__(self):
        self.reports = []

    def report(self, step, value, news, resumable):
        self.reports.append((step, value, news))
        return Verdict.PAUSE


def test_parameters_are_told_again_with_the_report_that_was_lost_with_its_judge(tmp_path):
    """The objective is not called again, as the trial has to wait: only its checkpoint knows them."""
    told = News({"x": (0.5, FloatDistribution(0, 1))}, {"note": "kept"})
    saving = TrialVault(str(tmp_path), 1)
    saving.save({"epoch": 0}, 0, {}, told)
    saving.note_reports({0: 1.5})
    link = PausingLink()
    assignment = Assignment(number=3, trial_id=4, attempt=2, bracket=0, n_objectives=1)
    outcome = run_attempt(objective, (), assignment, link, TrialVault(str(tmp_path), 2))
    assert outcome.ending is Ending.PAUSED
    assert link.reports == [(0, 1.5, told)]
