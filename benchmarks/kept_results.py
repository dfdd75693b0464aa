"""Where results are kept: a log that an interrupted run goes on from, and the peers' results in the repository."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = ["KeptResults"]

CellT = TypeVar("CellT")


class KeptResults(Generic[CellT]):
    """Results of runs, plain JSON values, by keys that change with all that a result depends on.

    Args:
        log: A file of JSON lines, to which each result is appended as it comes.
        peers_file: The other libraries' results (gzipped JSON).
        key_of: Names a run together with the state of all that its result depends on.
        fresh: Whether the peers' results in the repository are ignored.
    """

    def __init__(
        self, log: Path, peers_file: Path, key_of: Callable[[CellT], str], *, fresh: bool = False
    ) -> None:
        self._log, self._peers_file, self._key_of = log, peers_file, key_of
        self._facts: dict[str, Any] = {} if fresh else self._peers()
        if log.exists():
            for line in log.read_text().splitlines():
                entry = json.loads(line)
                self._facts[entry["key"]] = entry["facts"]

    def get(self, cell: CellT) -> Any:
        """Return the result of a run, or None if it has not been run as things are now."""
        return self._facts.get(self._key_of(cell))

    def put(self, cell: CellT, facts: Any) -> None:
        """Keep the result of a run."""
        key = self._key_of(cell)
        self._facts[key] = facts
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as file:
            file.write(json.dumps({"key": key, "facts": facts}) + "\n")

    def write_peers(self, cells: Iterable[CellT], is_current: Callable[[str], bool]) -> None:
        """Write the results of these runs of peers to the repository's file.

        Args:
            cells: The runs.
            is_current: Says of the key of another run in the file whether it is kept.
        """
        facts = {key: found for key, found in self._peers().items() if is_current(key)}
        facts |= {self._key_of(cell): found for cell in cells if (found := self.get(cell)) is not None}
        text = json.dumps(dict(sorted(facts.items())), separators=(",", ":"))
        self._peers_file.write_bytes(gzip.compress(text.encode(), mtime=0))

    def _peers(self) -> dict[str, Any]:
        if not self._peers_file.exists():
            return {}
        kept: dict[str, Any] = json.loads(gzip.decompress(self._peers_file.read_bytes()))
        return kept
