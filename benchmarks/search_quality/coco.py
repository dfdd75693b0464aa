"""Problems of the suites ``bbob`` and ``bbob-mixint`` of COCO (package coco-experiment)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.search_quality.problem import Outcome, Problem, Suggester, exact

__all__ = ["OPTIMA", "coco_problem"]

#: Optima by suite, function, dimension and instance, evaluated where ``cocoex`` says that they lie.
OPTIMA = {
    ("bbob", 8, 5, 1): 149.15,
    ("bbob", 15, 5, 1): 1000.0,
    ("bbob", 21, 10, 1): 40.78,
    ("bbob", 10, 5, 2): 59.13,
    ("bbob", 17, 5, 1): -16.94,
    ("bbob", 20, 5, 2): 1000.0,
    ("bbob-mixint", 8, 10, 1): 1.4915,
    ("bbob-mixint", 15, 10, 1): 100.0,
    ("bbob-mixint", 6, 10, 2): 0.3137,
    ("bbob-mixint", 20, 10, 2): 100.0,
}


def coco_problem(name: str, suite: str, function: int, dimension: int, instance: int) -> Problem:
    """Return one problem of a suite; of the mixed ones, the first parameters are integers."""
    best = OPTIMA[suite, function, dimension, instance]
    coco = _load(suite, function, dimension, instance)
    lower, upper = coco.lower_bounds.tolist(), coco.upper_bounds.tolist()
    n_integers = int(coco.number_of_integer_variables)

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        x = [
            trial.suggest_int(f"x{i}", round(lower[i]), round(upper[i]))
            if i < n_integers
            else trial.suggest_float(f"x{i}", lower[i], upper[i])
            for i in range(dimension)
        ]
        return exact(float(coco(np.array(x, dtype=np.float64))))

    return Problem(name, evaluate, (best,), floor=1e-5)


@cache
def _load(suite: str, function: int, dimension: int, instance: int) -> Any:
    import cocoex

    chosen = f"function_indices:{function} dimensions:{dimension} instance_indices:{instance}"
    _SUITES.append(cocoex.Suite(suite, "", chosen))
    return _SUITES[-1][0]


#: A problem lives as long as its suite.
_SUITES: list[Any] = []
