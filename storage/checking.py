"""What every storage refuses to write, checked before anything is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from raystudy.frozen import TrialState
from raystudy.storages.base import CreateTrial, FinishTrial, Report, Write

__all__ = ["check_writes"]

_STEP_LIMIT = 2**31  # the column is a 32-bit integer on PostgreSQL and MySQL


def check_writes(writes: Iterable[Write]) -> None:
    """Check the values and steps of writes.

    Raises:
        ValueError: If a FAIL trial has values, a COMPLETE one none, a value is NaN, a state is no final one,
            or a step does not fit into 32 bits.
    """
    for write in writes:
        if isinstance(write, FinishTrial):
            if not write.state.is_finished():
                raise ValueError(
                    f"expected COMPLETE, PRUNED or FAIL to finish a trial, got {write.state.name}"
                )
            _check_values(write.state, write.values)
        elif isinstance(write, CreateTrial):
            _check_values(write.state, write.values)
            for step in write.intermediate_values:
                _check_step(step)
        elif isinstance(write, Report):
            _check_step(write.step)


def _check_values(state: TrialState, values: Sequence[float] | None) -> None:
    if values is None:
        if state is TrialState.COMPLETE:
            raise ValueError("expected values for a COMPLETE trial, got None; finish it as FAIL or PRUNED")
    elif state is TrialState.FAIL:
        raise ValueError(f"expected no values for a FAIL trial, got {list(values)}; pass values=None")
    elif any(map(math.isnan, values)):
        raise ValueError(
            f"expected numbers as values of a {state.name} trial, got {list(values)}; finish it as FAIL"
        )


def _check_step(step: int) -> None:
    if not -_STEP_LIMIT <= step < _STEP_LIMIT:
        raise ValueError(f"expected a step that fits into 32 bits, got {step}; report smaller steps")
