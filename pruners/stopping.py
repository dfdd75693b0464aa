"""Pruners that stop trials for good, and nothing else: a rule each, and one judge for all of them.

A *rule* looks at one running trial, and at what it has learned of the others, and says whether the trial should
end.  The judge decides when a report comes, and a stop is for good: whatever the rule would say later, the trial
has been told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import Learning, PastTrial, Ruling, Verdict
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.grounds import Grounds
from raystudy.pruners.reports import Reports

__all__ = ["StopJudge", "StopRule"]


class StopRule(Protocol):
    """When a trial should end."""

    #: What has to be learned of trials that do not report to the judge.
    learns: Learning
    #: What deals trials to brackets, where the rule has brackets.
    dealer: Dealer | None

    def should_stop(self, trial: Reports) -> bool:
        """Whether a trial should end, just after a new report; called once for each report.

        A rule that can say why notes it in ``trial.grounds``.
        """

    def learn(self, trial: PastTrial) -> None:
        """Note a trial as it is now.

        That is each finished trial of this judge, once, and other trials as far as ``learns`` asks for them.
        """


class StopJudge:
    """The state machine of a pruner that only stops; see ``raystudy.pruners.base.Judge`` for the events.

    Args:
        rule: When a trial should end.
        direction: Whether small or large values are better.
    """

    def __init__(self, rule: StopRule, direction: StudyDirection) -> None:
        self._rule = rule
        self._direction = direction
        self.has_rungs = rule.dealer is not None
        self.pauses = False
        self.learns = rule.learns
        self._running: dict[int, Reports] = {}
        self._finished: set[int] = set()

    def next_bracket(self) -> int | None:
        """Return the bracket of the next trial, or None without brackets."""
        return None if self._rule.dealer is None else self._rule.dealer.deal()

    def enrol(self, number: int, bracket: int | None) -> None:
        """Make a new trial known; twice is once."""
        if number in self._running or number in self._finished:
            return
        self._running[number] = Reports(number, bracket, self._direction)
        if self._rule.dealer is not None and bracket is not None:
            self._rule.dealer.join(bracket)

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:  # noqa: ARG002
        """Judge a report; a repeated one gets the standing verdict."""
        if number in self._finished:
            return Ruling(Verdict.STOP)
        self.enrol(number, None)
        trial = self._running[number]
        rung = trial.rung
        if trial.add(step, value) and self._rule.should_stop(trial):
            trial.stopped = True
        verdict = Verdict.STOP if trial.stopped else Verdict.CONTINUE
        return Ruling(verdict, rung=trial.rung - 1 if trial.rung > rung else None)

    def quiet_below(self, number: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return 0: a rule may stop a trial at any report."""
        return 0

    def settle(
        self, number: int, state: TrialState = TrialState.COMPLETE, value: float | None = None
    ) -> Ruling:
        """Let the rule learn how a trial has ended."""
        if number not in self._finished:
            self._finished.add(number)
            trial = self._running.pop(number, None) or Reports(number, None, self._direction)
            self._rule.learn(PastTrial(number, trial.bracket, trial.values, None, state, value))
        return Ruling()

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Let the rule learn what has become of trials; a result that it knows already stands."""
        for trial in trials:
            if not trial.state.is_finished():
                self._rule.learn(trial)
            elif trial.number not in self._finished or trial.trial is not None:
                self._finished.add(trial.number)
                self._running.pop(trial.number, None)
                self._rule.learn(trial)

    def grounds(self, number: int) -> Grounds:
        """Return what the last decision on a running trial rests on."""
        trial = self._running.get(number)
        return {} if trial is None else trial.grounds

    def close(self) -> Ruling:
        """Return no moves: nobody waits here."""
        return Ruling()

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:
        """Replay the reports of enrolled trials where there are rungs, and learn the finished ones.

        A trial that was told to stop and had not ended yet is judged anew at its next report.
        """
        for trial in trials:
            if trial.alive or self.has_rungs:
                self._replay(trial)
            self._rule.learn(trial)
            if trial.state.is_finished():
                self._finished.add(trial.number)
        return Ruling()

    def _replay(self, trial: PastTrial) -> None:
        self.enrol(trial.number, trial.bracket)
        reports = self._running[trial.number]
        for step, value in trial.reports.items():
            reports.add(step, value)
            if self.has_rungs:
                self._rule.should_stop(reports)
        if not trial.alive:
            del self._running[trial.number]
