"""The desk between running trials and the judge: takes reports, gives verdicts, keeps news for the driver.

A plain class.  In process it is called directly; under Ray it is the ``BracketManager`` actor.  It is all in
memory: a report costs one call and never waits for a database or a sampler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raystudy.frozen import FrozenTrial, TrialState, Verdict
from raystudy.pruners.base import Judge, Learning, PastTrial, Ruling
from raystudy.pruners.grounds import Grounds, grounds_of
from raystudy.trial import News

__all__ = ["BracketDesk", "DeskNews", "EndedTrial", "PromotedNews", "ReportNews"]


@dataclass(frozen=True, slots=True)
class ReportNews:
    """A report, as the driver mirrors it; ``rung`` is set where it settled one, ``why`` where it decided anything."""

    number: int
    attempt: int
    step: int
    value: float
    news: News | None
    rung: int | None
    why: Grounds | None = None


@dataclass(frozen=True, slots=True)
class PromotedNews:
    """The judge's word on paused trials: promoted ones as (number, rung), dropped ones, and why, by number."""

    promoted: tuple[tuple[int, int], ...]
    dropped: tuple[int, ...]
    why: Mapping[int, Grounds] = field(default_factory=dict)


DeskNews = ReportNews | PromotedNews


@dataclass(frozen=True, slots=True)
class EndedTrial:
    """How a trial has ended for good; ``value`` is that of a complete one with one objective."""

    number: int
    state: TrialState
    value: float | None = None


class BracketDesk:
    """The judge of one driver, behind a counter.

    Args:
        judge: The pruner's state machine.
        past: Stored trials to restore it from.
    """

    def __init__(self, judge: Judge, past: Sequence[PastTrial] = ()) -> None:
        self._judge = judge
        self._attempts: dict[int, int] = {}
        #: Verdicts other than CONTINUE; they stick to their attempt.
        self._standing: dict[int, Verdict] = {}
        #: Trials that another program has finished while an attempt may still run.
        self._abandoned: set[int] = set()
        self._stopping = False
        self._news: list[DeskNews] = []
        self._note(judge.restore(past))

    def enrol(self, trials: Iterable[tuple[int, int | None]]) -> None:
        """Make new trials known, as (number, bracket)."""
        for number, bracket in trials:
            self._judge.enrol(number, bracket)

    def report(
        self,
        number: int,
        attempt: int,
        bracket: int | None,
        step: int,
        value: float,
        news: News | None,
        resumable: bool,
    ) -> Verdict:
        """Take a report and return the verdict; a report of an attempt that was replaced changes nothing."""
        current = self._attempts.setdefault(number, attempt)
        if attempt < current or number in self._abandoned:
            return Verdict.STOP
        if attempt > current:
            self._attempts[number] = attempt
            self._standing.pop(number, None)
        self._judge.enrol(number, bracket)
        if news is not None and self._judge.learns is Learning.TRIALS:
            self._judge.learn([_told(number, bracket, news)])
        standing = self._standing.get(number)
        # A trial that goes on after a stop still informs the others.
        ruling = (
            Ruling(standing)
            if standing is Verdict.PAUSE
            else self._judge.report(number, step, value, resumable)
        )
        why = self._why(number, step, ruling) if standing is None else None
        self._news.append(ReportNews(number, attempt, step, value, news, ruling.rung, why))
        self._note(ruling)
        verdict = Verdict.STOP if self._stopping or standing is Verdict.STOP else ruling.verdict
        if verdict is not Verdict.CONTINUE:
            self._standing[number] = verdict
        return verdict

    def quiet_below(self, number: int) -> int:
        """Return the step below which reports of a trial are answered by CONTINUE whatever they say."""
        return 0 if number in self._standing else self._judge.quiet_below(number)

    def settle(self, ended: Iterable[EndedTrial]) -> list[DeskNews]:
        """Note that trials have ended for good, and return all news since the last time."""
        for trial in ended:
            self._note(self._judge.settle(trial.number, trial.state, trial.value))
            self._attempts.pop(trial.number, None)
            self._standing.pop(trial.number, None)
            self._abandoned.discard(trial.number)
        return self.drain()

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Pass on what has become of trials that do not report here."""
        self._judge.learn(trials)

    def abandon(self, number: int, bracket: int | None) -> None:
        """Settle a trial that another program has finished; an attempt of it is stopped at its next report."""
        self._abandoned.add(number)
        if bracket is not None:
            self._judge.enrol(number, bracket)
            self._note(self._judge.settle(number, TrialState.FAIL))

    def close(self) -> list[DeskNews]:
        """Note that no further trial will be created, and return all news since the last time."""
        self._note(self._judge.close())
        return self.drain()

    def stop_all(self) -> None:
        """Answer every report from now on with a stop."""
        self._stopping = True

    def drain(self) -> list[DeskNews]:
        """Return the news since the last time, in order."""
        news, self._news = self._news, []
        return news

    def _note(self, ruling: Ruling) -> None:
        if ruling.promoted or ruling.dropped:
            why = {n: {"what": "promote", **grounds_of(self._judge, n)} for n, _ in ruling.promoted}
            why |= {n: {"what": "drop", **grounds_of(self._judge, n)} for n in ruling.dropped}
            self._news.append(PromotedNews(ruling.promoted, ruling.dropped, why))

    def _why(self, number: int, step: int, ruling: Ruling) -> Grounds | None:
        """Return what a verdict rests on; None for a report at which nothing was decided."""
        if ruling.rung is None and ruling.verdict is Verdict.CONTINUE:
            return None
        facts: dict[str, Any] = {"what": ruling.verdict.value, "step": step}
        if ruling.rung is not None:
            facts["rung"] = ruling.rung
        return {**facts, **grounds_of(self._judge, number)}


def _told(number: int, bracket: int | None, news: News) -> PastTrial:
    """Return what a running trial has told beside its reports."""
    trial = FrozenTrial(
        number,
        TrialState.RUNNING,
        params={name: value for name, (value, _) in news.params.items()},
        distributions={name: distribution for name, (_, distribution) in news.params.items()},
        user_attrs=dict(news.user_attrs),
    )
    return PastTrial(number, bracket, {}, None, TrialState.RUNNING, trial=trial)
