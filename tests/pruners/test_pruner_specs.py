"""What users write: arguments, specs and the pruner that never prunes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from raystudy.frozen import StudyDirection
from raystudy.pruners import (
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    Ruling,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    pruner_from_spec,
)


def test_nop_never_prunes() -> None:
    judge = NopPruner().start(StudyDirection.MINIMIZE, None)
    assert not judge.has_rungs
    assert judge.next_bracket() is None
    assert (
        judge.report(0, 0, math.nan, False)
        == judge.settle(0)
        == judge.close()
        == judge.restore([])
        == Ruling()
    )


@pytest.mark.parametrize("pruner", [NopPruner(), HyperbandPruner(), HyperbandPruner(5, 50, 4, mode="sync")])
def test_a_pruner_survives_its_json_spec(pruner: NopPruner | HyperbandPruner) -> None:
    assert pruner_from_spec(json.loads(json.dumps(pruner.spec()))) == pruner


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "never"}, "'stop', 'auto', got 'never'"),
        ({"bootstrap_count": 1}, "Optuna's stop rule"),
        ({"max_resource": "many"}, "'auto', got 'many'"),
        ({"min_resource": 0}, "got min_resource=0"),
        ({"min_resource": 9, "max_resource": 3}, "got min_resource=9, max_resource=3"),
        ({"reduction_factor": 1}, "reduction_factor=1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperbandPruner(**arguments)


def test_budgets_are_whole_numbers() -> None:
    with pytest.raises(TypeError, match=r"max_resource to be a whole number, got 9.5"):
        HyperbandPruner(max_resource=9.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", [{}, {"name": "Other"}, {"name": "NopPruner", "n": 1}])
def test_a_spec_that_fits_no_pruner_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected a pruner named|do not fit"):
        pruner_from_spec(spec)


@pytest.mark.parametrize(
    ("pruner", "message"),
    [
        (lambda: MedianPruner("5"), "expected n_startup_trials to be a number, got '5'"),
        (lambda: ThresholdPruner(1, n_warmup_steps=None), "expected n_warmup_steps to be a number, got None"),
        (lambda: PatientPruner(None, 1.5), "expected patience to be a whole number, got 1.5"),
        (lambda: SuccessiveHalvingPruner(1.5), "expected min_resource to be a whole number, got 1.5"),
    ],
)
def test_what_is_no_number_is_refused_by_name(pruner: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        pruner()


def test_numbers_of_numpy_are_stored_as_plain_ones() -> None:
    pruner = MedianPruner(np.int64(3), np.float64(2.5), interval_steps=np.int32(2))
    assert json.loads(json.dumps(pruner.spec())) == {
        "name": "MedianPruner",
        "n_startup_trials": 3,
        "n_warmup_steps": 2.5,
        "interval_steps": 2,
        "n_min_trials": 1,
    }


def test_a_wrapped_pruner_comes_back_with_the_one_that_wraps_it() -> None:
    pruner = PatientPruner(PercentilePruner(25.0, n_min_trials=2), 3, 0.5)
    assert pruner_from_spec(json.loads(json.dumps(pruner.spec()))) == pruner
