"""Why a trial went on, waited or stopped, in plain words: read from the study's database alone.

What was decided, and where the trial stood then, is stored with it (``raystudy:rulings``).  How it compares with
all that came to the same rung until now is counted from the trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.ledger import BRACKET, CALL, PAUSED, RULINGS
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
        reason = self.reason
        return f"{_VERBS.get(self.what, self.what)}{': ' if reason else ''}{reason}"

    @property
    def reason(self) -> str:
        """What it rests on, in words; empty if the pruner has not said."""
        if self.because is not None:
            return self.because
        if self.rank is None:
            return ""
        place = f"{_ordinal(self.rank)} of {_values(self.of or self.rank)} by then"
        if self.places is None:
            return place
        going = f"{self.places} could go on" if self.places else "none could go on yet"
        return f"{place}, {going}" + (f" and {self.taken} had" if self.taken else "")

    @property
    def where(self) -> str:
        """The rung or the step, in words."""
        return f"at step {self.step}" if self.rung is None else f"at rung {self.rung}"


_VERBS = {
    "continue": "went on",
    "pause": "told to wait",
    "stop": "stopped for good",
    "promote": "promoted",
    "drop": "dropped when the rung closed",
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
        lines = [f"rung {self.rung} (budget {self.budget}): value {self.value:g}"]
        lines += [f"  {decision}" for decision in self.decisions]
        places = "the last rung" if self.places is None else f"places: {self.places}"
        place = f"{_ordinal(self.rank)} of {_values(len(self.values))}"
        return "\n".join([*lines, f"  now {place} ({places}): {self._shown()}"])

    def _shown(self) -> str:
        """Return the best values, those at the cut, and the trial's own with its neighbours."""
        own, cut = self.rank - 1, self.places or 0
        shown = {*range(_N_BEST), cut - 1, cut, own - 1, own, own + 1}
        parts, last = [], -1
        for place in sorted(shown & set(range(len(self.values)))):
            number, value = self.values[place]
            parts += ["..."] if place > last + 1 else []
            parts.append(f"{'this one' if place == own else f'trial {number}'} has {value:g}")
            last = place
        return ", ".join([*parts, *(["..."] if last < len(self.values) - 1 else [])])


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a trial is where it is; ``str`` gives the text.

    Attributes:
        number: The trial.
        state: Its state.
        direction: Whether small or large values are better.
        bracket: Its bracket, or None.
        budgets: The budgets of the bracket's rungs, empty before the trial has reached one.
        summary: The outcome in a sentence.
        rungs: Where it stands at each rung that it has reached.
        decisions: All that was decided on it, in order.
    """

    number: int
    state: TrialState
    direction: StudyDirection
    bracket: int | None
    budgets: tuple[int, ...]
    summary: str
    rungs: tuple[RungStanding, ...]
    decisions: tuple[Decision, ...]

    def __str__(self) -> str:
        lines = [f"trial {self.number} is {self.state.name}: {self.summary}"]
        if self.bracket is not None:
            better = "larger" if self.direction is StudyDirection.MAXIMIZE else "smaller"
            budgets = ", ".join(map(str, self.budgets))
            rungs = f" with rungs at {budgets}" if budgets else ""
            lines.append(f"it is in bracket {self.bracket}{rungs}; {better} values are better")
        lines += map(str, self.rungs)
        at_rungs = {decision for standing in self.rungs for decision in standing.decisions}
        others = [decision for decision in self.decisions if decision not in at_rungs]
        if len(others) > 1:
            lines += [f"{decision.where}: {decision}" for decision in others]
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
    study = storage.read_study(study_id)
    tables = rung_tables(study, pruner, trials)
    own = {table.bracket for table in tables if any(each == number for each, _ in table.values)}
    tables = [table for table in tables if table.bracket in own]
    rungs = tuple(_standings(trial, tables, decisions))
    return Explanation(
        number=number,
        state=trial.state,
        direction=study.directions[0],
        bracket=trial.system_attrs.get(BRACKET),
        budgets=tuple(table.budget for table in tables),
        summary=_summary(trial, rungs, decisions),
        rungs=rungs,
        decisions=decisions,
    )


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
    if CALL not in trial.system_attrs:
        return "another program ran it, and has not left its reason"
    if last is None or last.what in ("continue", "promote"):
        return "no pruner has decided that: its objective or its user ended it, or the call was stopped"
    if last.what != "pause":
        return f"{last.where}, {last}"
    if trial.system_attrs.get(PAUSED) is None:
        return (
            f"{last.where}, told to wait without a checkpoint to go on from, which is a stop ({last.reason})"
        )
    return f"it waited {last.where} until the end and was not promoted ({last.reason})"


def _why_running(trial: FrozenTrial, last: Decision | None) -> str:
    step = trial.system_attrs.get(PAUSED)
    if step is None:
        return "it runs" if last is None else f"it runs; {last.where}, {last}"
    if last is None or last.what == "continue":
        return f"it was parked at step {step} and may go on"
    if last.what == "promote":
        return f"it may go on, and waits for a free place to run; {last.where}, {last}"
    return f"it waits at step {step}; {last.where}, {last}"


def _values(n: int) -> str:
    return f"{n} value{'s' if n > 1 else ''}"


def _ordinal(n: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    is_teen = n % 100 in (11, 12, 13)
    return f"{n}{'th' if is_teen else endings.get(n % 10, 'th')}"
