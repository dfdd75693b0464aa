"""One attempt at one trial: run the objective, and say how it ended.

The same function runs in this process and in a Ray task.  It is the one place that catches whatever an
objective may raise.
"""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cloudpickle

from raystudy.distributions import Distribution, ParamValue
from raystudy.exceptions import ObjectiveFailed, PrunerFailed, TrialPruned
from raystudy.frozen import Verdict
from raystudy.orchestrator.events import Ending
from raystudy.trial import Assignment, Trial, TrialLink, Vault

__all__ = ["CollectGarbage", "Failure", "Objective", "Outcome", "conclude", "run_attempt", "values_of"]

Objective = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class CollectGarbage:
    """An objective after which the process that has run it collects garbage."""

    objective: Objective

    def __call__(self, trial: Trial) -> Any:
        """Call the objective."""
        try:
            return self.objective(trial)
        finally:
            gc.collect()


@dataclass(frozen=True, slots=True)
class Failure:
    """What an objective raised: the exception (pickled where it left its process) and its traceback."""

    error: BaseException | bytes
    text: str

    def exception(self) -> BaseException:
        """Return the exception to raise in the calling process, with the objective's own traceback."""
        if isinstance(self.error, BaseException):
            return self.error
        try:
            error = cloudpickle.loads(self.error)
        except Exception:  # noqa: BLE001 - the user's exception class may fail in any way when it is rebuilt
            error = None
        if not isinstance(error, BaseException):
            return ObjectiveFailed(f"the objective failed in a worker process:\n{self.text}")
        error.add_note(f"raised in a worker process:\n{self.text}")
        return error

    def pickled(self) -> Failure:
        """Return the same failure in a form that can travel."""
        if isinstance(self.error, bytes):
            return self
        try:
            return Failure(cloudpickle.dumps(self.error.with_traceback(None)), self.text)
        except Exception:  # noqa: BLE001 - whatever keeps the user's exception from being pickled
            return Failure(b"", self.text)


@dataclass(slots=True)
class Outcome:
    """How an attempt ended, and all that the trial has to tell (reports of this attempt included)."""

    number: int
    attempt: int
    ending: Ending
    values: list[float] | None = None
    params: dict[str, tuple[ParamValue, Distribution]] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)
    #: Whether the trial has a checkpoint at all.
    checkpointed: bool = False
    failure: Failure | None = None
    #: Whether the user asked to catch this failure and go on.
    caught: bool = False
    #: One line for the log: why a trial failed or was lost.
    reason: str = ""
    #: Further lines for the user.
    notes: Sequence[str] = ()


def run_attempt(
    objective: Objective,
    catch: tuple[type[BaseException], ...],
    assignment: Assignment,
    link: TrialLink,
    vault: Vault,
) -> Outcome:
    """Run ``objective`` once and return how it ended; never raises but for KeyboardInterrupt and SystemExit."""
    trial = Trial(assignment, link, vault)
    outcome = Outcome(assignment.number, assignment.attempt, Ending.COMPLETE)
    if assignment.attempt == 1 or trial.catch_up() is Verdict.CONTINUE:
        _call(objective, trial, assignment.n_objectives, outcome)
        error = None if outcome.failure is None else outcome.failure.error
        # A pruner that fails would fail for every trial, so that nobody wants to go on.
        outcome.caught = isinstance(error, catch) and not isinstance(error, PrunerFailed)
    return conclude(outcome, trial, assignment)


def conclude(outcome: Outcome, trial: Trial, assignment: Assignment) -> Outcome:
    """Complete an outcome with the verdict that binds the trial, and with all that it has to tell."""
    verdict = trial.binding_verdict()
    if verdict is not Verdict.CONTINUE and outcome.ending is not Ending.FAILED:
        outcome.ending = Ending.PAUSED if verdict is Verdict.PAUSE else Ending.PRUNED
    outcome.checkpointed = trial.has_checkpoint
    outcome.params = {name: (value, trial.distributions[name]) for name, value in trial.params.items()}
    outcome.reports = {s: v for s, v in trial.intermediate_values.items() if s not in assignment.reports}
    outcome.user_attrs, outcome.constraints = trial.user_attrs, trial.constraints
    return outcome


def _call(objective: Objective, trial: Trial, n_objectives: int, outcome: Outcome) -> None:
    try:
        result = objective(trial)
    except TrialPruned:
        outcome.ending = Ending.PRUNED
    except Exception as error:  # noqa: BLE001 - the user's objective may raise anything
        outcome.ending = Ending.FAILED
        outcome.failure = Failure(error, _own_traceback(error))
        outcome.reason = f"{type(error).__name__}: {error}"
    else:
        outcome.values, outcome.reason = values_of(result, n_objectives)
        if outcome.values is None:
            outcome.ending = Ending.FAILED


def values_of(result: object, n_objectives: int) -> tuple[list[float] | None, str]:
    """Return the objective values that a result stands for, or None and the reason why it stands for none."""
    is_sequence = isinstance(result, Sequence) and not isinstance(result, (str, bytes))
    parts: Sequence[Any] = result if is_sequence else [result]  # type: ignore[assignment]
    wanted = "one number" if n_objectives == 1 else f"{n_objectives} numbers"
    if len(parts) != n_objectives:
        return None, f"the objective must return {wanted}, it returned {len(parts)}: {_short(result)}"
    values = []
    for part in parts:
        try:
            value = float(part)
        except (TypeError, ValueError):
            return (
                None,
                f"the objective must return {wanted}, it returned {_short(result)}; check its return statements",
            )
        if math.isnan(value):
            return (
                None,
                f"the objective must return {wanted}, it returned nan; return a bad finite value instead",
            )
        values.append(value)
    return values, ""


def _own_traceback(error: BaseException) -> str:
    # The first frame is run_attempt's own; the user cares about those below it.
    below = error.__traceback__.tb_next if error.__traceback__ else None
    return "".join(traceback.format_exception(type(error), error, below))


def _short(result: object) -> str:
    text = repr(result)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one line of a terminal
