"""The pruner that never prunes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import Judge, Learning, PastTrial, Ruling, StudyFacts

__all__ = ["NopJudge", "NopPruner"]


class NopJudge:
    """Lets every trial run on and remembers nothing."""

    has_rungs = False
    learns = Learning.NOTHING

    def next_bracket(self) -> int | None:
        """Return None: there are no brackets."""
        return None

    def enrol(self, number: int, bracket: int | None) -> None:
        """Do nothing."""

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:  # noqa: ARG002
        """Return CONTINUE."""
        return Ruling()

    def settle(
        self,
        number: int,  # noqa: ARG002 - the protocol's signature
        state: TrialState = TrialState.COMPLETE,  # noqa: ARG002
        value: float | None = None,  # noqa: ARG002
    ) -> Ruling:
        """Return no moves."""
        return Ruling()

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Do nothing."""

    def close(self) -> Ruling:
        """Return no moves."""
        return Ruling()

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:  # noqa: ARG002 - the protocol's signature
        """Return no moves."""
        return Ruling()


@dataclass(frozen=True, slots=True)
class NopPruner:
    """A pruner that never prunes."""

    def start(
        self,
        direction: StudyDirection,  # noqa: ARG002 - the protocol's signature
        first_step: int | None,  # noqa: ARG002
        study: StudyFacts | None = None,  # noqa: ARG002
    ) -> Judge:
        """Return a fresh judge."""
        return NopJudge()

    def spec(self) -> dict[str, Any]:
        """Return the class name under ``name``."""
        return {"name": type(self).__name__}
