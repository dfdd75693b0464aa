"""Race our samplers against Optuna's of the same names, in simulated time.

    python benchmarks/quality.py                    # the reported problems and seeds; goes on where it was stopped
    python benchmarks/quality.py --jobs 2           # on two cores
    python benchmarks/quality.py --tuning           # the problems and seeds for tuning
    python benchmarks/quality.py --samplers TPE GP --workers 1
    python benchmarks/quality.py --fresh            # Optuna's results again, too: an hour of one core

15 problems with one objective (COCO's bbob and bbob-mixint, tables of real trainings, the choice of a learner on real
data, noise, 20 parameters of which two matter, 30 choices) and, for NSGA-II, three with several; 20 paired
seeds; 1 and 8 workers with 100 trials, 32 with 160.  GP: 6 problems, 5 seeds, 60 trials, of which the first 10 are the
same random ones for both.  Both libraries run by ask and tell through the same lines, with their own defaults (QMC
scrambled, so that seeds differ).

The regret of a search is that of what is *expected* of the trial that told the least, 0 at the best and 1 at the median
configuration; with several objectives the part of the largest hypervolume that is missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmark."""
    # A run is a single thread: several would slow each other down.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.search_quality.command import main as run

    return run(__doc__)


if __name__ == "__main__":
    sys.exit(main())
