"""The COMPLETE trials of a study as columns: what is to be explained, and the parameters that may explain it.

Notation: ``n`` COMPLETE trials by number, ``k`` targets (one, or one for each objective).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution
from raystudy.frozen import TrialState
from raystudy.importance.base import Target
from raystudy.storages.columns import Columns
from raystudy.study_reading import StudyReader

__all__ = ["Observed", "checked_names", "observe"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Observed:
    """COMPLETE trials; parameter values are internal ones, sorted by their distribution and then by trial."""

    targets: FloatArray  #: (n, k)
    space: tuple[
        tuple[str, Distribution], ...
    ]  #: Each pair of a name and a distribution that occurs, by name.
    ends: IntArray  #: (len(space) + 1,): values i of ``space`` stand from ``ends[i]`` to ``ends[i + 1]``.
    trials: IntArray  #: Which trial each value belongs to, 0 to n - 1.
    internals: FloatArray

    @property
    def names(self) -> list[str]:
        """Names of all parameters, sorted."""
        return list(dict.fromkeys(name for name, _ in self.space))

    @property
    def is_usable(self) -> BoolArray:
        """Which trials have finite targets, (n,)."""
        usable: BoolArray = np.asarray(np.isfinite(self.targets).all(axis=1))
        return usable

    def values_of(self, name: str) -> Iterator[tuple[Distribution, IntArray, FloatArray]]:
        """Yield each distribution of a parameter, the trials that drew from it, and their internal values."""
        for at, (each, distribution) in enumerate(self.space):
            if each == name:
                here = slice(self.ends[at], self.ends[at + 1])
                yield distribution, self.trials[here], self.internals[here]


def observe(study: StudyReader, target: Target | None) -> Observed:
    """Read the COMPLETE trials of a study; targets are what ``target`` returns, or else the objective values."""
    # Before the columns: what is COMPLETE now is so there, too.
    trials = [] if target is None else study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    columns = study._storage.read_columns(study._study_id)
    rows = np.flatnonzero(columns.states == TrialState.COMPLETE)
    rows = rows[np.argsort(columns.numbers[rows], kind="stable")]
    if target is None:
        return _arranged(columns, rows, columns.values[rows])
    rows = rows[np.isin(columns.trial_ids[rows], [trial.trial_id for trial in trials])]
    targets = np.array([float(target(trial)) for trial in trials], np.float64)
    return _arranged(columns, rows, targets[:, None])


def checked_names(params: list[str] | None) -> list[str] | None:
    """Return the parameters that a user has named, each once.

    Raises:
        TypeError: If they are no list or tuple of texts.
    """
    if params is None:
        return None
    if not isinstance(params, (list, tuple)) or not all(isinstance(name, str) for name in params):
        raise TypeError(f"params: expected a list of names of parameters, got {params!r}")
    return list(dict.fromkeys(params))


def _arranged(columns: Columns, rows: IntArray, targets: FloatArray) -> Observed:
    place = np.full(len(columns), -1)
    place[rows] = np.arange(len(rows))
    params = columns.params
    by_name = sorted(range(len(params.space)), key=lambda kind: params.space[kind][0])
    rank = np.empty(len(by_name), np.int64)
    rank[by_name] = np.arange(len(by_name))
    trials, ranks = place[params.rows], rank[params.kinds]
    kept = np.flatnonzero(trials >= 0)
    order = kept[np.lexsort((trials[kept], ranks[kept]))]
    counts = np.bincount(ranks[order], minlength=len(by_name))
    occurring = np.flatnonzero(counts)
    return Observed(
        targets=targets,
        space=tuple(params.space[by_name[at]] for at in occurring),
        ends=np.append(0, np.cumsum(counts[occurring])),
        trials=trials[order],
        internals=params.internals[order],
    )
