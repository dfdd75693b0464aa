"""Which checkpoints outlive their trials: a pure rule over finished trials."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState

__all__ = ["Keep", "KeepRule", "keep_of"]


class Keep(Enum):
    """What is kept once a trial has finished for good; its newest checkpoint, as there is never another."""

    #: That of the best COMPLETE trial; of all COMPLETE ones where there are several objectives.
    BEST = "best"
    #: Those of COMPLETE trials.
    COMPLETE = "complete"
    #: Those of all trials.
    ALL = "all"
    #: Nothing.
    NONE = "none"


def keep_of(value: str) -> Keep:
    """Return what a user asked to be kept; raise ValueError for anything else."""
    try:
        return Keep(value)
    except ValueError:
        expected = tuple(keep.value for keep in Keep)
        raise ValueError(f"optimize: expected one of {expected} as keep_checkpoints, got {value!r}") from None


class KeepRule:
    """Tells of each finished trial of one call whose checkpoints nobody needs any more.

    Checkpoints of other calls are theirs: a better trial of this call does not take them away.

    Args:
        keep: What is kept.
        directions: The directions of the study.
        others: Trials of other calls; one of them may be the best.
    """

    def __init__(
        self, keep: Keep, directions: Sequence[StudyDirection], others: Sequence[FrozenTrial] = ()
    ) -> None:
        self._keep = Keep.COMPLETE if keep is Keep.BEST and len(directions) > 1 else keep
        self._sign = -1.0 if directions[0] is StudyDirection.MAXIMIZE else 1.0
        losses = (self._loss(trial) for trial in others)
        self._best = min((loss for loss in losses if loss is not None), default=None)
        self._holder: int | None = None

    def finished(self, trial: FrozenTrial) -> list[int]:
        """Return the numbers of trials whose checkpoints may go now that this one has finished."""
        if self._keep is Keep.ALL:
            return []
        loss = self._loss(trial)
        if loss is None or self._keep is Keep.NONE:
            return [trial.number]
        if self._keep is Keep.COMPLETE:
            return []
        if self._best is not None and loss >= self._best:
            return [trial.number]
        before, self._best, self._holder = self._holder, loss, trial.number
        return [] if before is None else [before]

    def _loss(self, trial: FrozenTrial) -> float | None:
        """The value of a COMPLETE trial with smaller better, None for any other."""
        return self._sign * trial.values[0] if trial.state is TrialState.COMPLETE and trial.values else None
