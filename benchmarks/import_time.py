"""What an import costs, beside Optuna's.

    python benchmarks/import_time.py --repeats 15

Each import is made in a fresh process of the same interpreter; the two take turns.  It passes if ours takes at most
half of Optuna's time, as medians of the processor time of a process less that of one that imports nothing.  Our names
are loaded when they are first used, so that the first study is shown as well: TPE needs scipy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

STATEMENTS = {
    "nothing": "pass",
    "raystudy": "import raystudy",
    "optuna": "import optuna",
    "raystudy, a study": "import raystudy as optuna; optuna.create_study()",
    "optuna, a study": "import optuna; optuna.create_study()",
}
FLOOR = 0.5


def cpu_s(statement: str) -> float:
    """Return the processor time of a process that runs a statement, in seconds."""
    before = os.times()
    subprocess.run([sys.executable, "-c", statement], check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    """Measure and print; return 1 if a floor does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=11)
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for turn in range(repeats + 1):
        for name, statement in STATEMENTS.items():
            spent = cpu_s(statement)
            if turn:  # the first one reads the files from the disk
                times[name].append(spent)
    base = statistics.median(times["nothing"])
    cost = {name: statistics.median(each) - base for name, each in times.items() if name != "nothing"}
    for name, spent in cost.items():
        print(f"{name:20} {1000 * spent:8.0f} ms")
    ratio = cost["raystudy"] / cost["optuna"]
    print(f"import: {ratio:.2f} of Optuna's (at most {FLOOR})  {'PASS' if ratio <= FLOOR else 'FAIL'}")
    print(f"with a study: {cost['raystudy, a study'] / cost['optuna, a study']:.2f} of Optuna's (no floor)")
    return int(ratio > FLOOR)


if __name__ == "__main__":
    sys.exit(main())
