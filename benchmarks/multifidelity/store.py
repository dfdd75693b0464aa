"""Where results are kept: a log that an interrupted run goes on from, and the peers' results in the repository."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import raystudy
from benchmarks.multifidelity.cells import OURS, Cell
from benchmarks.multifidelity.problems import fingerprint

__all__ = ["PEERS_FILE", "Store", "peer_versions"]

#: Results of the other libraries.
PEERS_FILE = Path(__file__).resolve().parent / "peers.json.gz"

_PACKAGE = Path(raystudy.__file__).resolve().parent


def peer_versions() -> dict[str, str]:
    """Return the versions on which the peers' results depend."""
    return {name: version(name) for name in ("numpy", "optuna", "ray", "scikit-learn")}


def _our_code() -> str:
    digest = hashlib.sha256()
    for folder in ("samplers", "pruners"):
        for file in sorted((_PACKAGE / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Store:
    """Facts of cells by key.

    Args:
        log: A file of JSON lines, to which each result is appended as it comes.
        fresh: Whether the peers' results in the repository are ignored.
    """

    def __init__(self, log: Path, *, fresh: bool = False) -> None:
        self._log, self._code = log, _our_code()
        self._facts: dict[str, dict[str, Any]] = {}
        if PEERS_FILE.exists() and not fresh:
            kept = json.loads(gzip.decompress(PEERS_FILE.read_bytes()))
            if kept["versions"] == peer_versions():
                self._facts |= kept["facts"]
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
        facts: dict[str, Any] = {}
        if PEERS_FILE.exists():
            kept = json.loads(gzip.decompress(PEERS_FILE.read_bytes()))
            facts = kept["facts"] if kept["versions"] == peer_versions() else {}
        facts |= {
            self._key(cell): found
            for cell in cells
            if cell.method != OURS and (found := self.get(cell)) is not None
        }
        text = json.dumps(
            {"versions": peer_versions(), "facts": dict(sorted(facts.items()))}, separators=(",", ":")
        )
        PEERS_FILE.write_bytes(gzip.compress(text.encode(), mtime=0))

    def _key(self, cell: Cell) -> str:
        code = f"|{self._code}" if cell.method == OURS else ""
        return f"{cell.key}|{fingerprint(cell.problem)}{code}"
