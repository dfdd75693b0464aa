"""How fast a search is simulated.

    python benchmarks/simulate_speed.py [--trials 1000] [--workers 64]

1,000 trials of Hyperband (R = 81, eta = 3, promote) with random search on 64 virtual workers, twice with the
same seed: it passes when the slower run takes at most 5 s of one core and both results are the same to the byte.
Needs one idle core.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler

ALLOWED_S = 5.0
FULL = 81


def curve(trial: raystudy.Trial) -> Iterator[float]:
    """Yield a loss that falls towards a level given by the learning rate."""
    lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.99)
    for epoch in range(FULL):
        yield abs(math.log10(lr) + 2) + abs(momentum - 0.9) + 1 / (epoch + 1)


def simulate(n_trials: int, n_workers: int) -> tuple[float, str]:
    """Simulate the search; return the seconds of CPU and the result as JSON."""
    begun = time.process_time()
    result = raystudy.simulate(
        curve,
        n_trials,
        n_workers=n_workers,
        sampler=RandomSampler(seed=7),
        pruner=HyperbandPruner(1, FULL, 3, mode="promote"),
        epoch_s=60,
        start_s=10,
    )
    seconds = time.process_time() - begun
    print(f"  {seconds:.2f} s of CPU for: {result}")
    return seconds, result.to_json()


def main() -> int:
    """Run the search twice; return 0 if both claims hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=1000, help="trials of the search (1000)")
    parser.add_argument("--workers", type=int, default=64, help="virtual workers (64)")
    args = parser.parse_args()
    print(f"{args.trials} trials on {args.workers} virtual workers, twice:")
    runs = [simulate(args.trials, args.workers) for _ in range(2)]
    slower, same = max(seconds for seconds, _ in runs), runs[0][1] == runs[1][1]
    claims = [
        (slower <= ALLOWED_S, f"the search takes {slower:.2f} s (at most {ALLOWED_S:g})"),
        (same, f"both results are {'the same' if same else 'NOT the same'}, {len(runs[0][1])} bytes of JSON"),
    ]
    for holds, claim in claims:
        print(f"{'PASS' if holds else 'FAIL'}: {claim}")
    return 0 if all(holds for holds, _ in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
