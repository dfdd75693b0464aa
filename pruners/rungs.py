"""The rungs of one bracket as a state machine: who has reported what, who waits, and who goes on.

A ``Ladder`` holds the facts; two rules act on it.  ``advance_sync`` is successive halving as in Li et al.
(2018), Algorithm 1: a rung waits for all its trials, then the best go on.  ``advance_promote`` is the
asynchronous halving of Li et al. (2020), arXiv 1810.05934, Algorithm 2, where a trial goes on as soon as it is
among the best 1/eta of those recorded so far; delayed as in Hyper-Tune (Li et al. 2022, arXiv 2201.06834):
not more than 1/eta of those recorded go on while others may still come.

Rungs are counted from 0, the lowest.  A member's *level* is the number of rungs at which it has a value, so a
member that waits at rung k has level k + 1.

What the modes make of everything that is not one report after the other; ``stop`` is in ``stop_rungs``, ``auto`` is
``promote`` with stops for pauses until a trial has saved a checkpoint::

    Event                    promote, auto                   sync                          stop
    -----------------------  ------------------------------  ----------------------------  -------------------------
    Equal values             the smaller number is better    as promote                    as good as the last place
                                                                                           is good enough
    NaN                      the worst; goes on only where   as promote                    stops; is not recorded
                             no number was recorded
    A step reported again    nothing; the standing verdict   as promote                    as promote
    A smaller step, late     nothing; the standing verdict   as promote                    as promote
    Report while paused or   nothing; PAUSE or STOP          as promote                    STOP; a stopped trial that
    stopped, or after it                                                                   reports on is recorded
    ended                                                                                  on further rungs
    The rung's step is       the next report settles it      as promote                    as promote
    missing
    Jump over rungs          counts on all, waits at the     as promote, but lower rungs   is compared at each, up to
                             highest                         must let it on first          the first where it fails
    Failed, or finished by   value stays and competes;       value stays; takes no place   value stays and competes
    another program          nobody goes on for it           it has not gone on to; its
                                                             rung does not wait for it
    Lost, to be run again    nothing                         its rung waits for it         nothing
    Trial of another         in no bracket; never stopped    as promote                    as promote
    program
    No further trials        places: at least one a rung     max(1, m // eta**(k + 1))     nothing
    (cohort cut short)       when nobody is on the way       places at rung k for the m
                             to it; the rest is dropped      that came
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from raystudy.frozen import StudyDirection
from raystudy.pruners.halving import Rank, rank
from raystudy.pruners.members import Member, Moves, Phase

__all__ = [
    "Ladder",
    "Member",
    "Moves",
    "Phase",
    "advance_promote",
    "advance_sync",
    "promote_quota",
    "sync_quota",
]


class Ladder:
    """The members of a bracket and their values at its rungs.

    Attributes:
        budgets: Budgets of the rungs, increasing.
        top: The highest rung; nobody is held there.
        sealed: Whether no further member will be added.
        lowest_open: The lowest rung that has not closed (used by ``advance_sync``).
    """

    def __init__(self, budgets: Sequence[int], eta: int, direction: StudyDirection) -> None:
        self.budgets, self.eta, self.direction = tuple(budgets), eta, direction
        self.top = len(self.budgets) - 1
        self.members: dict[int, Member] = {}
        self.sealed = False
        self.lowest_open = 0
        self._ranks: list[list[Rank]] = [[] for _ in self.budgets]
        self._waiting: list[list[Rank]] = [[] for _ in self.budgets]
        self._n_running = [0] * (self.top + 2)  # by level

    def add(self, number: int) -> Member:
        """Add a running member without values."""
        self.members[number] = Member(number)
        self._n_running[0] += 1
        return self.members[number]

    def record(self, member: Member, budget: int, value: float) -> bool:
        """Record a running member's report at all rungs that it settles; return whether there was any."""
        before = member.level
        while member.level <= self.top and self.budgets[member.level] <= budget:
            member.rank = rank(value, member.number, self.direction)
            insort(self._ranks[member.level], member.rank)
            member.level += 1
        self._n_running[before] -= 1
        self._n_running[member.level] += 1
        return member.level > before

    def move(self, member: Member, phase: Phase) -> None:
        """Change the phase of a member; only running members may pause."""
        if member.phase is Phase.PAUSED:
            waiting = self._waiting[member.level - 1]
            del waiting[bisect_left(waiting, member.rank)]
        self._n_running[member.level] += (phase is Phase.RUNNING) - (member.phase is Phase.RUNNING)
        member.phase = phase
        if phase is Phase.PAUSED:
            insort(self._waiting[member.level - 1], member.rank)

    def promote(self, member: Member, rung: int, moves: Moves) -> None:
        """Let a member that waits at a rung run on."""
        self.move(member, Phase.RUNNING)
        member.went_on_from = rung
        moves.promoted.append((member.number, rung))

    def drop(self, member: Member, moves: Moves) -> None:
        """End a paused member."""
        self.move(member, Phase.DROPPED)
        moves.dropped.append(member.number)

    def n_recorded(self, rung: int) -> int:
        """Return the number of values at a rung."""
        return len(self._ranks[rung])

    def n_numbers(self, rung: int) -> int:
        """Return how many of the values at a rung are not NaN."""
        return bisect_left(self._ranks[rung], (True,))

    def n_waiting(self, rung: int) -> int:
        """Return the number of members that wait at a rung."""
        return len(self._waiting[rung])

    def n_let_on(self, rung: int) -> int:
        """Return how many went on from a rung, without those that ended on the way to the next."""
        return len(self._ranks[rung + 1]) + self._n_running[rung + 1]

    def ranked(self, rung: int) -> list[Member]:
        """Return the members with a value at a rung, the best first."""
        return [self.members[number] for _, _, number in self._ranks[rung]]

    def values(self, rung: int) -> list[tuple[int, float]]:
        """Return the values at a rung with the numbers of their trials, the best first."""
        sign = -1.0 if self.direction is StudyDirection.MAXIMIZE else 1.0
        return [(number, math.nan if nan else sign * key) for nan, key, number in self._ranks[rung]]

    def place(self, member: Member) -> int:
        """Return the rank of a member at its highest rung, 1 for the best."""
        return bisect_left(self._ranks[member.level - 1], member.rank) + 1

    def waiting(self, rung: int, best: int | None = None) -> list[Member]:
        """Return the members that wait at a rung, the best first; only those among its ``best`` values.

        Promotions ask for this at every report, so it must not walk over all members of a long study.
        """
        waiting = self._waiting[rung]
        if best is not None:
            waiting = waiting[: bisect_right(waiting, self._ranks[rung][best - 1]) if best > 0 else 0]
        return [self.members[number] for _, _, number in waiting]

    def lowest_running_level(self) -> int:
        """Return the smallest level of a running member; the largest of all levels if none runs."""
        return next((level for level, n in enumerate(self._n_running) if n), self.top + 1)

    def table(self) -> str:
        """Describe the bracket: the end of its title, and a line for each rung."""
        title = f"{len(self.members)} trials, {'closed to new trials' if self.sealed else 'open'})"
        return "\n  ".join([title, *(self._line(rung) for rung in range(self.top + 1))])

    def _line(self, rung: int) -> str:
        everyone = self.members.values()
        counts = {
            "recorded": self.n_recorded(rung),
            "waiting": self.n_waiting(rung),
            "promoted": sum(m.passed(rung) for m in everyone),
            "gone": sum(not m.is_alive() and max(m.level - 1, 0) == rung for m in everyone),
            "on the way": sum(m.phase is Phase.RUNNING and m.level == rung for m in everyone),
        }
        return f"rung {rung} (budget {self.budgets[rung]}): " + ", ".join(
            f"{n} {k}" for k, n in counts.items()
        )


def sync_quota(ladder: Ladder, rung: int) -> int:
    """Return how many of a bracket's trials go on from a rung in ``advance_sync``."""
    reduction: int = ladder.eta ** (rung + 1)
    return max(1, len(ladder.members) // reduction)


def promote_quota(ladder: Ladder, rung: int, floor: int) -> int:
    """Return how many of the values at a rung may go on in ``advance_promote``, at least ``floor``."""
    return max(floor, ladder.n_recorded(rung) // ladder.eta)


def advance_sync(ladder: Ladder) -> Moves:
    """Close every rung for which nobody is still on the way, from the lowest up.

    The best ``max(1, m // eta**(rung + 1))`` of a bracket of m trials go on; for a full bracket that is the
    paper's size.  A trial that has gone takes no place unless it went on before it ended.
    """
    moves = Moves()
    while (
        ladder.sealed
        and ladder.lowest_open < ladder.top
        and ladder.lowest_running_level() > ladder.lowest_open
    ):
        _close_sync_rung(ladder, ladder.lowest_open, moves)
        ladder.lowest_open += 1
    return moves


def _close_sync_rung(ladder: Ladder, rung: int, moves: Moves) -> None:
    competing = _sync_competitors(ladder, rung)
    # Recovery finds some that were let on before the driver died; they keep their places.
    n_kept = sum(member.went_on_from >= rung for member, _ in competing)
    n_places = sync_quota(ladder, rung) - n_kept
    only_numbers = any(is_number for _, is_number in competing)
    hopeful = [m for m, is_number in competing if m.went_on_from < rung and (is_number or not only_numbers)]
    for member in hopeful[: max(0, n_places)]:
        if member.waits_at(rung):
            ladder.promote(member, rung, moves)
        else:  # its one report settled higher rungs too, and there it waits
            member.went_on_from = rung
    for member in ladder.ranked(rung):
        if member.phase is Phase.PAUSED and member.went_on_from < rung:
            ladder.drop(member, moves)


def _sync_competitors(ladder: Ladder, rung: int) -> list[tuple[Member, bool]]:
    """Return those who can go on from a rung, best first, and whether their value is a number."""
    n_numbers = ladder.n_numbers(rung)
    return [
        (member, place < n_numbers)
        for place, member in enumerate(ladder.ranked(rung))
        if (rung == 0 or member.went_on_from >= rung - 1) and (member.is_alive() or member.passed(rung))
    ]


def advance_promote(ladder: Ladder, floor: int = 0) -> Moves:
    """Let waiting trials on that are among the best ``n // eta`` of the n values at their rung.

    While trials can still join, so many go on from a rung in all, the best first: with a sampler that gets
    better all the time nearly every trial is among the best when it comes.  In a sealed bracket a rung to
    which nobody can come any more closes: its quota is at least one, and those who still wait are dropped.
    It goes bottom up, since a trial that is let on can reach the rungs above.  Values of trials that have
    gone compete on.

    Args:
        ladder: The bracket.
        floor: The least quota of an open rung; 1 where trials cannot wait, so that the best so far goes on.
    """
    moves = Moves()
    lowest_running = ladder.lowest_running_level() if ladder.sealed else 0
    for rung in range(ladder.top):
        if not ladder.n_waiting(rung):
            continue
        closing = ladder.sealed and lowest_running > rung
        going = _promotable(ladder, rung, max(int(closing), floor))
        if closing and not going:
            going = _rescued(ladder, rung)
        for member in going:
            ladder.promote(member, rung, moves)
            lowest_running = min(lowest_running, member.level)
        for member in ladder.waiting(rung) if closing else ():
            ladder.drop(member, moves)
    moves.promoted.sort(key=lambda move: -move[1])
    return moves


def _promotable(ladder: Ladder, rung: int, floor: int) -> list[Member]:
    """Return those who wait at a rung and may go on, best first; the quota is at least ``floor``."""
    quota = promote_quota(ladder, rung, floor)
    going = ladder.waiting(rung, min(quota, _n_eligible(ladder, rung)))
    if ladder.sealed or floor:
        return going
    return going[: max(0, quota - ladder.n_let_on(rung))]


def _rescued(ladder: Ladder, rung: int) -> list[Member]:
    """Return the best waiting trial of a rung that would close without having let anybody on."""
    if any(member.passed(rung) for member in ladder.ranked(rung)):
        return []
    return ladder.waiting(rung, _n_eligible(ladder, rung))[:1]


def _n_eligible(ladder: Ladder, rung: int) -> int:
    """Return how many of a rung's best may go on: no NaN while there is a number."""
    return ladder.n_numbers(rung) or ladder.n_recorded(rung)
