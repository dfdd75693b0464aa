"""What Hyperband with checkpoints saves on the example search, and what it costs in quality.

    python benchmarks/pruning_saves.py                        # 5 seeds x 2 arms x 40 trials
    python benchmarks/pruning_saves.py --seeds 2 --trials 20  # a quick look

Both arms run the objective of ``examples/tune.py`` with the same sampler and seed for the same number of
trials; one has ``HyperbandPruner(1, epochs, 3)``, the other ``NopPruner``.  It passes when the best PR-AUC
with pruning is on average not more than 0.02 below the one without.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import raystudy

ALLOWED_LOSS = 0.02
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "tune.py"


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What one search found, and the epochs that it trained."""

    best: float
    epochs: int


def load_example() -> ModuleType:
    """Import ``examples/tune.py`` by its path.

    It is left out of ``sys.modules``, so its functions are shipped to workers by value, as from ``__main__``.
    """
    spec = importlib.util.spec_from_file_location("example_tune", EXAMPLE)
    if spec is None or spec.loader is None:
        raise ImportError(f"expected a Python file, found none at {EXAMPLE}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_arm(tune: ModuleType, pruner: Any, seed: int, args: argparse.Namespace, folder: Path) -> ArmResult:
    """Run one search and return its best validation PR-AUC and its epochs."""
    name = f"{type(pruner).__name__}-{seed}"
    study = raystudy.create_study(
        study_name=name,
        storage=f"sqlite:///{folder / name}.db",
        direction="maximize",
        sampler=raystudy.samplers.TPESampler(seed=seed),
        pruner=pruner,
    )
    study.optimize(
        partial(tune.objective, epochs=args.epochs, seed=seed),
        n_trials=args.trials,
        executor="ray",
        n_jobs=args.workers,
        resources={"CPU": 1},
    )
    return ArmResult(study.best_value, sum(len(trial.intermediate_values) for trial in study.trials))


def run_seed(
    tune: ModuleType, seed: int, args: argparse.Namespace, folder: Path
) -> tuple[ArmResult, ArmResult]:
    """Run both arms with one seed, print their row and return (pruned, unpruned)."""
    pruned = run_arm(tune, raystudy.pruners.HyperbandPruner(1, args.epochs, 3), seed, args, folder)
    unpruned = run_arm(tune, raystudy.pruners.NopPruner(), seed, args, folder)
    print(
        f"{seed:>4}  {pruned.best:>8.4f}  {unpruned.best:>8.4f}  {pruned.best - unpruned.best:>+10.4f}"
        f"  {pruned.epochs:>6}  {unpruned.epochs:>6}  {pruned.epochs / unpruned.epochs:>5.1%}",
        flush=True,
    )
    return pruned, unpruned


def main() -> int:
    """Run the benchmark; return 0 if pruning costs no more than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, counted from --first-seed (5)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--trials", type=int, default=40, help="trials of each search (40)")
    parser.add_argument("--epochs", type=int, default=27, help="epochs of a full training (27)")
    parser.add_argument("--workers", type=int, default=2, help="trials at a time (2)")
    args = parser.parse_args()
    tune = load_example()
    print(f"{'':>4}  {'best PR-AUC':^18}  {'':>10}  {'epochs':^14}")
    print(
        f"{'seed':>4}  {'pruned':>8}  {'unpruned':>8}  {'difference':>10}  {'pruned':>6}  {'full':>6}  ratio"
    )
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(args.first_seed, args.first_seed + args.seeds)
        pairs = [run_seed(tune, seed, args, Path(folder)) for seed in seeds]
    difference = statistics.fmean(pruned.best - unpruned.best for pruned, unpruned in pairs)
    ratio = sum(pruned.epochs for pruned, _ in pairs) / sum(unpruned.epochs for _, unpruned in pairs)
    passed = difference >= -ALLOWED_LOSS
    print(
        f"{'PASS' if passed else 'FAIL'}: pruning changes the best PR-AUC by {difference:+.4f} on average "
        f"(allowed: -{ALLOWED_LOSS}) and trains {ratio:.1%} of the epochs"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
