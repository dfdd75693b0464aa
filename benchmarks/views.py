"""Time what looks at a study of 10,000 trials, beside Optuna's function of that name on the same trials.

    python benchmarks/views.py
    python benchmarks/views.py --only importances --trials 2000 --repeats 5

Both studies are in memory; the two take turns in one process, and the fastest of the repeats counts (wall time).
A case passes if ours is at least as many times faster as its floor says; one that fails makes the exit code 1.
Forests are grown by scikit-learn in both, ours on all cores: where nothing else takes time, the floor is lower.
Plots are figures of plotly; of parallel coordinates ours has 1,000 lines and says so, Optuna's has all 10,000.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import optuna

import raystudy

#: A call with one of the two libraries and its study.
View = Callable[[ModuleType, Any], object]


@dataclass(frozen=True)
class Case:
    """Something to look at."""

    name: str
    view: View
    n_objectives: int = 1
    floor: float = 2.0  #: How many times faster ours must be.
    repeats: int | None = None  #: How often it is timed, where that is not what the user says.


def importances(evaluator: str, **arguments: Any) -> View:
    """Return the view of the importances by an evaluator."""

    def view(library: ModuleType, study: Any) -> object:
        chosen = getattr(library.importance, evaluator)(**arguments)
        return library.importance.get_param_importances(study, evaluator=chosen)

    return view


def plot(name: str, *args: Any) -> View:
    """Return the view that makes a figure by plotly."""
    return lambda library, study: getattr(library.visualization, f"plot_{name}")(study, *args)


#: Of a whole tree, Optuna's fANOVA takes two minutes.
SHALLOW = {"n_trees": 1, "max_depth": 10, "seed": 0}
CASES = [
    Case("importances, PED-ANOVA", importances("PedAnovaImportanceEvaluator")),
    Case("importances, PED-ANOVA, region", importances("PedAnovaImportanceEvaluator", region_quantile=0.5)),
    Case(
        "importances, PED-ANOVA, two objectives", importances("PedAnovaImportanceEvaluator"), n_objectives=2
    ),
    Case(
        "importances, fANOVA, one shallow tree",
        importances("FanovaImportanceEvaluator", **SHALLOW),
        repeats=2,
    ),
    Case(
        "importances, impurity",
        importances("MeanDecreaseImpurityImportanceEvaluator", seed=0),
        floor=0.9,
        repeats=2,
    ),
    Case("hypervolume history, two objectives", plot("hypervolume_history", [8.0, 3.0]), n_objectives=2),
    Case(
        "hypervolume history, three objectives", plot("hypervolume_history", [8.0, 3.0, 3.0]), n_objectives=3
    ),
    Case("Pareto front", plot("pareto_front"), n_objectives=2),
    Case("parallel coordinates", plot("parallel_coordinate"), repeats=1),
    Case("parallel coordinates, two objectives", plot("parallel_coordinate"), n_objectives=2, repeats=1),
    Case("dataframe", lambda _library, study: study.trials_dataframe()),
]


def space(library: ModuleType) -> dict[str, Callable[[], Any]]:
    """Return what makes the distributions of ten parameters, anew for each trial as in a search."""
    d = library.distributions
    return {
        **{f"x{i}": lambda: d.FloatDistribution(0.0, 1.0) for i in range(4)},
        "lr": lambda: d.FloatDistribution(1e-5, 1e-1, log=True),
        "step": lambda: d.FloatDistribution(0.0, 10.0, step=0.5),
        "n": lambda: d.IntDistribution(1, 64),
        "width": lambda: d.IntDistribution(1, 1024, log=True),
        "kind": lambda: d.CategoricalDistribution(("a", "b", "c", "d")),
        "flag": lambda: d.CategoricalDistribution((True, False)),
    }


def filled(library: ModuleType, n_trials: int, n_objectives: int) -> Any:
    """Return a study of random trials, the same for both libraries."""
    rng, makers, trials = np.random.default_rng(0), space(library), []
    for _ in range(n_trials):
        u = rng.random(10)
        params: dict[str, Any] = {f"x{i}": float(u[i]) for i in range(4)}
        params |= {"lr": float(10 ** (-5 + 4 * u[4])), "step": int(21 * u[5]) * 0.5, "n": 1 + int(64 * u[6])}
        params |= {"width": int(1024 ** u[7]), "kind": "abcd"[int(4 * u[8])], "flag": bool(u[9] < 0.5)}
        value = 3 * u[0] + u[1] ** 2 + 1.2 * u[4] + 1.5 * u[6] + (params["kind"] == "b") + 0.1 * rng.normal()
        other = u[2] - u[0] + 0.1 * rng.normal()
        distributions = {name: make() for name, make in makers.items()}
        values = [float(value), float(other), float(u[7] + (1 - u[1]) ** 2)][:n_objectives]
        trials.append(library.trial.create_trial(values=values, params=params, distributions=distributions))
    study = library.create_study(directions=["minimize"] * n_objectives)
    study.add_trials(trials)
    return study


def timed(case: Case, ours: Any, theirs: Any, repeats: int) -> tuple[float, float]:
    """Return the shortest time of ours and of Optuna's, in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(case.repeats or repeats):
        for library, study, found in ((raystudy, ours, times[0]), (optuna, theirs, times[1])):
            start = time.perf_counter()
            case.view(library, study)
            found.append(time.perf_counter() - start)
    return min(times[0]), min(times[1])


def main() -> int:
    """Print a line for each case; return 1 if one fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="cases with this in their name")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    cases = [case for case in CASES if args.only in case.name]
    studies = {
        n: (filled(raystudy, args.trials, n), filled(optuna, args.trials, n))
        for n in {case.n_objectives for case in cases}
    }
    print(
        f"{args.trials} trials\n| view | ours, s | Optuna, s | ratio | floor | |\n|---|---|---|---|---|---|"
    )
    n_failed = 0
    for case in cases:
        ours, theirs = timed(case, *studies[case.n_objectives], args.repeats)
        passed = theirs / ours >= case.floor
        n_failed += not passed
        verdict = "PASS" if passed else "FAIL"
        print(
            f"| {case.name} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} | {case.floor} | {verdict} |",
            flush=True,
        )
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
