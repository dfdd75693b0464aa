"""What the user's process and the ``StudyDriver`` actor send each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from raystudy.frozen import FrozenTrial
from raystudy.orchestrator.attempt import Failure
from raystudy.orchestrator.progress import Progress
from raystudy.pruners.custom import PrunerLike
from raystudy.samplers.custom import SamplerLike, state_of
from raystudy.storages.base import Storage

__all__ = ["RayCall", "Update"]


@dataclass(frozen=True, slots=True)
class RayCall:
    """A call of ``optimize`` in a form that can travel; see ``CallRequest`` for the attributes."""

    study: Any
    storage: Storage
    study_id: int
    sampler: SamplerLike
    seed: int
    pruner: PrunerLike
    objective: list[Any]
    digest: str
    n_trials: int | None
    timeout_s: float | None
    n_jobs: int | None
    resources: Mapping[str, float]
    study_folder: str
    keep_checkpoints: str


@dataclass(slots=True)
class Update:
    """What has happened since the last update.

    Attributes:
        finished: Trials whose result became durable, in commit order.
        progress: The figures now; None before the call has begun.
        notes: Lines for the user.
        ended: Whether the call is over.
        failure: The exception that ended it, if one did.
        lost: Whether another pair of actors has to take the call over, since the bracket manager died.
        state: At the end, the attributes of a user's own sampler.
    """

    finished: list[FrozenTrial] = field(default_factory=list)
    progress: Progress | None = None
    notes: list[str] = field(default_factory=list)
    ended: bool = False
    failure: Failure | None = None
    lost: bool = False
    state: bytes | None = None

    def end(self, sampler: SamplerLike) -> None:
        """Say that the call is over, and what a user's own sampler has come to."""
        self.state, self.ended = state_of(sampler), True
