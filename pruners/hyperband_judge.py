"""Hyperband: successive halving in brackets of the paper's sizes, as a pure state machine.

Trials are dealt to brackets when they are created, so what a bracket holds does not depend on how many
workers there are.  A *cohort* is one filling of a bracket; ``bracket`` numbers count cohorts over all cycles
through the plan, and ``bracket % n_brackets`` is the position in the plan (0 is the most aggressive).  In the
mode ``sync``, whose rungs wait for a full cohort, brackets are filled one after the other; in ``promote`` all of a
cycle fill at the same rate (sizes: ``promote_sizes``), so that a study of any length has the same mixture of them.

What ties, NaN, jumps, failures and the like mean stands in the table of ``rungs``.  Sources: Li et al. (2018), JMLR
18(185), for the brackets and the mode ``sync``; Li et al. (2020), arXiv 1810.05934, for the mode ``promote``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from raystudy.exceptions import IllegalTransition
from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import NO_STEP, Learning, PastTrial, Ruling, Verdict
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.grounds import Grounds, RungTable
from raystudy.pruners.halving import BracketPlan, BudgetRule, promote_sizes
from raystudy.pruners.rungs import (
    Ladder,
    Member,
    Moves,
    Phase,
    advance_promote,
    advance_sync,
    promote_quota,
    sync_quota,
)

__all__ = ["HalvingMode", "HyperbandJudge"]

_STANDING = {
    Phase.RUNNING: Verdict.CONTINUE,
    Phase.PAUSED: Verdict.PAUSE,
    Phase.DROPPED: Verdict.STOP,
    Phase.GONE: Verdict.STOP,
}
#: Rulings that move nobody.
_UNMOVED = {phase: Ruling(verdict) for phase, verdict in _STANDING.items()}


class HalvingMode(Enum):
    """How a rung decides who goes on."""

    PROMOTE = "promote"
    SYNC = "sync"
    #: As PROMOTE; as long as no trial has saved a checkpoint, those that would wait are stopped.
    AUTO = "auto"


class HyperbandJudge:
    """The state machine of Hyperband; see ``raystudy.pruners.base.Judge`` for the events.

    Args:
        plans: The brackets of one cycle.
        mode: How rungs decide.
        direction: Whether small or large values are better.
        rule: What a step is worth.
    """

    has_rungs = pauses = True
    learns = Learning.NOTHING

    def __init__(
        self, plans: Sequence[BracketPlan], mode: HalvingMode, direction: StudyDirection, rule: BudgetRule
    ) -> None:
        self._plans, self._mode, self._direction, self._rule = tuple(plans), mode, direction, rule
        self._ladders: dict[int, Ladder] = {}  # by bracket in the mode sync, by position in promote
        waits = mode is HalvingMode.SYNC
        self._dealer = Dealer([plan.n_trials for plan in plans] if waits else promote_sizes(plans))
        self._open: set[int] = set()  # brackets that are begun and take further trials
        self._n_begun = 0  # all brackets that are begun have a smaller number
        self._known: dict[int, tuple[Ladder, Member] | None] = {}  # None: a trial without a bracket
        self._closed = False
        self._resumable = False

    @property
    def first_step(self) -> int | None:
        """The first step ever reported in the study, or None before it."""
        return self._rule.first_step

    def next_bracket(self) -> int | None:
        """Return the bracket of the next trial.

        In ``sync`` it is the lowest that is begun and open, or a new one; in ``promote`` that bracket of the
        first unfilled cycle which the trial fills least, as a share of its size.
        """
        if self._mode is HalvingMode.SYNC:
            return min(self._open, default=self._n_begun)
        return self._dealer.deal()

    def enrol(self, number: int, bracket: int | None) -> None:
        """Make a new trial known in its bracket; twice is once.

        Raises:
            IllegalTransition: If the judge, or the bracket's lowest rung, has closed.
        """
        if number in self._known:
            return
        if bracket is not None and (self._closed or self._ladder(bracket).lowest_open > 0):
            raise IllegalTransition(
                f"trial {number} was enrolled in bracket {bracket}, which has closed:\n{self!r}"
            )
        self._join(number, bracket)

    def report(self, number: int, step: int, value: float, resumable: bool) -> Ruling:
        """Judge a report; only the first one at or past a rung's budget matters."""
        if number not in self._known:
            self._place(
                number, f"reported {value} at step {step}"
            )  # raises; ahead, the text would cost too much
        place = self._known[number]
        budget = self._rule.budget(step)
        self._resumable = self._resumable or resumable
        if place is None:
            return _UNMOVED[Phase.RUNNING]
        ladder, member = place
        if member.phase is not Phase.RUNNING or not ladder.record(member, budget, value):
            return _UNMOVED[member.phase]
        if member.level <= ladder.top:
            ladder.move(member, Phase.PAUSED)
        moves = self._advance(ladder, floor=int(self._stops()))
        if self._stops() and member.waits_at(member.level - 1):
            ladder.move(member, Phase.DROPPED)
        return Ruling(
            verdict=_STANDING[member.phase],
            rung=member.level - 1,
            promoted=tuple(move for move in moves.promoted if move[0] != number),
            dropped=tuple(other for other in moves.dropped if other != number),
        )

    def quiet_below(self, number: int) -> int:
        """Return the step of the next rung."""
        place = self._place(number, "was asked about")
        if place is None:
            return NO_STEP
        ladder, member = place
        if member.phase is not Phase.RUNNING:
            return 0
        return self._rule.step(ladder.budgets[member.level]) if member.level <= ladder.top else NO_STEP

    def settle(
        self,
        number: int,
        state: TrialState = TrialState.COMPLETE,  # noqa: ARG002 - however it ended, its values stay
        value: float | None = None,  # noqa: ARG002
    ) -> Ruling:
        """Note that a trial has ended; its values stay on their rungs."""
        place = self._place(number, "ended")
        if place is None or place[1].phase is Phase.GONE:
            return Ruling()
        ladder, member = place
        ladder.move(member, Phase.GONE)
        return self._advance(ladder).ruling()

    def learn(self, trials: Sequence[PastTrial]) -> None:
        """Do nothing: brackets count the trials of their own driver."""

    def close(self) -> Ruling:
        """Note that no further trial will be enrolled; every rung closes with those present."""
        self._closed = True
        moves = Moves()
        for ladder in self._ladders.values():
            ladder.sealed = True
            moves.extend(self._advance(ladder))
        return moves.ruling()

    def restore(self, trials: Sequence[PastTrial]) -> Ruling:
        """Rebuild the state from the stored trials.

        Raises:
            IllegalTransition: If the judge has seen a trial before.
        """
        if self._known:
            raise IllegalTransition(
                f"a judge is restored before it is used, but it knows {sorted(self._known)}"
            )
        if self._rule.first_step is None:
            self._rule.first_step = min((step for t in trials for step in t.reports), default=None)
        self._resumable = any(trial.promoted_rung is not None for trial in trials)
        for trial in trials:
            self._join(trial.number, trial.bracket)
            self._replay(trial)
        if self._mode is HalvingMode.SYNC:
            self._seal_the_past({t.bracket for t in trials if not t.is_over})
        moves = Moves()
        for ladder in self._ladders.values():
            moves.extend(self._advance(ladder))
        return moves.ruling()

    def grounds(self, number: int) -> Grounds:
        """Return where a trial stands among the values at its highest rung."""
        place = self._known.get(number)
        if place is None or place[1].level == 0:
            return {}
        ladder, member = place
        rung = member.level - 1
        facts: dict[str, int | None] = {"rung": rung, "budget": ladder.budgets[rung]}
        facts |= {"rank": ladder.place(member), "of": ladder.n_recorded(rung)}
        # While a rung of the paper fills, nobody knows how many will go on.
        if rung < ladder.top and (ladder.sealed or self._mode is not HalvingMode.SYNC):
            facts |= {"places": self._places(ladder, rung), "taken": ladder.n_let_on(rung)}
        return facts

    def tables(self) -> list[RungTable]:
        """Return the rungs of all brackets, lowest bracket and rung first."""
        return [
            RungTable(key, rung, budget, tuple(ladder.values(rung)), self._places(ladder, rung))
            for key, ladder in sorted(self._ladders.items())
            for rung, budget in enumerate(ladder.budgets)
        ]

    def table(self) -> str:
        """Return one line per bracket and rung: how many have reported, wait, went on, are gone."""
        parts = [
            f"bracket {key} ({self._mode.value}, {ladder.table()}"
            for key, ladder in sorted(self._ladders.items())
        ]
        return "\n".join(parts) or "no trials in brackets"

    __repr__ = table

    def story(self, number: int) -> str:
        """Return what the judge knows of a trial, in a line."""
        if number not in self._known:
            return f"trial {number} was never enrolled; the judge knows {len(self._known)} trials"
        place = self._known[number]
        return f"trial {number} is " + (
            "in no bracket" if place is None else place[1].story(place[0].budgets)
        )

    def _place(self, number: int, event: str) -> tuple[Ladder, Member] | None:
        if number not in self._known:
            raise IllegalTransition(f"trial {number} {event}, but {self.story(number)}; call enrol first")
        return self._known[number]

    def _ladder(self, bracket: int) -> Ladder:
        position = bracket % len(self._plans)
        key = bracket if self._mode is HalvingMode.SYNC else position
        if key not in self._ladders:
            plan = self._plans[position]
            self._ladders[key] = Ladder(plan.budgets, plan.eta, self._direction)
        return self._ladders[key]

    def _join(self, number: int, bracket: int | None) -> None:
        if bracket is None:
            self._known[number] = None
            return
        ladder = self._ladder(bracket)
        self._known[number] = (ladder, ladder.add(number))
        self._n_begun = max(self._n_begun, bracket + 1)
        self._open.add(bracket)
        if self._dealer.join(bracket):
            self._open.discard(bracket)
            ladder.sealed |= self._mode is HalvingMode.SYNC

    def _replay(self, trial: PastTrial) -> None:
        place = self._known[trial.number]
        if place is None:
            return
        ladder, member = place
        for step, value in sorted(trial.reports.items()):
            member.went_on_from = member.level - 1  # it reports on beyond its last rung
            ladder.record(member, self._rule.budget(step), value)
        if trial.promoted_rung is not None:
            member.went_on_from = max(member.went_on_from, trial.promoted_rung)
        waits = 0 < member.level <= ladder.top and member.went_on_from < member.level - 1
        if not trial.alive:
            ladder.move(member, Phase.GONE)
        elif waits:
            ladder.move(member, Phase.PAUSED)

    def _seal_the_past(self, present: set[int | None]) -> None:
        """Close the brackets that belong to a call that is over."""
        for bracket, ladder in self._ladders.items():
            if bracket not in present:
                ladder.sealed = True
                self._open.discard(bracket)

    def _places(self, ladder: Ladder, rung: int) -> int | None:
        if rung == ladder.top:
            return None
        if self._mode is HalvingMode.SYNC:
            return sync_quota(ladder, rung)
        closes = ladder.sealed and ladder.lowest_running_level() > rung
        return promote_quota(ladder, rung, floor=int(closes or self._stops()))

    def _stops(self) -> bool:
        """Whether trials cannot wait: the best so far goes on and the others stop, nobody comes back for them."""
        return self._mode is HalvingMode.AUTO and not self._resumable

    def _advance(self, ladder: Ladder, floor: int = 0) -> Moves:
        if self._mode is HalvingMode.SYNC:
            return advance_sync(ladder)
        return advance_promote(ladder, floor)
