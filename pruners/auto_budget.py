"""Halving before the full budget is known: every trial runs on until the first one is complete.

That trial's largest budget becomes the maximum, as in Optuna; trials created before then are in no bracket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import TrialState
from raystudy.pruners.base import NO_STEP, Judge, Learning, PastTrial, Ruling
from raystudy.pruners.grounds import Grounds, HasTables, RungTable, grounds_of
from raystudy.pruners.halving import BudgetRule

__all__ = ["AutoBudgetJudge"]


class AutoBudgetJudge:
    """A judge that finds the maximum budget out and then leaves everything to the real one.

    After recovery the maximum is taken from the lowest-numbered complete trial without a bracket, so trials of
    different lengths can change it; trials of one length cannot.

    Args:
        min_budget: A trial that completes below this budget says nothing about the maximum.
        rule: What a step is worth; shared with the judges that ``build`` makes.
        build: Makes the real judge from the maximum budget.
    """

    has_rungs = pauses = True
    learns = Learning.NOTHING

    def __init__(self, min_budget: int, rule: BudgetRule, build: Callable[[int], Judge]) -> None:
        self._min_budget, self._rule, self._build = min_budget, rule, build
        self._judge: Judge | None = None
        self._largest: dict[int, int] = {}  # largest budget reported, by trial; 0 before the first report
        self._closed = False

    @property
    def first_step(self) -> int | None:
        """The first step ever reported in the study, or None before it."""
        return self._rule.first_step

    def next_bracket(self) -> int | None:
        """Return the next trial's bracket, or None while the maximum is unknown."""
        return None if self._judge is None else self._judge.next_bracket()

    def enrol(self, number: int, bracket: int | None) -> None:
        """Make a new trial known; twice is once."""
        if self._judge is not None:
            self._judge.enrol(number, bracket)
        else:
            self._largest.setdefault(number, 0)

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:
        """Let the trial run on while the maximum is unknown."""
        if self._judge is not None:
            return self._judge.report(number, step, value, resumable)
        self._refuse_strangers(number, f"reported {value} at step {step}")
        self._largest[number] = max(self._largest[number], self._rule.budget(step))
        return Ruling()

    def quiet_below(self, number: int) -> int:
        """Return NO_STEP while the maximum is unknown."""
        return NO_STEP if self._judge is None else self._judge.quiet_below(number)

    def settle(
        self, number: int, state: TrialState = TrialState.COMPLETE, value: float | None = None
    ) -> Ruling:
        """Take the maximum from the first trial that completes at or above the smallest budget."""
        if self._judge is not None:
            return self._judge.settle(number, state, value)
        self._refuse_strangers(number, "ended")
        if state is TrialState.COMPLETE and self._largest[number] >= self._min_budget:
            self._judge = self._build(self._largest[number])
            for known in self._largest:
                self._judge.enrol(known, None)
            if self._closed:
                self._judge.close()
        return Ruling()

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Do nothing: brackets count the trials of their own driver."""

    def close(self) -> Ruling:
        """Note that no further trial will be enrolled."""
        self._closed = True
        return Ruling() if self._judge is None else self._judge.close()

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:
        """Rebuild the state from the stored trials."""
        if self._rule.first_step is None:
            self._rule.first_step = min((step for t in trials for step in t.reports), default=None)
        for trial in trials:
            budgets = (self._rule.budget(step) for step in trial.reports)
            self._largest[trial.number] = max(budgets, default=0)
        for trial in trials:
            largest = self._largest[trial.number]
            complete = trial.state is TrialState.COMPLETE
            if complete and trial.bracket is None and largest >= self._min_budget:
                self._judge = self._build(largest)
                return self._judge.restore(trials)
        return Ruling()

    def grounds(self, number: int) -> Grounds:
        """Return what the real judge says, nothing before there is one."""
        return {} if self._judge is None else grounds_of(self._judge, number)

    def tables(self) -> Sequence[RungTable]:
        """Return the rungs of the real judge."""
        return self._judge.tables() if isinstance(self._judge, HasTables) else ()

    def __repr__(self) -> str:
        if self._judge is not None:
            return repr(self._judge)
        return (
            f"{len(self._largest)} trials in no bracket: the first one that completes sets the maximum budget"
        )

    def _refuse_strangers(self, number: int, event: str) -> None:
        if number not in self._largest:
            raise IllegalTransition(f"trial {number} {event}, but it was never enrolled; call enrol first")
