"""Where trials fail: the chance that a trial at some point survives, learned from those that failed.

A trial that failed (an exception, out of memory, a timeout, a lost worker, a NaN) has no value to learn from, but its
point says something: a binary tree splits the space where failed trials part from those that ran, one parameter at
a time, as long as the split is worth what it costs to describe.  So a few failures, or failures that have nothing to
do with the parameters, split nothing and change no proposal; a region where most trials fail loses its chance,
and keeps a little of it.

Any sampler can use it: ``Survival.of(space, history)`` is None without failures, and ``log_chance`` is the term to add
to the logarithm of an acquisition function, such as the expected improvement.

For a group of F failed and K other trials the evidence of one common chance is, by the prior of Jeffreys,

    E(F, K) = Gamma(F + 1/2) Gamma(K + 1/2) / (pi Gamma(F + K + 1)),

and a split is made if it raises log E by more than the logarithm of the number of splits to choose from.  The chance
of a group is (K + c/4) / (F + K + 1/4), where c is that of the group from which it was split, 1 at the root.

Sources: Buntine (1992), Statistics and Computing 2 (trees by their evidence); Watanabe and Hutter (2023), IJCAI (the
chance as a factor of TPE's acquisition).

Notation: ``d`` parameters, ``n`` trials, ``m`` points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.frozen import TrialState
from raystudy.samplers.history import History
from raystudy.samplers.roles import Role

__all__ = ["Survival", "log_improvement"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Newest trials that are looked at, so that a region that has been mended comes back.
_MOST_TRIALS = 1000
#: Splits on the way to a leaf.
_DEEPEST = 6
#: So many trials weighs the chance of the group from which another one was split.
_PRIOR_WEIGHT = 0.25
_SMALLEST = 5e-324


@dataclass(frozen=True, slots=True)
class Split:
    """A question about one parameter, and what follows from the two answers."""

    row: int  #: Of the parameter.
    threshold: float  #: Below it, the answer is yes.
    shares: FloatArray | None  #: (choices,) by which a categorical is compared, None for a numeric parameter.
    yes: Split | float  #: A float is the logarithm of the chance to survive.
    no: Split | float

    def answers(self, points: FloatArray) -> BoolArray:
        """Return the answers at scaled points (d, m), (m,)."""
        values = points[self.row]
        answers: BoolArray = (
            values if self.shares is None else self.shares[values.astype(np.int64)]
        ) < self.threshold
        return answers


@dataclass(frozen=True, slots=True)
class Survival:
    """The chance that a trial survives at a point; rows are in the order of the space."""

    root: Split
    is_log: BoolArray  #: (d,), rows on a log scale.

    @classmethod
    def of(cls, space: Mapping[str, Distribution], history: History) -> Survival | None:
        """Return what the trials of a history say of a space; None if the parameters do not tell who fails.

        Args:
            space: Parameters; none of them single-valued.
            history: Observed trials have survived, failed ones not; the others do not count.
        """
        has_failed = history.states == TrialState.FAIL
        if not has_failed.any():
            return None
        ran = np.flatnonzero(has_failed | (history.roles == Role.OBSERVED))[-_MOST_TRIALS:]
        columns: FloatArray = np.stack([history.column(name)[ran] for name in space])
        is_log = np.array([not isinstance(d, CategoricalDistribution) and d.log for d in space.values()])
        n_choices = [len(d.choices) if isinstance(d, CategoricalDistribution) else 0 for d in space.values()]
        root = _Forester(n_choices, len(ran)).grow(_scaled(columns, is_log), has_failed[ran], 1.0, _DEEPEST)
        return cls(root, is_log) if isinstance(root, Split) else None

    def log_chance(self, points: FloatArray) -> FloatArray:
        """Return the logarithm of the chance to survive at points (d, m) of internal values, (m,)."""
        points = _scaled(points, self.is_log)
        found = np.empty(points.shape[1])
        parts: list[tuple[Split | float, IntArray]] = [(self.root, np.arange(points.shape[1]))]
        while parts:
            node, where = parts.pop()
            if isinstance(node, Split):
                is_yes = node.answers(points[:, where])
                parts += [(node.yes, where[is_yes]), (node.no, where[~is_yes])]
            else:
                found[where] = node
        return found


def log_improvement(log_ratio: FloatArray, share: float) -> FloatArray:
    """Return the logarithm of what TPE expects to gain, from that of its density ratio, but for a constant."""
    with np.errstate(divide="ignore"):
        improvement: FloatArray = -np.logaddexp(np.log(share), np.log1p(-share) - log_ratio)
    return improvement


class _Forester:
    """Grows trees; ``n_choices`` is 0 for numeric parameters, and ``n`` the largest number of trials."""

    def __init__(self, n_choices: Sequence[int], n: int) -> None:
        self._n_choices = n_choices
        self._log_half = gammaln(np.arange(n + 1) + 0.5)
        self._log_whole = gammaln(np.arange(n + 1) + 1.0)

    def grow(self, columns: FloatArray, has_failed: BoolArray, chance: float, depth: int) -> Split | float:
        """Return the tree of scaled trials (d, n), NaN where they lack a parameter.

        Args:
            columns: The trials.
            has_failed: (n,)
            chance: That of the group from which they were split.
            depth: Splits that are allowed on the way to a leaf.
        """
        n, n_failed = len(has_failed), int(has_failed.sum())
        chance = (_PRIOR_WEIGHT * chance + n - n_failed) / (_PRIOR_WEIGHT + n)
        if not 0 < n_failed < n or depth == 0:
            return math.log(chance)
        values, shares = columns.copy(), {}
        for row, n_choices in enumerate(self._n_choices):
            if n_choices:
                shares[row] = _shares(columns[row], has_failed, n_choices)
                has = ~np.isnan(columns[row])
                values[row, has] = shares[row][columns[row, has].astype(np.int64)]
        gain, row, threshold = self._best(values, has_failed, shares)
        if gain <= 0.0:
            return math.log(chance)
        yes, no = (
            self.grow(columns[:, side], has_failed[side], chance, depth - 1)
            for side in (values[row] < threshold, values[row] >= threshold)
        )
        return Split(row, threshold, shares.get(row), yes, no)

    def _best(
        self, values: FloatArray, has_failed: BoolArray, shares: Mapping[int, FloatArray]
    ) -> tuple[float, int, float]:
        """Return what the best split gains, with its row and threshold."""
        order = np.argsort(
            values, axis=1
        )  # no split is made between equal ones, so their order does not matter
        ranked = np.take_along_axis(values, order, axis=1)  # NaN last
        is_known = ~np.isnan(ranked)
        failed: IntArray = np.cumsum(has_failed[order] & is_known, axis=1, dtype=np.int64)
        others: IntArray = np.cumsum(is_known, axis=1, dtype=np.int64) - failed
        below, above = (
            (failed[:, :-1], others[:, :-1]),
            (failed[:, -1:] - failed[:, :-1], others[:, -1:] - others[:, :-1]),
        )
        gains = self._log_evidence(*below) + self._log_evidence(*above)
        gains -= self._log_evidence(failed[:, -1:], others[:, -1:])
        rises = ranked[:, 1:] > ranked[:, :-1]
        costs = np.log(np.maximum(rises.sum(axis=1, keepdims=True), 1)) + np.zeros(rises.shape)
        for row, share in shares.items():
            costs[row] = _log_subsets(
                np.searchsorted(np.sort(share), ranked[row, :-1], side="right"), len(share)
            )
        gains = np.where(rises, gains - costs - math.log(len(values)), -np.inf)
        row, rank = divmod(int(np.argmax(gains)), gains.shape[1])
        return float(gains[row, rank]), row, float(ranked[row, rank : rank + 2].mean())

    def _log_evidence(self, failed: IntArray, others: IntArray) -> FloatArray:
        evidence: FloatArray = (
            self._log_half[failed] + self._log_half[others] - self._log_whole[failed + others]
        )
        return evidence - math.log(math.pi)


def _scaled(values: FloatArray, is_log: BoolArray) -> FloatArray:
    """Return internal values (d, n) with the rows on a log scale by their logarithms."""
    scaled = values.copy()
    scaled[is_log] = np.log(np.maximum(values[is_log], _SMALLEST))
    return scaled


def _shares(codes: FloatArray, has_failed: BoolArray, n_choices: int) -> FloatArray:
    """Return the share of failures of each choice, (n_choices,): the order in which it is best to split them."""
    is_known = ~np.isnan(codes)
    chosen = codes[is_known].astype(np.int64)
    n, n_failed = (np.bincount(each, minlength=n_choices) for each in (chosen, chosen[has_failed[is_known]]))
    shares: FloatArray = (n_failed + has_failed.mean()) / (n + 1.0)
    return shares


def _log_subsets(sizes: IntArray, n: int) -> FloatArray:
    """Return the cost of one of the subsets of n choices: its size is chosen first, then one of that size."""
    costs: FloatArray = gammaln(n + 1) - gammaln(sizes + 1) - gammaln(n - sizes + 1) + math.log(max(n - 1, 1))
    return costs
