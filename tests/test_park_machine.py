"""Random lives of asked trials: interleaved, failing, parked, resumed, and with the study reopened in between."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.storages import InMemoryStorage
from raystudy.trial import TrialState, Verdict

N_STEPS = 4


class Users:
    """Up to four users who run trials of one study at the same time, an epoch each in turn."""

    def __init__(self, mode, rng):
        self.storage = InMemoryStorage()
        pruner = HyperbandPruner(1, N_STEPS, 2, mode=mode)
        self.study = raystudy.create_study(
            storage=self.storage, study_name="s", sampler=RandomSampler(0), pruner=pruner
        )
        self.rng = rng
        self.running = {}  # the next step by trial
        self.epochs = []

    def act(self):
        kind = self.rng.random()
        if kind < 0.04:
            self.reopen()
        elif len(self.running) < 4 and kind < 0.4:
            trial = self.study.ask(resume=True)
            self.running[trial] = 0 if trial.resume_step is None else trial.resume_step + 1
        elif self.running:
            trial = self.rng.choice(list(self.running))
            if kind > 0.95:
                self.end(trial, state=TrialState.FAIL)
            else:
                self.train(trial)

    def train(self, trial):
        step = self.running[trial]
        self.epochs.append((trial.number, step))
        trial.save_checkpoint({}, step=step)
        trial.report(self.rng.choice([self.rng.random(), 0.5, float("nan")]), step)
        self.running[trial] += 1
        if trial.verdict is Verdict.PAUSE:
            del self.running[trial]
            self.study.park(trial)
        elif trial.verdict is Verdict.STOP:
            self.end(trial, state=TrialState.PRUNED)
        elif step == N_STEPS - 1:
            self.end(trial, 1.0)

    def end(self, trial, *values, state=None):
        del self.running[trial]
        self.study.tell(trial, *values, state=state)

    def reopen(self):
        """Begin again as another process would after this one was killed, and give up what ran."""
        self.study = raystudy.load_study(study_name="s", storage=self.storage)
        for trial in list(self.running):
            del self.running[trial]
            self.study.tell(trial.number, state=TrialState.FAIL)


@pytest.mark.parametrize("mode", ["promote", "sync", "auto"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_no_epoch_is_trained_twice_and_nobody_is_lost(mode, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAYSTUDY_HOME", f"memory://{mode}-{seed}")
        users = Users(mode, random.Random(seed))
        for _ in range(150):
            users.act()
        for trial in list(users.running):
            users.end(trial, 1.0)
        users.study.close()
    trials = users.study.trials
    assert len(users.epochs) == len(set(users.epochs))
    assert all(trial.state.is_finished() for trial in trials)
    trained = {t.number: sorted(step for number, step in users.epochs if number == t.number) for t in trials}
    assert {t.number: sorted(t.intermediate_values) for t in trials} == trained
    assert all(steps == list(range(len(steps))) for steps in trained.values())


@pytest.mark.parametrize("mode", ["promote", "sync"])
def test_a_study_reopened_all_the_time_promotes_as_one_that_stays_open(mode, monkeypatch):
    monkeypatch.setenv("RAYSTUDY_HOME", f"memory://{mode}")
    studies = {}
    for reopens in (False, True):
        users = Users(mode, random.Random(1))
        for _ in range(24):
            if reopens:
                users.reopen()
            trial = users.study.ask(resume=True)
            users.running[trial] = 0 if trial.resume_step is None else trial.resume_step + 1
            while trial in users.running:
                step = users.running[trial]
                users.rng = random.Random(f"{trial.number} {step}")  # the value does not depend on the order
                users.train(trial)
        studies[reopens] = [(t.state, t.intermediate_values.keys()) for t in users.study.trials]
    assert any(len(steps) > 1 for _, steps in studies[False])
    assert studies[True] == studies[False]
