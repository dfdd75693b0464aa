"""Where results are kept: a log that an interrupted run goes on from, and the peers' results in the repository."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import raystudy
from benchmarks.multifidelity.cells import FULL_TRAININGS, OURS, Cell
from benchmarks.multifidelity.problem import MAX_BUDGET
from benchmarks.multifidelity.problems import fingerprint

__all__ = ["PEERS_FILE", "Store", "peer_versions"]

#: Results of the other libraries.
PEERS_FILE = Path(__file__).resolve().parent / "peers.json.gz"


def peer_versions() -> dict[str, str]:
    """Return the versions on which the peers' results depend."""
    return {name: version(name) for name in ("numpy", "optuna", "ray", "scikit-learn")}


@cache
def _state_of(*, ours: bool) -> str:
    """Return a digest of all that a result depends on but the problem: budgets, code and versions."""
    here = Path(__file__).resolve().parent
    if ours:
        package = Path(raystudy.__file__).resolve().parent
        parts = ("", "samplers", "pruners", "orchestrator")
        files = [here / "ours.py", *(file for part in parts for file in (package / part).glob("*.py"))]
    else:
        files = [here / "optuna_peer.py", here / "ray_peer.py"]
    digest = hashlib.sha256(f"{FULL_TRAININGS} {MAX_BUDGET} {peer_versions()}".encode())
    for file in sorted([*files, here / "race.py"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Store:
    """Facts of cells by key.

    Args:
        log: A file of JSON lines, to which each result is appended as it comes.
        fresh: Whether the peers' results in the repository are ignored.
    """

    def __init__(self, log: Path, *, fresh: bool = False) -> None:
        self._log = log
        self._facts: dict[str, dict[str, Any]] = {}
        if PEERS_FILE.exists() and not fresh:
            self._facts |= json.loads(gzip.decompress(PEERS_FILE.read_bytes()))
        if log.exists():
            for line in log.read_text().splitlines():
                entry = json.loads(line)
                self._facts[entry["key"]] = entry["facts"]

    def get(self, cell: Cell) -> dict[str, Any] | None:
        """Return the facts of a cell, unless it has not been run as things are now."""
        return self._facts.get(self._key(cell))

    def put(self, cell: Cell, facts: dict[str, Any]) -> None:
        """Keep the facts of a cell."""
        self._facts[self._key(cell)] = facts
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as file:
            file.write(json.dumps({"key": self._key(cell), "facts": facts}) + "\n")

    def write_peers(self, cells: Iterable[Cell]) -> None:
        """Write the peers' results of these cells to the repository's file, beside those of other cells."""
        kept = json.loads(gzip.decompress(PEERS_FILE.read_bytes())) if PEERS_FILE.exists() else {}
        facts = {key: found for key, found in kept.items() if key.endswith(_state_of(ours=False))}
        facts |= {
            self._key(cell): found
            for cell in cells
            if cell.method != OURS and (found := self.get(cell)) is not None
        }
        text = json.dumps(dict(sorted(facts.items())), separators=(",", ":"))
        PEERS_FILE.write_bytes(gzip.compress(text.encode(), mtime=0))

    def _key(self, cell: Cell) -> str:
        return f"{cell.key}|{fingerprint(cell.problem)}|{_state_of(ours=cell.method == OURS)}"
