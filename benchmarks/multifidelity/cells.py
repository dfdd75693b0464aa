"""One run of the benchmark: a method on a problem, with so many workers and a seed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.multifidelity.ours import simulate_ours
from benchmarks.multifidelity.problem import MAX_BUDGET, Problem
from benchmarks.multifidelity.problems import problem_of
from benchmarks.multifidelity.race import Method, race

__all__ = ["FULL_TRAININGS", "METHODS", "OURS", "UNPRUNED", "RIVAL", "Cell", "run_cell"]

#: Full trainings that every search has.
FULL_TRAININGS = 60

OURS = "raystudy"
UNPRUNED = "Optuna TPE, unpruned"
RIVAL = "Optuna TPE + Hyperband"


def _optuna(prune: bool) -> Callable[[Problem, int], Method]:
    def method(problem: Problem, seed: int) -> Method:
        from benchmarks.multifidelity.optuna_peer import OptunaMethod

        return OptunaMethod(problem, seed, prune=prune)

    return method


def _ray(asynchronous: bool) -> Callable[[Problem, int], Method]:
    def method(problem: Problem, seed: int) -> Method:
        from benchmarks.multifidelity.ray_peer import RayMethod

        return RayMethod(problem, seed, asynchronous=asynchronous)

    return method


_PEERS: dict[str, Callable[[Problem, int], Method]] = {
    UNPRUNED: _optuna(prune=False),
    RIVAL: _optuna(prune=True),
    "Ray Tune ASHA + OptunaSearch": _ray(asynchronous=True),
    "Ray Tune HyperBand + OptunaSearch": _ray(asynchronous=False),
}
#: Names of the methods, in the order of the table.
METHODS = (OURS, *_PEERS)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run."""

    method: str
    problem: str
    n_workers: int
    seed: int

    @property
    def key(self) -> str:
        """A name for files."""
        return f"{self.method}|{self.problem}|{self.n_workers}|{self.seed}"


def run_cell(cell: Cell) -> dict[str, Any]:
    """Run a cell and return the facts of its trace."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    problem, epochs = problem_of(cell.problem), FULL_TRAININGS * MAX_BUDGET
    if cell.method == OURS:
        return simulate_ours(problem, cell.seed, cell.n_workers, epochs).facts()
    method = _PEERS[cell.method](problem, cell.seed)
    return race(method, problem, cell.n_workers, epochs).facts()
