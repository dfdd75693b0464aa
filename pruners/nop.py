"""The pruner that never prunes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import NO_STEP, Judge, Learning, PastTrial, Ruling, StudyFacts
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stopping import StopRule

__all__ = ["NopJudge", "NopPruner"]


class NopJudge:
    """Lets every trial run on and remembers nothing."""

    has_rungs = pauses = False
    learns = Learning.NOTHING

    def next_bracket(self) -> int | None:
        """Return None: there are no brackets."""
        return None

    def enrol(self, number: int, bracket: int | None) -> None:
        """Do nothing."""

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:  # noqa: ARG002
        """Return CONTINUE."""
        return Ruling()

    def quiet_below(self, number: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return NO_STEP."""
        return NO_STEP

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


@dataclass(frozen=True)
class NopPruner(StopPruner):
    """A pruner that never prunes."""

    def start(
        self,
        direction: StudyDirection,  # noqa: ARG002 - the protocol's signature
        first_step: int | None,  # noqa: ARG002
        study: StudyFacts | None = None,  # noqa: ARG002
    ) -> Judge:
        """Return a judge that remembers nothing."""
        return NopJudge()

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return a rule that stops nobody."""
        return _NopRule()


class _NopRule:
    learns = Learning.NOTHING
    dealer: Dealer | None = None

    def should_stop(self, trial: Reports) -> bool:  # noqa: ARG002 - the protocol's signature
        return False

    def learn(self, trial: PastTrial) -> None:
        """Do nothing."""
