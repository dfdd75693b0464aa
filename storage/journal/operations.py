"""Operations of a journal in Optuna's format, and what they do to studies in memory.

Ids are not part of an operation that makes something: studies and trials are counted from 0 in the order of the
log, over all studies.  Times are UTC in ISO form; numbers that are no finite ones are those of Python's JSON.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from raystudy.distributions import (
    Distribution,
    ParamValue,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)
from raystudy.exceptions import DuplicatedStudyError
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.storages.base import (
    ClaimTrial,
    CreateTrial,
    FinishTrial,
    Report,
    SetAttrs,
    SetParams,
    Write,
)
from raystudy.storages.journal.backend import Operation
from raystudy.storages.memory import InMemoryStorage

__all__ = ["Op", "apply_operation", "operations_of", "study_attrs"]


class Op(IntEnum):
    """Kinds of operations, as ``op_code`` has them."""

    CREATE_STUDY = 0
    DELETE_STUDY = 1
    SET_STUDY_USER_ATTR = 2
    SET_STUDY_SYSTEM_ATTR = 3
    CREATE_TRIAL = 4
    SET_TRIAL_PARAM = 5
    SET_TRIAL_STATE_VALUES = 6
    SET_TRIAL_INTERMEDIATE_VALUE = 7
    SET_TRIAL_USER_ATTR = 8
    SET_TRIAL_SYSTEM_ATTR = 9


# ---- writing -----------------------------------------------------------------------------------------


def study_attrs(study_id: int, user: Mapping[str, Any], system: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield what sets attributes of a study."""
    for key, value in user.items():
        yield {"op_code": Op.SET_STUDY_USER_ATTR, "study_id": study_id, "user_attr": {key: value}}
    for key, value in system.items():
        yield {"op_code": Op.SET_STUDY_SYSTEM_ATTR, "study_id": study_id, "system_attr": {key: value}}


def operations_of(study_id: int, write: Write, before: FrozenTrial | None) -> Iterator[Operation]:
    """Yield what a write does.

    Args:
        study_id: The study.
        write: The write; it must have an effect.
        before: The trial as it was before; None for one that is created.
    """
    match write:
        case CreateTrial():
            yield _creation(study_id, write)
        case ClaimTrial():
            yield _state(write.trial_id, TrialState.RUNNING, None, "datetime_start", write.datetime_start)
            yield from _trial_attrs(write.trial_id, {}, write.system_attrs)
        case FinishTrial():
            yield _state(
                write.trial_id, write.state, write.values, "datetime_complete", write.datetime_complete
            )
        case SetParams():
            known = {} if before is None else before.params
            for name, (value, distribution) in write.params.items():
                if name not in known:
                    yield _param(write.trial_id, name, value, distribution)
        case SetAttrs():
            yield from _trial_attrs(write.trial_id, write.user_attrs, write.system_attrs)
        case Report():
            if before is None or write.step not in before.intermediate_values:
                yield {
                    "op_code": Op.SET_TRIAL_INTERMEDIATE_VALUE,
                    "trial_id": write.trial_id,
                    "step": write.step,
                    "intermediate_value": float(write.value),
                }


def _creation(study_id: int, write: CreateTrial) -> Operation:
    values = None if write.values is None else list(map(float, write.values))
    is_single = values is not None and len(values) == 1
    return {
        "op_code": Op.CREATE_TRIAL,
        "study_id": study_id,
        "state": write.state,
        "value": values[0] if values and is_single else None,
        "values": None if is_single else values,
        "datetime_start": _to_utc(write.datetime_start),
        **({"datetime_complete": _to_utc(write.datetime_complete)} if write.datetime_complete else {}),
        "distributions": {name: distribution_to_json(pair[1]) for name, pair in write.params.items()},
        "params": {name: pair[1].to_internal_repr(pair[0]) for name, pair in write.params.items()},
        "user_attrs": dict(write.user_attrs),
        "system_attrs": dict(write.system_attrs),
        "intermediate_values": dict(write.intermediate_values),
    }


def _state(
    trial_id: int, state: TrialState, values: Sequence[float] | None, which: str, time: dt.datetime
) -> Operation:
    told = None if values is None else list(map(float, values))
    operation = {"op_code": Op.SET_TRIAL_STATE_VALUES, "trial_id": trial_id, "state": state, "values": told}
    return operation | {which: _to_utc(time)}


def _param(trial_id: int, name: str, value: ParamValue, distribution: Distribution) -> Operation:
    return {
        "op_code": Op.SET_TRIAL_PARAM,
        "trial_id": trial_id,
        "param_name": name,
        "param_value_internal": distribution.to_internal_repr(value),
        "distribution": distribution_to_json(distribution),
    }


def _trial_attrs(trial_id: int, user: Mapping[str, Any], system: Mapping[str, Any]) -> Iterator[Operation]:
    for key, value in user.items():
        yield {"op_code": Op.SET_TRIAL_USER_ATTR, "trial_id": trial_id, "user_attr": {key: value}}
    for key, value in system.items():
        yield {"op_code": Op.SET_TRIAL_SYSTEM_ATTR, "trial_id": trial_id, "system_attr": {key: value}}


def _to_utc(time: dt.datetime | None) -> str | None:
    return None if time is None else time.astimezone(dt.UTC).isoformat(timespec="microseconds")


# ---- reading -----------------------------------------------------------------------------------------


def apply_operation(memory: InMemoryStorage, operation: Operation) -> None:
    """Do to studies in memory what an operation says; one that comes too late for its study or trial does nothing."""
    if operation["op_code"] not in set(Op):
        return  # of a later version, or a kind that nobody writes
    op = Op(operation["op_code"])
    if op is Op.CREATE_STUDY:
        try:
            memory.create_study(operation["study_name"], list(map(StudyDirection, operation["directions"])))
        except DuplicatedStudyError:
            return  # another process was faster
    elif "study_id" in operation:
        try:
            _apply_to_study(memory, op, operation["study_id"], operation)
        except KeyError:
            return  # deleted
    else:
        _apply_to_trial(memory, op, operation["trial_id"], operation)


def _apply_to_study(memory: InMemoryStorage, op: Op, study_id: int, operation: Operation) -> None:
    if op is Op.DELETE_STUDY:
        memory.delete_study(study_id)
    elif op is Op.CREATE_TRIAL:
        memory.commit(study_id, [_created(operation)])
    else:
        memory.set_study_attrs(study_id, operation.get("user_attr", {}), operation.get("system_attr", {}))


def _apply_to_trial(memory: InMemoryStorage, op: Op, trial_id: int, operation: Operation) -> None:
    try:
        study_id = memory.study_of_trial(trial_id)
    except KeyError:
        return
    if op is Op.SET_TRIAL_PARAM:
        distribution = json_to_distribution(operation["distribution"])
        if not _fits(memory, study_id, operation["param_name"], distribution):
            return
        value = distribution.to_external_repr(operation["param_value_internal"])
        write: Write = SetParams(trial_id, {operation["param_name"]: (value, distribution)})
    elif op is Op.SET_TRIAL_STATE_VALUES:
        write = _changed_state(trial_id, operation)
    elif op is Op.SET_TRIAL_INTERMEDIATE_VALUE:
        write = Report(trial_id, int(operation["step"]), float(operation["intermediate_value"]))
    else:
        write = SetAttrs(trial_id, operation.get("user_attr", {}), operation.get("system_attr", {}))
    memory.commit(study_id, [write])


def _fits(memory: InMemoryStorage, study_id: int, name: str, distribution: Distribution) -> bool:
    """Whether a parameter may have a distribution, by the first trial of the study that has it."""
    earlier = memory.first_distribution(study_id, name)
    try:
        if earlier is not None:
            check_distribution_compatibility(earlier, distribution, name)
    except ValueError:
        return False
    return True


def _changed_state(trial_id: int, operation: Operation) -> ClaimTrial | FinishTrial:
    state = TrialState(operation["state"])
    if state is TrialState.RUNNING:
        return ClaimTrial(trial_id, _to_local(operation["datetime_start"]))
    return FinishTrial(trial_id, state, operation["values"], _to_local(operation["datetime_complete"]))


def _created(operation: Operation) -> CreateTrial:
    distributions = {n: json_to_distribution(text) for n, text in operation.get("distributions", {}).items()}
    internal = operation.get("params", {})
    value, values = operation.get("value"), operation.get("values")
    start, complete = operation["datetime_start"], operation.get("datetime_complete")
    return CreateTrial(
        number=None,
        state=TrialState(operation.get("state", TrialState.RUNNING)),
        datetime_start=None if start is None else _to_local(start),
        params={n: (d.to_external_repr(internal[n]), d) for n, d in distributions.items()},
        user_attrs=operation.get("user_attrs", {}),
        system_attrs=operation.get("system_attrs", {}),
        values=[value] if value is not None else values,
        intermediate_values={int(k): float(v) for k, v in operation.get("intermediate_values", {}).items()},
        datetime_complete=None if complete is None else _to_local(complete),
    )


def _to_local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
