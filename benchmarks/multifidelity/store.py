"""Under which keys results are kept: ours with the code that they depend on, the peers' with their versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import raystudy
from benchmarks.kept_results import KeptResults
from benchmarks.multifidelity.cells import FULL_TRAININGS, OURS, Cell
from benchmarks.multifidelity.problem import MAX_BUDGET
from benchmarks.multifidelity.problems import fingerprint

__all__ = ["PEERS_FILE", "open_store", "peer_versions", "write_peers"]

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


def open_store(log: Path, *, fresh: bool) -> KeptResults[Cell]:
    """Return the results that are there; see ``KeptResults``."""
    return KeptResults(log, PEERS_FILE, _key_of, fresh=fresh)


def write_peers(store: KeptResults[Cell], cells: Iterable[Cell]) -> None:
    """Write the peers' results of these cells to the repository's file, beside those of other cells."""
    peers = (cell for cell in cells if cell.method != OURS)
    store.write_peers(peers, lambda key: key.endswith(_state_of(ours=False)))


def _key_of(cell: Cell) -> str:
    return f"{cell.key}|{fingerprint(cell.problem)}|{_state_of(ours=cell.method == OURS)}"
