"""The rungs of a stored study as tables: read from its trials alone, by the judge that would go on with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.orchestrator.assembly import new_judge
from raystudy.orchestrator.ledger import BRACKET, CALL, RULINGS, past_trial
from raystudy.pruners.custom import MissingPruner, PrunerLike
from raystudy.pruners.grounds import HasTables, RungTable
from raystudy.pruners.halving import rank
from raystudy.storages.base import StudyRecord

__all__ = ["rung_tables"]


def rung_tables(study: StudyRecord, pruner: PrunerLike, trials: Sequence[FrozenTrial]) -> Sequence[RungTable]:
    """Return the rungs of all brackets, lowest bracket and rung first; empty without rungs.

    Args:
        study: The study.
        pruner: Its pruner.
        trials: All of its trials, by number.
    """
    if not isinstance(pruner, MissingPruner):
        judge = new_judge(pruner, study)
        if isinstance(judge, HasTables):
            ours = [t for t in trials if t.state is not TrialState.WAITING and _is_ours(t)]
            judge.restore([past_trial(trial) for trial in ours])
            return judge.tables()
    return _as_decided(study.directions[0], trials)


def _is_ours(trial: FrozenTrial) -> bool:
    return CALL in trial.system_attrs or BRACKET in trial.system_attrs


def _as_decided(direction: StudyDirection, trials: Sequence[FrozenTrial]) -> list[RungTable]:
    """Return the rungs that the stored rulings name: those of a pruner that only stops.

    Its brackets differ in the budget of their lowest rung, and are counted by it.
    """
    values: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
    places: dict[tuple[int, int, int], int] = {}
    for trial in trials:
        lowest = -1
        for rung, budget, value, n_places in _decisions(trial):
            lowest = budget if rung == 0 else lowest
            key = lowest, rung, budget
            values.setdefault(key, []).append((trial.number, value))
            places[key] = max(places.get(key, 0), n_places)
    brackets = {lowest: bracket for bracket, lowest in enumerate(sorted({key[0] for key in values}))}
    return [
        RungTable(
            bracket=brackets[key[0]],
            rung=key[1],
            budget=key[2],
            values=tuple(sorted(values[key], key=lambda pair: rank(pair[1], pair[0], direction))),
            places=places[key],
        )
        for key in sorted(values)
    ]


def _decisions(trial: FrozenTrial) -> Iterator[tuple[int, int, float, int]]:
    """Yield rung, budget, value and places of the reports that settled a rung."""
    for ruling in trial.system_attrs.get(RULINGS, ()):
        if ruling.keys() >= {"rung", "budget", "step"}:
            value = trial.intermediate_values.get(ruling["step"], math.nan)
            yield ruling["rung"], ruling["budget"], value, ruling.get("places", 0)
