"""The next proposal is prepared while trials run, used once, and never more than one trial out of date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import raystudy
from raystudy.distributions import Distribution, FloatDistribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.proposing import Proposer
from raystudy.samplers import GPSampler
from raystudy.samplers.history import History

X = FloatDistribution(0.0, 1.0)


class Diary:
    """Draws at random, wishes to be asked early, and notes for which trial it drew, knowing how many finished ones."""

    seed: int | None = 0
    prepares_ahead = True

    def __init__(self) -> None:
        self.drawn: list[tuple[int | None, int]] = []

    def joint_space(self, history: History) -> Mapping[str, Distribution]:
        return {"x": X}

    def propose(
        self, space: Mapping[str, Distribution], history: History, rng: np.random.Generator
    ) -> dict[str, ParamValue]:
        self.drawn.append((history.asking, int((history.states == TrialState.COMPLETE).sum())))
        return {"x": float(rng.random())}

    def sample(
        self, name: str, distribution: Distribution, history: History, rng: np.random.Generator
    ) -> ParamValue:
        return self.propose({name: distribution}, history, rng)["x"]

    def spec(self) -> dict[str, Any]:
        return {"name": "RandomSampler"}


def ended(number: int) -> FrozenTrial:
    trial = FrozenTrial(number, TrialState.COMPLETE)
    trial.values = [0.0]
    return trial


def test_what_was_prepared_is_used_once_and_is_what_would_have_been_drawn() -> None:
    diary = Diary()
    proposer, plain = (Proposer(each, [StudyDirection.MINIMIZE], 0) for each in (diary, Diary()))
    proposer.propose(0)
    plain.propose(0)
    proposer.prepare(1)
    proposer.prepare(1)  # up to date: nothing is drawn again
    assert len(proposer.history) == 1  # recorded only once a trial has it
    assert proposer.propose(1) == plain.propose(1)
    assert proposer.propose(2) == plain.propose(2)
    assert [number for number, _ in diary.drawn] == [0, 1, 2]


def test_what_was_prepared_may_be_one_trial_behind_and_no_more() -> None:
    for n_ended, drawn in ((1, [0, 1, 2]), (2, [0, 1, 2, 2])):
        diary = Diary()
        proposer = Proposer(diary, [StudyDirection.MINIMIZE], 0)
        for number in range(2):
            proposer.propose(number)
        proposer.prepare(2)
        for number in range(n_ended):
            proposer.observe(ended(number))
        proposer.propose(2)
        assert [number for number, _ in diary.drawn] == drawn


def test_where_trials_end_faster_than_proposals_are_drawn_few_are_drawn_in_vain() -> None:
    diary = Diary()
    proposer = Proposer(diary, [StudyDirection.MINIMIZE], 0)
    for number in range(4):
        proposer.propose(number)
    for number in range(4, 40):
        proposer.prepare(number)
        proposer.observe(ended(2 * number - 8))
        proposer.observe(ended(2 * number - 7))
        proposer.propose(number)
    assert len(diary.drawn) <= 40 + 36 / 8


def test_a_number_that_another_program_took_leaves_nothing_behind() -> None:
    diary = Diary()
    proposer = Proposer(diary, [StudyDirection.MINIMIZE], 0)
    proposer.propose(0)
    proposer.prepare(1)
    proposer.observe(ended(1))  # theirs
    assert proposer.propose(2)["x"] == Proposer(Diary(), [StudyDirection.MINIMIZE], 0).propose(2)["x"]
    assert len(proposer.history) == 3
    assert proposer.history.states.tolist() == [TrialState.RUNNING, TrialState.COMPLETE, TrialState.RUNNING]


def waves(study: raystudy.Study, n_trials: int, n_jobs: int) -> None:
    """Run trials of which each waits for its neighbour, so that two always run at once."""
    gate = threading.Barrier(n_jobs, timeout=30)

    def objective(trial: raystudy.Trial) -> float:
        gate.wait()
        return trial.suggest_float("x", 0.0, 1.0)

    study.optimize(objective, n_trials, executor="inline", n_jobs=n_jobs, show_progress_bar=False)


def test_a_search_uses_every_proposal_once_and_draws_none_for_nobody() -> None:
    diary = Diary()
    study = raystudy.create_study(sampler=diary)
    waves(study, 12, 2)
    waves(study, 4, 2)
    assert [trial.number for trial in study.trials] == list(range(16))
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    random = [Proposer(Diary(), [StudyDirection.MINIMIZE], 0).propose(n)["x"][0] for n in range(16)]
    assert [trial.params["x"] for trial in study.trials] == random
    assert {number for number, _ in diary.drawn} == set(range(16))  # none for a trial after the last


def test_a_search_with_one_worker_prepares_nothing() -> None:
    diary = Diary()
    study = raystudy.create_study(sampler=diary)
    waves(study, 6, 1)
    assert diary.drawn == [(number, number) for number in range(6)]  # each knows all trials before it


@pytest.mark.parametrize("prepares_ahead", [True, False])
def test_gp_searches_with_two_workers_either_way(prepares_ahead: bool) -> None:
    sampler = GPSampler(seed=0, n_startup_trials=4, prepares_ahead=prepares_ahead)
    study = raystudy.create_study(sampler=sampler)
    waves(study, 14, 2)
    xs = [trial.params["x"] for trial in study.trials]
    assert len(set(xs)) == 14
    assert min(xs) < 0.05
    assert raystudy.samplers.sampler_from_spec(sampler.spec()) == sampler
