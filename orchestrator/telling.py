"""What ``tell`` and ``park`` accept, and what they stand for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from raystudy.frozen import FrozenTrial, TrialState, Verdict
from raystudy.orchestrator.attempt import values_of
from raystudy.orchestrator.ledger import CALL, PAUSED
from raystudy.trial import Trial

__all__ = ["ASKED", "is_parked", "last_value", "require_parkable", "require_tellable", "result_of"]

#: What stands in place of a call's id for trials of ask-and-tell.
ASKED = "ask"


def is_parked(trial: FrozenTrial) -> bool:
    """Whether a trial of ask-and-tell waits for a promotion; those of a call are paused by their driver."""
    attrs = trial.system_attrs
    return trial.state is TrialState.RUNNING and attrs.get(CALL) == ASKED and attrs.get(PAUSED) is not None


def require_tellable(trial: FrozenTrial) -> None:
    """Raise ValueError unless a result can be told of a trial."""
    if trial.state is not TrialState.RUNNING:
        raise ValueError(f"tell: trial {trial.number} is {trial.state.name}, only a RUNNING one can be told")
    if is_parked(trial):
        raise ValueError(
            f"tell: trial {trial.number} is parked at step {trial.system_attrs[PAUSED]}; study.ask(resume=True) "
            "hands it out once it is promoted, and study.close() ends all that are parked"
        )


def require_parkable(stored: FrozenTrial, trial: Trial, attempt: int | None) -> None:
    """Raise ValueError unless a trial can wait at its checkpoint.

    Args:
        stored: The trial as it is stored.
        trial: The trial as it was asked.
        attempt: The attempt that was handed out last, or None if the trial was not asked here.
    """
    number = trial.number
    if stored.state is not TrialState.RUNNING:
        raise ValueError(f"park: trial {number} is {stored.state.name}, only a RUNNING one can be parked")
    if is_parked(stored) or (attempt is not None and attempt != trial.attempt):
        raise ValueError(
            f"park: trial {number} was parked before; go on with what study.ask(resume=True) returns"
        )
    if attempt is None:
        raise ValueError(
            f"park: trial {number} was not asked from this study object; in optimize, raise TrialPruned after "
            "should_prune() and the trial waits by itself"
        )
    if trial.verdict is Verdict.STOP:
        raise ValueError(
            f"park: the pruner has stopped trial {number} for good; tell(trial, state=TrialState.PRUNED)"
        )
    step = stored.last_step
    if step is None:
        raise ValueError(
            f"park: trial {number} has reported nothing, so there is no step to wait at; "
            "report and save a checkpoint first, or tell its result"
        )
    if not trial.can_resume_from(step):
        raise ValueError(
            f"park: trial {number} has no checkpoint of step {step}, its last report, so it could not go on from "
            f"there; call trial.save_checkpoint(state, step={step}) first, or tell its result"
        )


def result_of(
    trial: FrozenTrial, values: float | Sequence[float] | None, state: TrialState | None, n_objectives: int
) -> tuple[TrialState, list[float] | None]:
    """Return the state and values that ``tell`` stands for.

    Raises:
        ValueError: If state and values contradict each other.
    """
    if state in (TrialState.PRUNED, TrialState.FAIL):
        if values is not None:
            raise ValueError(f"tell: a {state.name} trial takes no values, got {values}")
        return state, last_value(trial) if state is TrialState.PRUNED else None
    if state not in (None, TrialState.COMPLETE):
        raise ValueError(f"tell: expected COMPLETE, PRUNED or FAIL as state, got {state.name}")
    told, reason = values_of(values, n_objectives)
    if told is None and state is TrialState.COMPLETE:
        raise ValueError(f"tell: {reason}")
    if told is None:
        warnings.warn(f"trial {trial.number} fails: {reason}", UserWarning, stacklevel=4)
        return TrialState.FAIL, None
    return TrialState.COMPLETE, told


def last_value(trial: FrozenTrial) -> list[float] | None:
    """Return what a pruned trial has as its value: its last report, unless that is no number."""
    last = math.nan if trial.last_step is None else trial.intermediate_values[trial.last_step]
    return None if math.isnan(last) else [last]
