"""Any order of events: the judge is compared with a plain offline model, and with its own recovery.

The machine plays the driver.  It keeps the facts that a database would hold, settles what was dropped, and
checks every ruling against sorted lists.  At any moment ``recover`` may restore a second judge from the
facts; from then on both get the same events and must answer alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners import HyperbandPruner, PastTrial, Ruling, Verdict
from raystudy.pruners.base import Judge
from raystudy.pruners.halving import bracket_plans

LIMITS = [(1, 9, 3), (1, 8, 2), (2, 11, 2), (1, 27, 3)]
VALUES = st.integers(0, 5).map(float) | st.just(math.nan) | st.floats()
STATES = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL, "dropped": TrialState.PRUNED}
PICK = st.integers(0, 10**6)


@dataclass
class Fact:
    """What the driver knows of a trial; ``state`` is running, paused, complete, failed or dropped."""

    bracket: int
    state: str = "running"
    budget: int = 0
    reports: dict[int, float] = field(default_factory=dict)
    at_rung: list[float] = field(default_factory=list)
    promoted_rung: int | None = None
    judged_at: int = 0  # budget of the last report that settled a rung


class HyperbandMachine(RuleBasedStateMachine):
    mode: Any

    @initialize(
        limits=st.sampled_from(LIMITS),
        direction=st.sampled_from([StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]),
        first_step=st.integers(0, 1),
        resumable=st.booleans(),
        jumps=st.booleans(),
        stores_continue=st.booleans(),
    )
    def start(
        self,
        limits: tuple[int, int, int],
        direction: StudyDirection,
        first_step: int,
        resumable: bool,
        jumps: bool,
        stores_continue: bool,
    ) -> None:
        self.pruner = HyperbandPruner(*limits, mode=self.mode)
        self.plans, self.eta = bracket_plans(*limits), limits[2]
        self.direction, self.first_step, self.resumable = direction, first_step, resumable
        self.kills = self.mode == "auto" and not resumable
        self.jumps, self.stores_continue = jumps, stores_continue
        self.judges: list[Judge] = [self.pruner.start(direction, None)]
        self.facts: dict[int, Fact] = {}
        self.expected: dict[tuple[int, int], set[int]] = {}  # sync: who is due at (bracket, rung)
        self.went_on: set[tuple[int, int]] = set()
        self.closed = False

    def in_state(self, *states: str) -> list[int]:
        return [n for n, fact in self.facts.items() if fact.state in states]

    def ask(self, event: str, *arguments: Any) -> Any:
        answers = [getattr(judge, event)(*arguments) for judge in self.judges]
        assert all(answer == answers[0] for answer in answers), f"recovery differs: {answers}"
        return answers[0]

    @precondition(lambda self: not self.closed and len(self.facts) < 60)
    @rule(n=st.integers(1, 6))
    def enrol(self, n: int) -> None:
        for _ in range(n):
            bracket, number = self.ask("next_bracket"), len(self.facts)
            self.ask("enrol", number, bracket)
            self.facts[number] = Fact(bracket)
            self.expected.setdefault((bracket, 0), set()).add(number)
            assert len(self.expected[bracket, 0]) <= self.plan(bracket).n_trials

    @precondition(lambda self: self.in_state("running"))
    @rule(reports=st.lists(st.tuples(PICK, st.integers(1, 9), VALUES), min_size=1, max_size=12))
    def work(self, reports: list[tuple[int, int, float]]) -> None:
        for pick, epochs, value in reports:
            if self.in_state("running"):
                self.report(pick, epochs, value)

    def report(self, pick: int, epochs: int, value: float) -> None:
        running = self.in_state("running")
        number = running[pick % len(running)]
        fact = self.facts[number]
        top = self.plan(fact.bracket).budgets[-1]
        fact.budget = min(fact.budget + epochs, top) if self.jumps else fact.budget + 1
        step = fact.budget - 1 if self.first_step == 0 else fact.budget
        if not any(other.reports for other in self.facts.values()):
            step, fact.budget = self.first_step, 1  # the first report of a study fixes what steps mean
        fact.reports[step] = value
        before = len(fact.at_rung)
        fact.at_rung += [value for b in self.plan(fact.bracket).budgets[before:] if b <= fact.budget]
        ruling = self.ask("report", number, step, value, self.resumable)
        assert ruling.rung == (len(fact.at_rung) - 1 if len(fact.at_rung) > before else None)
        if ruling.rung is None:
            assert ruling == Ruling()
        else:
            fact.judged_at = fact.budget
            self.obey_report(number, ruling)
        if fact.state == "running" and fact.budget == top:
            self.end(number, "complete")

    @precondition(lambda self: self.in_state("running", "paused"))
    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        alive = self.in_state("running", "paused")
        self.end(alive[pick % len(alive)], "failed")

    @precondition(lambda self: self.in_state("paused", "dropped", "failed", "complete"))
    @rule(pick=PICK, epochs=st.integers(0, 9))
    def report_out_of_turn(self, pick: int, epochs: int) -> None:
        idle = [n for n in self.in_state("paused", "dropped", "failed", "complete") if self.facts[n].reports]
        if idle:
            fact = self.facts[number := idle[pick % len(idle)]]
            verdict = Verdict.PAUSE if fact.state == "paused" else Verdict.STOP
            assert self.ask("report", number, max(fact.reports) + epochs, 0.0, self.resumable) == Ruling(
                verdict
            )

    @precondition(lambda self: not self.closed and len(self.facts) > 20)
    @rule()
    def close(self) -> None:
        self.closed = True
        self.obey(self.ask("close"))
        assert self.ask("close") == Ruling()

    @precondition(lambda self: not self.in_flight())
    @rule()
    def recover(self) -> None:
        known = any(fact.reports for fact in self.facts.values())
        twin = self.pruner.start(self.direction, self.first_step if known else None)
        past = [
            PastTrial(n, f.bracket, dict(f.reports), f.promoted_rung, STATES.get(f.state, TrialState.RUNNING))
            for n, f in self.facts.items()
        ]
        assert twin.restore(past) == Ruling()
        assert not self.closed or twin.close() == Ruling()
        self.judges[1:] = [twin]

    def obey_report(self, number: int, ruling: Ruling) -> None:
        fact, rung = self.facts[number], ruling.rung
        assert rung is not None
        assert number not in {n for n, _ in ruling.promoted} | set(ruling.dropped)
        if rung == self.top(fact.bracket):
            assert ruling.verdict is Verdict.CONTINUE
            self.obey(ruling)
            return
        fact.state = "paused"
        moves = ruling
        if ruling.verdict is Verdict.CONTINUE:
            moves = replace(moves, promoted=(*moves.promoted, (number, rung)))
        if ruling.verdict is Verdict.STOP:
            assert self.mode == "sync" or self.closed or self.kills
            moves = replace(moves, dropped=(*moves.dropped, number))
        self.obey(moves)
        if ruling.verdict is Verdict.CONTINUE and (self.kills or not self.stores_continue):
            fact.promoted_rung = None

    def obey(self, ruling: Ruling) -> None:
        if self.mode == "sync" and not self.jumps:
            self.check_sync_moves(ruling)
        if self.mode != "sync":
            self.check_promotions(ruling)
        for number, rung in ruling.promoted:
            fact = self.facts[number]
            assert fact.state == "paused"
            assert len(fact.at_rung) == rung + 1
            assert (number, rung) not in self.went_on
            self.went_on.add((number, rung))
            fact.state, fact.promoted_rung = "running", rung
        for number in ruling.dropped:
            assert self.facts[number].state == "paused"
            self.end(number, "dropped")

    def end(self, number: int, state: str) -> None:
        self.facts[number].state = state
        self.obey(self.ask("settle", number))
        assert self.ask("settle", number) == Ruling()

    # -- the offline model -------------------------------------------------------------------------------

    def plan(self, bracket: int) -> Any:
        return self.plans[bracket % len(self.plans)]

    def top(self, bracket: int) -> int:
        return len(self.plan(bracket).budgets) - 1

    def best_first(self, numbers: set[int], rung: int) -> list[int]:
        sign = -1 if self.direction is StudyDirection.MAXIMIZE else 1
        values = {n: self.facts[n].at_rung[rung] for n in numbers if len(self.facts[n].at_rung) > rung}
        ranked = sorted(
            values, key=lambda n: (sign * values[n], n) if values[n] == values[n] else (math.inf, n)
        )
        return [n for n in ranked if not math.isnan(values[n])] or ranked

    def members(self, position: int) -> set[int]:
        return {n for n, f in self.facts.items() if f.bracket % len(self.plans) == position}

    def check_sync_moves(self, ruling: Ruling) -> None:
        moved = [n for n, _ in ruling.promoted] + list(ruling.dropped)
        for bracket in {self.facts[n].bracket for n in moved}:
            everyone = self.expected[bracket, 0]
            assert self.closed or len(everyone) == self.plan(bracket).n_trials
            rungs = {len(self.facts[n].at_rung) - 1 for n in moved if self.facts[n].bracket == bracket}
            for rung in rungs:
                due = self.expected[bracket, rung]
                assert all(len(self.facts[n].at_rung) > rung or self.facts[n].state == "failed" for n in due)
                ready = {n for n in due if self.facts[n].state == "paused"}
                chosen = self.best_first(ready, rung)[: max(1, len(everyone) // self.eta ** (rung + 1))]
                assert {n for n, k in ruling.promoted if n in due and k == rung} == set(chosen)
                assert ready - set(chosen) <= set(ruling.dropped)
                self.expected[bracket, rung + 1] = set(chosen)

    def check_promotions(self, ruling: Ruling) -> None:
        for number, rung in ruling.promoted:
            members = self.members(self.facts[number].bracket % len(self.plans))
            n_recorded = sum(len(self.facts[n].at_rung) > rung for n in members)
            quota = max(n_recorded // self.eta, int(self.closed or self.kills))
            place = self.best_first(members, rung).index(number)
            rescued = self.closed and not any((n, rung) in self.went_on for n in members)
            assert place < quota or rescued
            assert self.closed or self.kills or self.n_let_on(members, rung) <= quota

    def n_let_on(self, members: set[int], rung: int) -> int:
        facts = [self.facts[n] for n in members]
        return sum(len(f.at_rung) > rung + (f.state != "running") for f in facts if len(f.at_rung) > rung)

    def in_flight(self) -> bool:
        """Whether a stored fact is missing: an unstored CONTINUE, or an open bracket without a live trial."""
        for fact in self.facts.values():
            mates = [f for f in self.facts.values() if f.bracket == fact.bracket]
            partial = len(mates) < self.plan(fact.bracket).n_trials
            if self.mode == "sync" and partial and all(f.state not in ("running", "paused") for f in mates):
                return True
            unstored = fact.promoted_rung is None or fact.promoted_rung < len(fact.at_rung) - 1
            if fact.at_rung and unstored and fact.state != "paused" and fact.budget == fact.judged_at:
                return True
        return False

    @invariant()
    def nobody_waits_who_is_among_the_best(self) -> None:
        for position in range(len(self.plans)) if self.mode != "sync" else ():
            members = self.members(position)
            for rung in range(self.top(position)):
                quota = sum(len(self.facts[n].at_rung) > rung for n in members) // self.eta
                if not self.closed and self.n_let_on(members, rung) >= quota:
                    continue
                for n in self.best_first(members, rung)[:quota]:
                    assert self.facts[n].state != "paused" or len(self.facts[n].at_rung) > rung + 1

    def teardown(self) -> None:
        """Run everybody out: nobody is left waiting, and a bracket without failures has a winner."""
        if not self.closed:
            self.close()
        for turn in range(60 * 27):
            if self.in_state("running"):
                self.report(turn, 1, float(turn % 7))
        assert not self.in_state("running", "paused"), repr(self.judges[0])
        cohorts = [self.members(p) for p in range(len(self.plans))]
        if self.mode == "sync":
            cohorts = [numbers for (_, rung), numbers in self.expected.items() if rung == 0]
        for numbers in filter(None, cohorts):
            states = {self.facts[n].state for n in numbers}
            assert states & {"failed", "complete"}, repr(self.judges[0])
            held = self.top(self.facts[min(numbers)].bracket) > 0
            if held and "failed" not in states and not self.jumps:
                assert (self.best_first(numbers, 0)[0], 0) in self.went_on
                assert "complete" in states


def in_any_order(mode: str) -> Any:
    """Return the test case of a mode."""
    case: Any = type(f"{mode.title()}Machine", (HyperbandMachine,), {"mode": mode}).TestCase  # type: ignore[attr-defined]
    case.settings = settings(
        max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    return case


TestSyncInAnyOrder = in_any_order("sync")
TestPromoteInAnyOrder = in_any_order("promote")
TestAutoInAnyOrder = in_any_order("auto")
