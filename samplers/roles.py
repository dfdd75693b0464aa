"""What trials mean to a sampler, by their state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.frozen import TrialState

__all__ = ["Role", "counts_in_space", "role_of", "roles_of"]

Int8Array = npt.NDArray[np.int8]


class Role(IntEnum):
    """What a trial means to a sampler."""

    IGNORED = 0  #: Failed, waiting or absent.
    OBSERVED = 1  #: COMPLETE, PRUNED, or RUNNING and judged at a rung.
    PENDING = 2  #: RUNNING and not judged yet.


def role_of(state: TrialState, is_judged: bool) -> Role:
    """Return the role of a trial; ``is_judged``: whether it has a value at a rung."""
    if state in (TrialState.COMPLETE, TrialState.PRUNED):
        return Role.OBSERVED
    if state is TrialState.RUNNING:
        return Role.OBSERVED if is_judged else Role.PENDING
    return Role.IGNORED


def roles_of(states: Int8Array, is_judged: npt.NDArray[np.bool_]) -> Int8Array:
    """Return the roles of many trials, elementwise."""
    running = np.where(is_judged, Role.OBSERVED, Role.PENDING)
    is_over = np.isin(states, [TrialState.COMPLETE, TrialState.PRUNED])
    found = np.where(states == TrialState.RUNNING, running, np.where(is_over, Role.OBSERVED, Role.IGNORED))
    return found.astype(np.int8)


def counts_in_space(of: Role, distributions: Mapping[str, Distribution]) -> bool:
    """Whether a trial says which parameters all trials share.

    A pending trial without parameters has merely not suggested anything yet; an observed one has none.
    """
    return of is Role.OBSERVED or (of is Role.PENDING and bool(distributions))
