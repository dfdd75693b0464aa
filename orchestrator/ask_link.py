"""The way from an asked trial to its desk: every step is written through."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import Verdict
from raystudy.orchestrator.ask_intake import AskIntake
from raystudy.orchestrator.ledger import LiveTrial
from raystudy.orchestrator.proposing import Proposer
from raystudy.storages.base import SetAttrs, SetParams, Write
from raystudy.trial import News, Proposal

__all__ = ["AskLink", "Desk"]


class Desk(Protocol):
    """What a link needs of the desk; ``lock`` is held by whoever touches the proposer."""

    study: Any
    lock: threading.RLock
    proposer: Proposer
    intake: AskIntake

    def report(self, live: LiveTrial, attempt: int, step: int, value: float, resumable: bool) -> Verdict:
        """Store a report and have it judged."""

    def write(self, write: Write) -> None:
        """Store something now."""


@dataclass
class AskLink:
    """A trial's way to the storage.

    Args:
        desk: The desk that has handed the trial out.
        live: What the desk knows of the trial.
        attempt: The attempt that was handed out.
    """

    desk: Desk
    live: LiveTrial
    attempt: int

    def suggest(self, name: str, distribution: Distribution, _params: Proposal) -> ParamValue:
        """Draw a parameter that the proposal does not hold; those suggested before are stored already."""
        with self.desk.lock:
            known = {**self.live.proposal, **self.live.known_params()}
            try:
                return self.desk.proposer.suggest(self.live.trial.number, name, distribution, known)
            finally:
                self.desk.intake.store_notes()

    def report(self, step: int, value: float, _news: News | None, resumable: bool) -> Verdict:
        """Store a report and have it judged."""
        self._require_handed_out("report")
        return self.desk.report(self.live, self.attempt, step, value, resumable)

    def study(self) -> Any:
        """Return the study object that was asked."""
        return self.desk.study

    def parameter(self, name: str, value: ParamValue, distribution: Distribution) -> None:
        """Store a parameter."""
        self._require_handed_out("suggest")
        with self.desk.lock:
            new = self.live.learn_params({name: (value, distribution)})
            if self.live.rung_step is None:
                self.desk.proposer.took(self.live.trial.number, self.live.proposal, self.live.known_params())
        self.desk.write(SetParams(self.live.trial.trial_id, new))

    def attributes(self, user_attrs: Mapping[str, Any]) -> None:
        """Store user attributes."""
        self._require_handed_out("set_user_attr")
        self.desk.write(SetAttrs(self.live.trial.trial_id, user_attrs=user_attrs))

    def constraints(self, constraints: Mapping[str, float]) -> None:
        """Store constraints."""
        self._require_handed_out("set_constraint")
        with self.desk.lock:
            attrs = self.live.learn_constraints(constraints)
        self.desk.write(SetAttrs(self.live.trial.trial_id, system_attrs=attrs))

    def _require_handed_out(self, verb: str) -> None:
        if self.live.paused or self.live.attempt != self.attempt:
            raise ValueError(
                f"{verb}: trial {self.live.trial.number} was parked; go on with what study.ask(resume=True) returns"
            )
