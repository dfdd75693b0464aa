"""The command line of ``benchmarks/quality.py``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.kept_results import KeptResults
from benchmarks.search_quality.cells import FIRST_SEED, FIRST_TUNING_SEED, WORKERS, Cell, cells_of, run_cell
from benchmarks.search_quality.measures import Results
from benchmarks.search_quality.problems import REPORTED, TUNING
from benchmarks.search_quality.rivals import SAMPLERS
from benchmarks.search_quality.store import open_store, peer_versions, write_peers
from benchmarks.search_quality.tables import print_problems, print_samplers, verdicts

__all__ = ["main"]

_LOG = Path(tempfile.gettempdir()) / "raystudy-quality-runs.jsonl"


def main(doc: str | None) -> int:
    """Run what is missing, print the tables, and return 0 if every floor holds."""
    args = _arguments(doc)
    if args.fresh:
        args.log.unlink(missing_ok=True)
    problems = TUNING if args.tuning else REPORTED
    first = FIRST_TUNING_SEED if args.tuning else FIRST_SEED
    cells = {
        sampler: [
            cell
            for cell in cells_of(sampler, problems, args.workers, first, args.seeds)
            if not args.problems or cell.problem in args.problems
        ]
        for sampler in args.samplers
    }
    cells = {sampler: ours for sampler, ours in cells.items() if ours}
    all_ours = [cell for ours in cells.values() for cell in ours]
    store = open_store(args.log, fresh=args.fresh)
    peers = [cell.rival for cell in all_ours]
    _run(peers, store, args.jobs)
    write_peers(store, peers)
    if args.peers_only:
        return 0
    _run(all_ours, store, args.jobs)
    results = Results.of(all_ours, store.get)
    versions = ", ".join(f"{name} {version}" for name, version in peer_versions().items())
    print(f"\nSeeds {first} to {first + args.seeds - 1}; {versions}.\n")
    print_samplers(cells, results)
    print()
    print_problems(cells, results)
    print()
    lines = verdicts(cells, results)
    for holds, line in lines:
        print(f"{'PASS' if holds else 'FAIL'}: {line}")
    return 0 if all(holds for holds, _ in lines) else 1


def _arguments(doc: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tuning", action="store_true", help="the tuning problems and seeds, not the reported ones"
    )
    parser.add_argument("--samplers", nargs="+", choices=list(SAMPLERS), default=list(SAMPLERS))
    parser.add_argument("--problems", nargs="+", default=[], help="only these problems")
    parser.add_argument("--workers", type=int, nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--fresh", action="store_true", help="run the peers again, too")
    parser.add_argument("--peers-only", action="store_true", help="run the peers and stop")
    parser.add_argument("--log", type=Path, default=_LOG, help="file that an interrupted run goes on from")
    return parser.parse_args()


def _run(cells: Sequence[Cell], store: KeptResults[Cell], jobs: int) -> None:
    missing = [cell for cell in cells if store.get(cell) is None]
    if not missing:
        return
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_cell, cell): cell for cell in missing}
        for done, future in enumerate(as_completed(futures), 1):
            store.put(futures[future], future.result())
            if done % 100 == 0 or done == len(missing):
                print(f"{done} of {len(missing)} runs", flush=True)
