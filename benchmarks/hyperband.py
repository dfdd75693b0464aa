"""Race our Hyperband with promotions against Optuna's and Ray Tune's, in virtual time.

    python benchmarks/hyperband.py                # the reported problems and seeds; goes on where it was stopped
    python benchmarks/hyperband.py --tune         # the problems and seeds for tuning defaults
    python benchmarks/hyperband.py --adverse      # curves that cross late: what stops early loses there
    python benchmarks/hyperband.py --fresh        # the peers' results again, too: minutes on two cores
    python benchmarks/hyperband.py --train        # the recorded learning curves again: minutes

Five problems of at most 81 epochs (two of learning curves recorded from real trainings, three synthetic with noise or
crossing curves), 4 and 16 workers, 10 paired seeds.  The methods: our defaults (``TPESampler`` with
``HyperbandPruner(1, 81, 3)``, trials that can pause), Optuna's default TPE without pruning (for 60 full trainings)
and with ``HyperbandPruner(1, 81, 3)``, and Ray Tune's ASHA and HyperBand with its ``OptunaSearch``.  Every method
runs its own code; only the clock is virtual.

The incumbent of every method is the trial with the best report at the largest budget reached so far, and its regret
that of its expected final loss, which no method sees: 0 at the best configuration, 1 at the median one.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the benchmark."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.multifidelity.command import main as run

    return run(__doc__)


if __name__ == "__main__":
    sys.exit(main())
