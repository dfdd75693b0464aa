"""Which trials TPE takes for the good ones, against Optuna's own split."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.samplers._tpe.sampler import _split_trials, default_gamma, default_gamma_multiobjective

from raystudy.constraints import violation_of
from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers.history import History
from raystudy.samplers.splitting import split_observed

X = FloatDistribution(0.0, 1.0)
VALUES = [-math.inf, 0.0, 0.5, 0.25, 1.0, math.inf]
MIN, MAX = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


class Pair:
    """The same trials as a history of ours and as Optuna's objects."""

    def __init__(self, directions: list[StudyDirection]) -> None:
        self.history = History(directions)
        self.trials: list[optuna.trial.FrozenTrial] = []
        self.study = optuna.create_study(directions=[each.name.lower() for each in directions])

    def add(self, values: list[float] | None, constraints: dict[str, float]) -> None:
        state = TrialState.PRUNED if values is None else TrialState.COMPLETE
        number, violation = len(self.trials), violation_of(constraints)
        self.history.update(number, state, {"x": 0.5}, {"x": X}, values, violation=violation)
        theirs = optuna.trial.TrialState(int(state))
        trial = optuna.create_trial(state=theirs, values=values, constraints=constraints)
        trial.number = number
        self.trials.append(trial)

    def optunas_split(self, n_below: int) -> list[list[int]]:
        groups = _split_trials(self.study, self.trials, n_below)
        return [[trial.number for trial in group] for group in groups]

    def our_split(self) -> list[list[int]]:
        [views] = split_observed(self.history)
        return [numbers.tolist() for numbers in views]


@pytest.mark.parametrize("direction", [MIN, MAX])
@pytest.mark.parametrize("n", [3, 40, 400])
def test_split_of_completed_trials_is_optunas(direction: StudyDirection, n: int) -> None:
    pair = Pair([direction])
    for value in np.random.default_rng(n).choice(VALUES, n).tolist():
        pair.add([value], {})
    assert pair.our_split() == pair.optunas_split(default_gamma(n))


@pytest.mark.parametrize("direction", [MIN, MAX])
@pytest.mark.parametrize("n", [3, 40, 400])
@pytest.mark.parametrize("feasible", [0.0, 0.05, 0.6])
def test_split_of_trials_with_constraints_is_optunas(
    direction: StudyDirection, n: int, feasible: float
) -> None:
    rng, pair = np.random.default_rng(n), Pair([direction])
    for value in rng.choice(VALUES, n).tolist():
        amounts = rng.choice([-1.0, 0.0, 0.5, 2.0], 3).tolist()
        is_feasible = rng.random() < feasible
        pair.add([value], {} if is_feasible else dict(zip("abc", amounts, strict=True)))
    assert pair.our_split() == pair.optunas_split(default_gamma(n))


@pytest.mark.parametrize("directions", [[MIN, MIN], [MIN, MAX], [MAX, MIN, MIN]])
@pytest.mark.parametrize("n", [3, 40, 300])
@pytest.mark.parametrize("feasible", [0.05, 0.5, 1.0])
def test_split_of_several_objectives_is_optunas(
    directions: list[StudyDirection], n: int, feasible: float
) -> None:
    rng, pair = np.random.default_rng(n), Pair(directions)
    for _ in range(n):
        amounts = rng.choice([-1.0, 0.5, 2.0], 2).tolist()
        constraints = {} if rng.random() < feasible else dict(zip("ab", amounts, strict=True))
        values = None if rng.random() < 0.1 else np.abs(rng.normal(size=len(directions))).tolist()
        pair.add(values, constraints)
    assert pair.our_split() == pair.optunas_split(default_gamma_multiobjective(n))


@pytest.mark.parametrize("gamma", [lambda _n: 1, lambda n: n // 2, lambda n: n])
@pytest.mark.parametrize("directions", [[MIN], [MIN, MAX]])
def test_the_users_gamma_says_how_many_are_good(
    gamma: Callable[[int], int], directions: list[StudyDirection]
) -> None:
    rng, pair = np.random.default_rng(0), Pair(directions)
    for _ in range(30):
        pair.add(rng.normal(size=len(directions)).tolist(), {})
    [views] = split_observed(pair.history, gamma)
    assert [numbers.tolist() for numbers in views] == pair.optunas_split(gamma(30))


def test_an_infeasible_trial_is_never_better_than_a_feasible_one_at_a_lower_budget() -> None:
    history = History([MIN])
    for number in range(20):
        history.update(
            number, TrialState.COMPLETE, {"x": 0.5}, {"x": X}, [0.0], None, {1: 0.0}, violation=1.0
        )
    for number in range(20, 40):
        history.update(
            number, TrialState.PRUNED, {"x": 0.5}, {"x": X}, None, (1, 9.0), {1: 9.0}, violation=0.0
        )
    of_all, of_known = split_observed(history)
    assert of_all[0].tolist() == [20, 21, 22, 23]
    assert of_known[0].tolist() == [0, 1]
