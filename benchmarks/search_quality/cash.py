"""Choice of a learner and of its hyperparameters on real data: a conditional space over recorded trainings.

Each learner was trained on a full grid of its hyperparameters (``cash_training.py``); between the points of the grid
its error is interpolated linearly on the scale on which the parameter is searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from benchmarks.search_quality.problem import Outcome, Problem, Suggester, exact

__all__ = ["FILE", "LEARNERS", "Axis", "cash_problem"]

#: Errors by data set and learner.
FILE = Path(__file__).resolve().parent / "cash.npz"


@dataclass(frozen=True, slots=True)
class Axis:
    """A hyperparameter with the values that were trained; ``names`` are those of a categorical one."""

    values: tuple[float, ...]
    is_int: bool = False
    log: bool = False
    names: tuple[str, ...] = ()

    def suggest(self, trial: Suggester, name: str) -> float:
        """Ask for the parameter and return its place on the grid."""
        if self.names:
            return self.values[self.names.index(trial.suggest_categorical(name, self.names))]
        low, high = self.values[0], self.values[-1]
        if self.is_int:
            return self.place(trial.suggest_int(name, int(low), int(high), log=self.log))
        return self.place(trial.suggest_float(name, low, high, log=self.log))

    def place(self, value: float) -> float:
        """Return a value on the scale of the grid."""
        return float(np.log(value)) if self.log else float(value)


def _log_grid(low: float, high: float, n: int) -> tuple[float, ...]:
    return tuple(np.geomspace(low, high, n).round(12).tolist())


#: The space of each learner.
LEARNERS: Mapping[str, Mapping[str, Axis]] = {
    "svm": {"C": Axis(_log_grid(1e-2, 1e3, 11), log=True), "gamma": Axis(_log_grid(1e-5, 1e1, 13), log=True)},
    "neighbours": {
        "k": Axis(tuple(range(1, 41)), is_int=True),
        "weights": Axis((0.0, 1.0), names=("uniform", "distance")),
        "p": Axis((0.0, 1.0), names=("manhattan", "euclidean")),
    },
    "forest": {
        "max_features": Axis((0.05, 0.1, 0.2, 0.4, 0.7, 1.0)),
        "min_samples_leaf": Axis((1, 2, 4, 8, 16), is_int=True, log=True),
        "max_depth": Axis((2, 3, 5, 8, 12), is_int=True, log=True),
    },
    "logistic": {
        "C": Axis(_log_grid(1e-4, 1e4, 17), log=True),
        "balanced": Axis((0.0, 1.0), names=("no", "yes")),
    },
    "boosting": {
        "learning_rate": Axis(_log_grid(1e-2, 1.0, 6), log=True),
        "max_depth": Axis((1, 2, 3, 5), is_int=True),
        "subsample": Axis((0.5, 1.0)),
    },
}


def cash_problem(name: str, dataset: str) -> Problem:
    """Return the problem of one data set."""
    errors = _errors(dataset)
    surfaces = {
        learner: RegularGridInterpolator(
            [[axis.place(v) for v in axis.values] for axis in axes.values()], errors[learner]
        )
        for learner, axes in LEARNERS.items()
    }

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        learner = trial.suggest_categorical("learner", tuple(LEARNERS))
        point = [axis.suggest(trial, f"{learner}_{p}") for p, axis in LEARNERS[learner].items()]
        return exact(float(surfaces[learner](point)[0]))

    # Linear in between: the least is on the grid.
    best = min(float(each.min()) for each in errors.values())
    return Problem(name, evaluate, (best,), conditional=True)


@cache
def _errors(dataset: str) -> dict[str, Any]:
    with np.load(FILE) as file:
        return {learner: file[f"{dataset}-{learner}"].astype(np.float64) for learner in LEARNERS}
