"""Why a trial went on, waited or stopped, in plain words: read from the study's database alone.

What was decided, and where the trial stood then, is stored with it (``raystudy:rulings``).  How it compares with
all that came to the same rung until now is counted from the trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.orchestrator.ledger import BRACKET, PAUSED, RULINGS
from raystudy.orchestrator.rung_tables import rung_tables
from raystudy.pruners.custom import PrunerLike
from raystudy.pruners.grounds import RungTable
from raystudy.storages.base import Storage

__all__ = ["Decision", "Explanation", "RungStanding", "explain"]

_N_BEST = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of the pruner on a trial, as it was stored.

    Attributes:
        what: "continue", "pause", "stop", "promote" or "drop".
        step: The step of the report that it answered; None for a later word on a trial that waited.
        rung: The rung, 0 is the lowest; None away from rungs.
        rank: The trial's rank at this rung at that moment, 1 for the best.
        of: How many values the rung had then.
        places: How many of them could go on; None at the last rung.
        taken: How many had gone on.
        because: The reason, where it has to do with no rung.
    """

    what: str
    step: int | None = None
    rung: int | None = None
    rank: int | None = None
    of: int | None = None
    places: int | None = None
    taken: int | None = None
    because: str | None = None

    @classmethod
    def of_stored(cls, ruling: Mapping[str, Any]) -> Self:
        """Return the decision that an entry of ``raystudy:rulings`` stands for."""
        return cls(**{each.name: ruling[each.name] for each in fields(cls) if each.name in ruling})

    def __str__(self) -> str:
        return f"{self._standing()}{_WHAT.get(self.what, self.what)}"

    def _standing(self) -> str:
        if self.because is not None:
            return f"at step {self.step}, {self.because}: "
        if self.rank is None:
            return "" if self.step is None else f"at step {self.step}: "
        place = f"{_ordinal(self.rank)} of {self.of} values"
        if self.places is None:
            return f"{place} at the last rung: "
        taken = "" if self.taken is None else f", {self.taken} had"
        return f"{place}, {self.places} could go on{taken}: "


_WHAT = {
    "continue": "it went on",
    "pause": "it was told to wait",
    "stop": "it was stopped for good",
    "promote": "it was promoted",
    "drop": "it was dropped, since nobody else could come to this rung",
}


@dataclass(frozen=True, slots=True)
class RungStanding:
    """Where a trial stands at one rung, among all that have come there until now.

    Attributes:
        rung: The rung, 0 is the lowest.
        budget: Its budget.
        value: The trial's value there.
        rank: Its rank, 1 for the best.
        values: Numbers and values of all trials at the rung, the best first.
        places: How many of them may go on; None at the last rung.
        decisions: What was decided there, in order.
    """

    rung: int
    budget: int
    value: float
    rank: int
    values: tuple[tuple[int, float], ...]
    places: int | None
    decisions: tuple[Decision, ...]

    def __str__(self) -> str:
        places = "the last rung" if self.places is None else f"{self.places} may go on"
        lines = [f"rung {self.rung}, budget {self.budget}: value {self.value:g}"]
        lines += [f"  {decision}" for decision in self.decisions]
        lines.append(
            f"  by now {_ordinal(self.rank)} of {len(self.values)} values ({places}): {self._shown()}"
        )
        return "\n".join(lines)

    def _shown(self) -> str:
        """Return the best values, those at the cut, and the trial's own with its neighbours."""
        own, cut = self.rank - 1, self.places or 0
        shown = {*range(_N_BEST), cut - 1, cut, own - 1, own, own + 1}
        parts, last = [], -1
        for place in sorted(shown & set(range(len(self.values)))):
            number, value = self.values[place]
            parts += ["..."] if place > last + 1 else []
            parts.append(f"{'this one' if place == own else f'trial {number}'} {value:g}")
            last = place
        return ", ".join([*parts, *(["..."] if last < len(self.values) - 1 else [])])


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a trial is where it is; ``str`` gives the text.

    Attributes:
        number: The trial.
        state: Its state.
        bracket: Its bracket, or None.
        summary: The outcome in a sentence.
        rungs: Where it stands at each rung that it has reached.
        decisions: All that was decided on it, in order.
    """

    number: int
    state: TrialState
    bracket: int | None
    summary: str
    rungs: tuple[RungStanding, ...]
    decisions: tuple[Decision, ...]

    def __str__(self) -> str:
        lines = [f"trial {self.number} is {self.state.name}: {self.summary}"]
        if self.bracket is not None:
            lines.append(f"bracket {self.bracket}")
        lines += map(str, self.rungs)
        told = {decision for standing in self.rungs for decision in standing.decisions}
        lines += [str(decision) for decision in self.decisions if decision not in told]
        return "\n".join(lines)


def explain(storage: Storage, study_id: int, pruner: PrunerLike, number: int) -> Explanation:
    """Explain one trial.

    Args:
        storage: The storage.
        study_id: The study.
        pruner: Its pruner.
        number: The trial.

    Raises:
        ValueError: If there is no such trial.
    """
    trials = storage.read_trials(study_id)
    trial = next((each for each in trials if each.number == number), None)
    if trial is None:
        raise ValueError(f"explain: this study has no trial {number}; it has {len(trials)}, numbered from 0")
    decisions = tuple(Decision.of_stored(ruling) for ruling in trial.system_attrs.get(RULINGS, ()))
    tables = rung_tables(storage.read_study(study_id), pruner, trials)
    rungs = tuple(_standings(trial, tables, decisions))
    bracket = trial.system_attrs.get(BRACKET)
    return Explanation(number, trial.state, bracket, _summary(trial, rungs, decisions), rungs, decisions)


def _standings(
    trial: FrozenTrial, tables: Sequence[RungTable], decisions: Sequence[Decision]
) -> list[RungStanding]:
    standings = []
    for table in tables:
        ranks = {number: place for place, (number, _) in enumerate(table.values, start=1)}
        if trial.number in ranks:
            rank = ranks[trial.number]
            here = tuple(decision for decision in decisions if decision.rung == table.rung)
            value = table.values[rank - 1][1]
            standings.append(
                RungStanding(table.rung, table.budget, value, rank, table.values, table.places, here)
            )
    return standings


def _summary(trial: FrozenTrial, rungs: Sequence[RungStanding], decisions: Sequence[Decision]) -> str:
    last = decisions[-1] if decisions else None
    match trial.state:
        case TrialState.WAITING:
            return "it was enqueued and has not begun"
        case TrialState.COMPLETE:
            return _why_complete(rungs)
        case TrialState.FAIL:
            return "its objective failed or its worker was lost too often; no pruner had a part in that"
        case TrialState.PRUNED:
            return _why_pruned(trial, last)
        case TrialState.RUNNING:
            return _why_running(trial, last)


def _why_complete(rungs: Sequence[RungStanding]) -> str:
    if not rungs:
        return "the pruner let it run to its end"
    top = rungs[-1]
    if top.places is None:
        return f"it reached the last rung, {_ordinal(top.rank)} of {len(top.values)} there"
    return f"its objective ended after rung {top.rung}, before the next one"


def _why_pruned(trial: FrozenTrial, last: Decision | None) -> str:
    if last is None or last.what in ("continue", "promote"):
        return "no pruner has decided that: its objective or its user ended it, or the call was stopped"
    if last.what != "pause":
        return f"{_at(last)}{last}"
    if trial.system_attrs.get(PAUSED) is None:
        return f"{_at(last)}it was told to wait, but had no checkpoint: a pause without one is a stop"
    return f"{_at(last)}it waited until the end, and was not promoted; when it came, {last}"


def _why_running(trial: FrozenTrial, last: Decision | None) -> str:
    step = trial.system_attrs.get(PAUSED)
    if step is None:
        return "it runs" if last is None else f"it runs; the last decision was, {_at(last)}{last}"
    if last is None or last.what == "continue":
        return f"it is parked at step {step} and may go on"
    if last.what == "promote":
        return f"{_at(last)}{last}; it waits for a worker"
    return f"it waits at step {step}; {_at(last)}{last}"


def _at(decision: Decision) -> str:
    return "" if decision.rung is None else f"at rung {decision.rung}, "


def _ordinal(n: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    is_teen = n % 100 in (11, 12, 13)
    return f"{n}{'th' if is_teen else endings.get(n % 10, 'th')}"
