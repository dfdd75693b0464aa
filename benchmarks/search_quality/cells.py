"""One run of the benchmark: a sampler of one library on a problem, with so many workers and a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.search_quality.problems import Problems, problem_of
from benchmarks.search_quality.race import race
from benchmarks.search_quality.rivals import OPTUNA, OURS, make_study

__all__ = ["FIRST_SEED", "FIRST_TUNING_SEED", "GP", "WORKERS", "Cell", "cells_of", "n_trials", "run_cell"]

WORKERS = (1, 8, 32)
FIRST_SEED, FIRST_TUNING_SEED = 0, 100
GP = "GP"

#: Trials of a search by the number of workers.
_N_TRIALS: Mapping[int, int] = {1: 100, 8: 100, 32: 160}
#: A Gaussian process has fewer, with fewer seeds, and both libraries begin with the same ones.
_N_TRIALS_GP, _N_SHARED_GP, _N_SEEDS_GP = 60, 10, 5
_GP_WORKERS = (1, 8)
#: Those that take several objectives in this benchmark.
_MULTI_OBJECTIVE = ("NSGA-II",)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run."""

    library: str
    sampler: str
    problem: str
    n_workers: int
    seed: int

    @property
    def key(self) -> str:
        """A name for files."""
        return f"{self.library}|{self.sampler}|{self.problem}|{self.n_workers}|{self.seed}"

    @property
    def rival(self) -> Cell:
        """The same run by the other library."""
        return replace(self, library=OPTUNA if self.library == OURS else OURS)


def n_trials(sampler: str, n_workers: int) -> int:
    """Return how many trials a search has."""
    return _N_TRIALS_GP if sampler == GP else _N_TRIALS[n_workers]


def cells_of(
    sampler: str, problems: Problems, workers: Sequence[int], first_seed: int, n_seeds: int
) -> list[Cell]:
    """Return our runs of a sampler, seed by seed: a part of them is a smaller benchmark."""
    names = problems.single + (problems.several if sampler in _MULTI_OBJECTIVE else ())
    if sampler == GP:
        names, n_seeds = problems.smooth, min(n_seeds, _N_SEEDS_GP)
        workers = [n for n in workers if n in _GP_WORKERS]
    seeds = range(first_seed, first_seed + n_seeds)
    return [Cell(OURS, sampler, name, n, seed) for seed in seeds for n in workers for name in names]


def run_cell(cell: Cell) -> list[float]:
    """Run a cell and return its regrets at the checkpoints."""
    problem = problem_of(cell.problem)
    regrets = race(
        make_study(cell.library, cell.sampler, cell.seed, problem.n_objectives),
        problem,
        n_workers=cell.n_workers,
        n_trials=n_trials(cell.sampler, cell.n_workers),
        seed=cell.seed,
        n_shared=_N_SHARED_GP if cell.sampler == GP else 0,
    )
    return [float(f"{regret:.4g}") for regret in regrets]
