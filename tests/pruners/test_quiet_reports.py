"""What a judge says of reports that may travel late: that nothing depends on them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystudy.frozen import StudyDirection, Verdict
from raystudy.pruners import HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from raystudy.pruners.base import NO_STEP, Ruling

PRUNERS = [
    HyperbandPruner(1, 27, 3, mode="promote"),
    HyperbandPruner(2, 50, 3, mode="sync"),
    HyperbandPruner(mode="promote"),
    SuccessiveHalvingPruner(1),
    MedianPruner(),
    NopPruner(),
]


@pytest.mark.parametrize("pruner", PRUNERS, ids=repr)
@given(data=st.data(), first_step=st.sampled_from([0, 1]), resumable=st.booleans())
def test_a_report_below_the_quiet_step_decides_nothing(
    pruner: Any, data: st.DataObject, first_step: int, resumable: bool
) -> None:
    judge = pruner.start(StudyDirection.MINIMIZE, first_step)
    judge.restore([])
    next_step = dict.fromkeys(range(5), first_step)
    for number in next_step:
        judge.enrol(number, judge.next_bracket())
    for number in data.draw(st.lists(st.sampled_from(range(5)), max_size=60)):
        step = next_step[number] + data.draw(st.integers(0, 3))
        quiet = step < judge.quiet_below(number)
        ruling = judge.report(number, step, data.draw(st.floats(-9, 9)), resumable)
        next_step[number] = step + 1
        if quiet:
            assert ruling == Ruling(Verdict.CONTINUE)


def test_only_rungs_matter_to_hyperband_and_nothing_to_no_pruner() -> None:
    judge = HyperbandPruner(1, 9, 3, mode="sync").start(StudyDirection.MINIMIZE, 0)
    judge.enrol(0, 2)
    assert judge.quiet_below(0) == 8
    assert NopPruner().start(StudyDirection.MINIMIZE, 0).quiet_below(0) == NO_STEP
