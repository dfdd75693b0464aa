"""What one row of a history must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import TrialState

__all__ = ["check_row"]


def check_row(
    number: int,
    state: TrialState,
    params: Mapping[str, ParamValue],
    distributions: Mapping[str, Distribution],
    values: Sequence[float] | None,
    n_objectives: int,
) -> None:
    """Raise ValueError if the parts of a trial contradict each other."""
    if number < 0:
        raise ValueError(f"expected a trial number >= 0, got {number}")
    if params.keys() != distributions.keys():
        raise ValueError(
            f"trial {number}: params and distributions need the same names, got {sorted(params)} "
            f"and {sorted(distributions)}"
        )
    if values is None:
        if state is TrialState.COMPLETE:
            raise ValueError(f"trial {number}: a COMPLETE trial needs its objective values, got None")
    elif len(values) != n_objectives:
        raise ValueError(f"trial {number}: expected {n_objectives} objective values, got {list(values)}")
