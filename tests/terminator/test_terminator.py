"""Terminators, beside Optuna's on the same trials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import optuna.terminator as theirs
import pytest

import raystudy
import raystudy.terminator as ours
from raystudy.frozen import StudyDirection

optuna.logging.set_verbosity(optuna.logging.ERROR)
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::optuna.exceptions.ExperimentalWarning"
)

BOTH = pytest.mark.parametrize("library", [optuna, raystudy], ids=["optuna", "raystudy"])
MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def trials_of(library: Any, n: int, scale: float = 1.0, shift: float = 0.0, seed: int = 0) -> Any:
    """Return a study whose trials come nearer and nearer to the optimum of a smooth function."""
    rng, named = np.random.default_rng(seed), library.distributions
    space = {
        "x": named.FloatDistribution(0.0, 1.0),
        "rate": named.FloatDistribution(1e-4, 1.0, log=True),
        "kind": named.CategoricalDistribution(("a", "b")),
        "only": named.IntDistribution(3, 3),
    }
    study = library.create_study()
    for number in range(n):
        width = 1.0 / (1.0 + number / 5)
        x = float(np.clip(0.3 + width * (rng.random() - 0.5), 0, 1))
        rate = float(10 ** np.clip(-2 + 2 * width * (rng.random() - 0.5), -4, 0))
        kind = "a" if rng.random() < width / 2 else "b"
        value = (x - 0.3) ** 2 + 0.1 * (math.log10(rate) + 2) ** 2 + 0.2 * (kind == "a")
        params = {"x": x, "rate": rate, "kind": kind, "only": 3}
        study.add_trial(library.create_trial(params=params, distributions=space, value=scale * value + shift))
    return study


def bound(study: Any, evaluator: Any, direction: Any = MINIMIZE) -> float:
    kind = optuna.study.StudyDirection if isinstance(study, optuna.Study) else StudyDirection
    return float(evaluator.evaluate(study.trials, kind(int(direction))))


@pytest.mark.parametrize("n", [5, 30, 60])
def test_the_regret_bound_is_about_optunas(n: int) -> None:
    found = bound(trials_of(raystudy, n), ours.RegretBoundEvaluator(seed=0))
    expected = bound(trials_of(optuna, n), theirs.RegretBoundEvaluator(seed=0))
    assert found > 0
    assert expected / 5 < found < expected * 5  # the priors of the two processes differ


def test_the_regret_bound_falls_with_the_trials_and_has_the_unit_of_the_objective() -> None:
    few, many = (bound(trials_of(raystudy, n), ours.RegretBoundEvaluator(seed=0)) for n in (10, 80))
    assert many < few / 5
    moved = bound(trials_of(raystudy, 80, scale=10, shift=-7), ours.RegretBoundEvaluator(seed=0))
    assert moved == pytest.approx(10 * many, rel=0.01)
    flipped = trials_of(raystudy, 80, scale=-1)
    assert bound(flipped, ours.RegretBoundEvaluator(seed=0), MAXIMIZE) == pytest.approx(many, rel=0.01)


def test_emmr_falls_with_the_trials_and_is_about_optunas() -> None:
    values = [bound(trials_of(raystudy, n), ours.EMMREvaluator(seed=0)) for n in (1, 10, 60)]
    assert values[0] > 1e300
    assert values[2] < values[1]
    expected = bound(trials_of(optuna, 60), theirs.EMMREvaluator(seed=0))
    assert values[2] < 10 * expected + 1.0


@BOTH
def test_stagnation_counts_the_trials_since_the_best_one(library: Any) -> None:
    study = library.create_study()
    evaluator = library.terminator.BestValueStagnationEvaluator(max_stagnation_trials=3)
    with pytest.raises(ValueError, match="trial"):
        bound(study, evaluator)
    left = []
    for value in (3.0, 2.0, 2.0, 4.0, 1.0, 5.0):
        study.add_trial(library.create_trial(value=value))
        left.append((bound(study, evaluator), bound(study, evaluator, MAXIMIZE)))
    assert left == [(3, 3), (3, 2), (2, 1), (1, 3), (3, 2), (2, 3)]


@BOTH
def test_the_error_of_a_cross_validation_is_that_of_the_best_trial(library: Any) -> None:
    study = library.create_study()

    def objective(trial: Any) -> float:
        scores = [0.5 + 0.1 * trial.number * fold for fold in range(4)]
        library.terminator.report_cross_validation_scores(trial, scores)
        return -trial.number

    options = {} if library is optuna else {"executor": "inline", "show_progress_bar": False}
    study.optimize(objective, n_trials=3, **options)
    evaluator = library.terminator.CrossValidationErrorEvaluator()
    scores = [0.5, 0.7, 0.9, 1.1]
    assert bound(study, evaluator) == pytest.approx(math.sqrt((1 / 4 + 1 / 3) * np.var(scores)))
    study.add_trial(library.create_trial(value=-99.0))
    with pytest.raises(ValueError, match="report_cross_validation_scores"):
        bound(study, evaluator)
    with pytest.raises(ValueError, match=r"two|greater"):
        library.terminator.report_cross_validation_scores(study.ask(), [0.5])


@BOTH
def test_the_median_error_is_a_part_of_what_was_possible_at_first(library: Any) -> None:
    class Count(library.terminator.BaseImprovementEvaluator):  # type: ignore[name-defined,misc]
        def evaluate(self, trials: Any, study_direction: Any) -> float:
            return 100.0 * len(trials)

    evaluator = library.terminator.MedianErrorEvaluator(Count(), 2, 5, 0.1)
    study = library.create_study()
    found = []
    for _ in range(9):
        study.add_trial(library.create_trial(value=1.0))
        found.append(bound(study, evaluator))
    assert all(error < 0 for error in found[:6])
    assert found[6:] == [30.0, 30.0, 30.0]


@BOTH
def test_a_study_ends_when_nothing_more_is_gained(library: Any) -> None:
    named = library.terminator
    terminator = named.Terminator(named.BestValueStagnationEvaluator(4), min_n_trials=5)
    study = library.create_study()
    options = {} if library is optuna else {"executor": "inline", "show_progress_bar": False}
    study.optimize(
        lambda trial: max(0, 3 - trial.number), n_trials=50, callbacks=[named.TerminatorCallback(terminator)],
        **options,
    )  # fmt: skip
    assert len(study.trials) == 3 + 1 + 5


def test_a_search_ends_once_the_regret_is_below_a_known_error() -> None:
    terminator = ours.Terminator(ours.RegretBoundEvaluator(seed=0), ours.StaticErrorEvaluator(0.5))
    study = raystudy.create_study(sampler=raystudy.samplers.GPSampler(seed=0))
    study.optimize(
        lambda trial: trial.suggest_float("x", -5, 5) ** 2,
        n_trials=60,
        executor="inline",
        show_progress_bar=False,
        callbacks=[ours.TerminatorCallback(terminator)],
    )
    assert 20 <= len(study.trials) < 60
    assert study.best_value < 0.5


@BOTH
def test_wrong_numbers_are_value_errors(library: Any) -> None:
    named = library.terminator
    for wrong in (
        lambda: named.Terminator(min_n_trials=0),
        lambda: named.BestValueStagnationEvaluator(-1),
        lambda: named.EMMREvaluator(min_n_trials=1),
        lambda: named.MedianErrorEvaluator(named.EMMREvaluator(), warm_up_trials=-1),
        lambda: named.MedianErrorEvaluator(named.EMMREvaluator(), threshold_ratio=0.0),
        lambda: named.RegretBoundEvaluator().evaluate([], None),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - the texts are each library's own
            wrong()


def test_the_package_is_deprecated() -> None:
    with pytest.warns(FutureWarning, match="deprecated"):
        ours.Terminator()
    with pytest.warns(FutureWarning, match="deprecated"):
        ours.TerminatorCallback(ours.Terminator())
