"""The ``BracketManager`` actor: the desk, in a process of its own so that no sampler or database delays a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorClass

from raystudy.frozen import TrialState, Verdict
from raystudy.orchestrator.assembly import new_desk
from raystudy.orchestrator.brackets import BracketDesk, DeskNews, EndedTrial
from raystudy.pruners.base import PastTrial
from raystudy.pruners.custom import PrunerLike
from raystudy.storages.base import StudyRecord
from raystudy.trial import News

__all__ = ["BracketManager", "BracketManagerActor", "Facts", "HeldReport"]

#: A report: step, value, and what the trial tells beside it.
HeldReport = tuple[int, float, News | None]
#: Reports of one attempt: number, attempt, bracket, whether it is resumable, and the reports in order.  A list of
#: plain values, here and as the answer, makes a call a fifth cheaper: Ray sends it as msgpack and need not pickle it.
Facts = list[Any]


class BracketManager:
    """A desk that is opened by its driver; the methods are the desk's."""

    def __init__(self) -> None:
        self._desk: BracketDesk | None = None

    @ray.method
    def open(self, pruner: PrunerLike, study: StudyRecord, past: list[PastTrial]) -> list[DeskNews]:
        """Begin, with a judge restored from stored trials, and return the news of that."""
        self._desk = new_desk(pruner, study, past)
        return self._desk.drain()

    @ray.method
    def report(self, facts: Facts) -> tuple[str, int]:
        """See ``BracketDesk.report``; returns the last verdict's value, and ``BracketDesk.quiet_below``."""
        number, attempt, bracket, resumable, reports = facts
        verdict = Verdict.CONTINUE
        for step, value, news in reports:
            verdict = self._opened.report(number, attempt, bracket, step, value, news, resumable)
        return verdict.value, self._opened.quiet_below(number)

    @ray.method
    def settle(self, ended: Facts, enrolled: Sequence[tuple[int, int]]) -> list[DeskNews]:
        """Enrol new trials, given as (number, bracket); then settle ended ones, [number, state, value] each."""
        self._opened.enrol(enrolled)
        return self._opened.settle([EndedTrial(n, TrialState(state), value) for n, state, value in ended])

    @ray.method
    def learn(self, trials: Sequence[PastTrial]) -> None:
        """See ``BracketDesk.learn``."""
        self._opened.learn(trials)

    @ray.method
    def abandon(self, number: int, bracket: int | None) -> None:
        """See ``BracketDesk.abandon``."""
        self._opened.abandon(number, bracket)

    @ray.method
    def close(self, enrolled: Sequence[tuple[int, int]]) -> list[DeskNews]:
        """Enrol new trials, given as (number, bracket); then see ``BracketDesk.close``."""
        self._opened.enrol(enrolled)
        return self._opened.close()

    @ray.method
    def stop_all(self) -> None:
        """See ``BracketDesk.stop_all``."""
        self._opened.stop_all()

    @property
    def _opened(self) -> BracketDesk:
        if self._desk is None:
            raise RuntimeError("the bracket manager was restarted empty; its driver has to begin anew")
        return self._desk


BracketManagerActor: ActorClass[BracketManager] = ray.remote(BracketManager)
