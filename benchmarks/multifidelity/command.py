"""The command line of ``benchmarks/hyperband.py``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.intervals import holm
from benchmarks.kept_results import KeptResults
from benchmarks.multifidelity.cells import FULL_TRAININGS, METHODS, OURS, UNPRUNED, Cell, run_cell
from benchmarks.multifidelity.measures import Results
from benchmarks.multifidelity.problems import ADVERSE, REPORTED, TUNING
from benchmarks.multifidelity.store import open_store, peer_versions, write_peers

__all__ = ["main"]

#: Floors of the figures: share of epochs, ratio of regrets after 20 and after 60 full trainings.
_FLOORS = (0.35, 0.6, 0.4)
_EARLY = 20
_FIRST_TUNING_SEED = 100
_LOG = Path(tempfile.gettempdir()) / "raystudy-hyperband-runs.jsonl"


def main(doc: str | None) -> int:
    """Run what is missing, print the tables, and return 0 if every floor holds."""
    args = _arguments(doc)
    if args.train:
        from benchmarks.multifidelity.training import TABLES, train

        for name in TABLES:
            train(name)
        return 0
    if args.fresh:
        args.log.unlink(missing_ok=True)
    problems = TUNING if args.tune else ADVERSE if args.adverse else REPORTED
    first = _FIRST_TUNING_SEED if args.tune else 0
    seeds = range(first, first + args.seeds)
    store = open_store(args.log, fresh=args.fresh)
    cells = [Cell(m, p, w, s) for m in METHODS for w in args.workers for p in problems for s in seeds]
    _run(cells, store, args.jobs)
    write_peers(store, cells)
    results = Results({cell: store.get(cell) or {} for cell in cells}, problems, seeds)
    return _print(results, args.workers)


def _arguments(doc: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tune", action="store_true", help="the tuning problems and seeds, not the reported ones"
    )
    parser.add_argument(
        "--adverse", action="store_true", help="a problem on which no search that stops early can win"
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--fresh", action="store_true", help="run the peers again, too")
    parser.add_argument("--train", action="store_true", help="train the recorded curves again, and stop")
    parser.add_argument("--log", type=Path, default=_LOG, help="file that an interrupted run goes on from")
    return parser.parse_args()


def _run(cells: Sequence[Cell], store: KeptResults[Cell], jobs: int) -> None:
    missing = [cell for cell in cells if store.get(cell) is None]
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_cell, cell): cell for cell in missing}
        for done, future in enumerate(as_completed(futures), 1):
            store.put(futures[future], future.result())
            if done % 50 == 0 or done == len(missing):
                print(f"{done} of {len(missing)} runs", flush=True)


def _print(results: Results, workers: Sequence[int]) -> int:
    seeds = results.seeds
    versions = ", ".join(f"{name} {version}" for name, version in peer_versions().items())
    print(f"\nProblems {', '.join(results.problems)}; seeds {seeds[0]} to {seeds[-1]}; {versions}.\n")
    print(
        f"| method | workers | epochs to unpruned quality | regret at {_EARLY} | at {FULL_TRAININGS} "
        "| trials | full | best kept |\n|---|---|---|---|---|---|---|---|"
    )
    holds = True
    for method in METHODS:
        for n in workers:
            figures = [
                results.share(method, n),
                results.ratio(method, n, _EARLY),
                results.ratio(method, n, FULL_TRAININGS),
            ]
            if method == OURS:
                holds &= all(figure.mean <= floor for figure, floor in zip(figures, _FLOORS, strict=True))
            print(
                f"| {method} | {n} | {' | '.join(map(str, figures))} | {results.mean_of(method, n, 'n_trials'):.0f} "
                f"| {results.mean_of(method, n, 'n_full'):.0f} | {results.kept(method, n):.0%} |"
            )
    holds &= _print_problems(results, workers)
    print(f"\n{'PASS' if holds else 'FAIL'}: floors {', '.join(map(str, _FLOORS))}, and on no problem worse")
    return 0 if holds else 1


def _print_problems(results: Results, workers: Sequence[int]) -> bool:
    """Print the table by problem, and return whether we are significantly worse on none."""
    rows = [(problem, n) for problem in results.problems for n in workers]
    tests = [results.against_unpruned(OURS, n, problem) for problem, n in rows]
    adjusted = holm([p for _, p in tests])
    print(
        f"\n| problem | workers | epochs to unpruned quality | regret at {_EARLY} | at {FULL_TRAININGS} "
        f"| at {FULL_TRAININGS}, to {UNPRUNED} | p worse (Holm) |\n|---|---|---|---|---|---|---|"
    )
    for (problem, n), (interval, _), p in zip(rows, tests, adjusted, strict=True):
        early, late = (results.ratio_of(OURS, n, problem, at) for at in (_EARLY, FULL_TRAININGS))
        print(
            f"| {problem} | {n} | {results.share_of(OURS, n, problem)} | {early} | {late} | {interval} | {p:.2f} |"
        )
    return min(adjusted) >= 0.05
