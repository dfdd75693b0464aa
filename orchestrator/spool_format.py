"""The lines of a spool file: a part of what a call could not store, as JSON texts and back.

    {"spool": 1, "study_id": 1, "call": "...", "owner": "...", "lines": 2, "sha256": "..."}
    {"write": "report", "trial_id": 12, "step": 3, "value": 0.5}
    {"write": "finish", "trial_id": 12, "state": "COMPLETE", "values": [0.5], "time": "2026-..."}

The first line proves that the rest is whole.  Creations and claims are left out: nobody was told of a trial
whose creation is not durable.  So are all writes of a trial that told something which has no JSON form: no database
would ever take it, and without it the trial would be another one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raystudy.distributions import distribution_to_json, json_to_distribution
from raystudy.frozen import TrialState
from raystudy.storages.base import (
    ClaimTrial,
    CreateTrial,
    Fence,
    FinishTrial,
    Params,
    Report,
    SetAttrs,
    SetParams,
    Write,
)

__all__ = ["Line", "Part", "from_text", "lines_of", "to_text"]

Line = dict[str, Any]
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """The content of one file.

    Attributes:
        study_id: The study.
        fence: The lease under which the writes were to be stored.
        study_attrs: System attributes of the study that were to be set first.
        writes: The writes, in order.
    """

    study_id: int
    fence: Fence
    study_attrs: Mapping[str, Any]
    writes: Sequence[Write]


def lines_of(part: Part) -> list[Line]:
    """Return the lines of a part without the first one; empty if there is nothing worth saving."""
    attrs = {"write": "study_attrs", "attrs": dict(part.study_attrs)}
    lines: list[Line] = [attrs] if part.study_attrs else []
    spoilt: set[int] = set()
    for write in part.writes:
        try:
            line = _line(write)
            json.dumps(line)
        except (TypeError, ValueError):
            spoilt.add(getattr(write, "trial_id", -1))
        else:
            lines += [] if line is None else [line]
    return [line for line in lines if line.get("trial_id") not in spoilt]


def to_text(part: Part, lines: Sequence[Line]) -> str:
    """Return the text of a part whose lines are given."""
    body = "".join(json.dumps(line) + "\n" for line in lines)
    head = {
        "spool": _VERSION,
        "study_id": part.study_id,
        "call": part.fence.call_id,
        "owner": part.fence.owner,
        "lines": len(lines),
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }
    return json.dumps(head) + "\n" + body


def from_text(text: str) -> Part:
    """Return the part of a text; raise ValueError or KeyError if it is damaged, or of another version."""
    first, _, body = text.partition("\n")
    head = json.loads(first)
    if head["spool"] != _VERSION:
        raise ValueError(
            f"expected version {_VERSION} of a spool file, found {head['spool']}; update raystudy"
        )
    if hashlib.sha256(body.encode()).hexdigest() != head["sha256"]:
        raise ValueError(f"expected a spool file of {head['lines']} whole lines, found a damaged one")
    attrs: dict[str, Any] = {}
    writes: list[Write] = []
    for line in map(json.loads, body.splitlines()):
        if line["write"] == "study_attrs":
            attrs.update(line["attrs"])
        else:
            writes.append(_write(line))
    return Part(head["study_id"], Fence(head["call"], head["owner"]), attrs, writes)


def _line(write: Write) -> Line | None:
    match write:
        case CreateTrial() | ClaimTrial():
            return None
        case SetParams(trial_id, params):
            return {"write": "params", "trial_id": trial_id, "params": _from_params(params)}
        case SetAttrs(trial_id, user, system):
            return {"write": "attrs", "trial_id": trial_id, "user": dict(user), "system": dict(system)}
        case Report(trial_id, step, value):
            return {"write": "report", "trial_id": trial_id, "step": int(step), "value": _from_number(value)}
        case FinishTrial(trial_id, state, values, time):
            told = None if values is None else [_from_number(value) for value in values]
            line = {"write": "finish", "trial_id": trial_id, "state": state.name}
            return {**line, "values": told, "time": time.isoformat()}


def _write(line: Mapping[str, Any]) -> Write:
    trial_id = int(line["trial_id"])
    match line["write"]:
        case "params":
            return SetParams(trial_id, _to_params(line["params"]))
        case "attrs":
            return SetAttrs(trial_id, line["user"], line["system"])
        case "report":
            return Report(trial_id, line["step"], float(line["value"]))
        case "finish":
            values = None if line["values"] is None else list(map(float, line["values"]))
            time = dt.datetime.fromisoformat(line["time"])
            return FinishTrial(trial_id, TrialState[line["state"]], values, time)
        case other:
            raise ValueError(f"expected a write that is known, found {other!r}; update raystudy")


def _from_params(params: Params) -> dict[str, list[Any]]:
    """Return each parameter as its internal value and the text of its distribution, as databases hold them."""
    pairs = params.items()
    return {
        name: [space.to_internal_repr(value), distribution_to_json(space)] for name, (value, space) in pairs
    }


def _to_params(lines: Mapping[str, Iterable[Any]]) -> Params:
    spaces = {name: (internal, json_to_distribution(text)) for name, (internal, text) in lines.items()}
    return {name: (space.to_external_repr(internal), space) for name, (internal, space) in spaces.items()}


def _from_number(value: float) -> float | str:
    # JSON has no infinities and no NaN; float() reads their names.
    return float(value) if math.isfinite(value) else repr(float(value))
