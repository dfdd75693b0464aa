"""What users write: arguments, specs and the pruner that never prunes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from raystudy.frozen import StudyDirection
from raystudy.pruners import HyperbandPruner, NopPruner, Ruling, pruner_from_spec


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
