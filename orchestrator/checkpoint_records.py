"""The record of a checkpoint: what ``meta.json`` holds, its checksums, and which checkpoint to go on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raystudy.distributions import distribution_to_json, json_to_distribution
from raystudy.trial import News

__all__ = [
    "Checkpoint",
    "Damaged",
    "by_text",
    "compare",
    "digest",
    "digest_of",
    "news_of",
    "plain",
    "sealed",
    "to_try",
    "unsealed",
    "without_zombies",
]


class Damaged(Exception):
    """A checkpoint is not what was written; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete checkpoint.

    Attributes:
        name: Its folder.
        kind: "pt", "pkl" or "directory".
        step: The step that it was trained to, or None if it was saved without one.
        files: Checksums by path.
        reports: Reports made up to it, by step.
        params: Parameters suggested up to it, each with its distribution as JSON.
        user_attrs: User attributes set up to it.
    """

    name: str
    kind: str
    step: int | None
    files: Mapping[str, str]
    reports: Mapping[str, float]
    params: Mapping[str, Sequence[Any]]
    user_attrs: Mapping[str, Any]

    @property
    def knows_its_report(self) -> bool:
        """Whether the report of its own step is noted."""
        return self.step is None or str(self.step) in self.reports


def by_text(reports: Mapping[int, float]) -> dict[str, float]:
    """Return reports with their steps as JSON has them."""
    return {str(step): float(value) for step, value in reports.items()}


def plain(news: News) -> tuple[Mapping[str, Sequence[Any]], Mapping[str, Any]]:
    """Return what a trial has told beside its reports, as JSON has it."""
    params = {name: [value, distribution_to_json(kind)] for name, (value, kind) in news.params.items()}
    return params, news.user_attrs


def news_of(checkpoint: Checkpoint) -> News:
    """Return what the trial had told up to a checkpoint beside its reports."""
    params = {name: (value, json_to_distribution(text)) for name, (value, text) in checkpoint.params.items()}
    return News(params, dict(checkpoint.user_attrs))


def sealed(checkpoint: Checkpoint) -> bytes:
    """Return the content of ``meta.json``, with its own checksum."""
    keys = ("kind", "step", "files", "reports", "params", "user_attrs")
    content = json.loads(json.dumps({key: getattr(checkpoint, key) for key in keys}))
    return json.dumps({**content, "sha256": digest(json.dumps(content).encode())}).encode()


def unsealed(name: str, text: bytes) -> Checkpoint:
    """Return a checkpoint from its ``meta.json``.

    Raises:
        Damaged: If that is not what was written.
    """
    try:
        content = json.loads(text)
        seal = content.pop("sha256")
        is_whole = seal == digest(json.dumps(content).encode())
        checkpoint = Checkpoint(name, **content)
    except (ValueError, TypeError, KeyError, AttributeError):
        is_whole = False
    if not is_whole:
        raise Damaged("meta.json is not what was written")
    return checkpoint


def without_zombies(names: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return the names of checkpoints, the newest first, given attempt and count of each.

    Left out is what a zombie has saved after the attempt that replaced it had begun: its count is not below that
    of a later attempt's.
    """
    kept, lowest = list[str](), None
    for name, (_, count) in sorted(names.items(), key=lambda item: item[1], reverse=True):
        if lowest is None or count < lowest:
            lowest = count
            kept.append(name)
    return kept


def to_try(found: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints to go on from, the best first, given the complete ones, the newest first.

    One whose own report is lost gives way to the one before; objectives need not report every step, but a
    first step can be run again without losing another.
    """
    order = list(found)
    if len(order) > 1 and not order[0].knows_its_report and order[1].knows_its_report:
        order[:2] = order[1::-1]
    return [one for one in order if one.knows_its_report or one.step != 0]


def compare(found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Raise Damaged unless all checksums are those expected."""
    for file, checksum in expected.items():
        if found.get(file) != checksum:
            raise Damaged(f"{file} is not what was written")


def digest(content: bytes) -> str:
    """Return the checksum of some bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
