"""Exact variances of a regression tree and of its marginals, from the boxes of its leaves.

A tree is a function that is constant on each of its leaves' boxes, which together are the unit cube.  Its marginal over
one parameter averages over all the others: a sum over the leaves of their values, each times the volume of the box
without that parameter, from where the box begins to where it ends.  So all leaves of a tree are looked at together, in
O(L log L) for L leaves, and not the tree once for each interval.

Every point of a numeric parameter's domain counts alike, and every choice of a categorical.

Notation: ``L`` leaves, ``d`` columns (see ``features``), ``p`` parameters.

Source: Hutter, Hoos and Leyton-Brown (2014), ICML, PMLR 32 (equations 2 to 6 and algorithm 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Tree", "variance_shares"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tree:
    """A regression tree, one entry for each node; the first is the root."""

    left: IntArray  #: The child where the feature is at most the threshold, or -1 in a leaf.
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    value: FloatArray


def variance_shares(
    tree: Tree, n_columns: int, parameters: Sequence[tuple[IntArray, bool]]
) -> FloatArray | None:
    """Return the share of the tree's variance that the marginal of each parameter has, (p,), or None if it has none.

    Args:
        tree: The tree.
        n_columns: Number of columns.
        parameters: The columns of each parameter, and whether it is a categorical.
    """
    lower, upper, leaves = _leaf_boxes(tree, n_columns)
    allowed = {
        at: _allowed(lower[:, cols], upper[:, cols])
        for at, (cols, is_choice) in enumerate(parameters)
        if is_choice
    }
    parts = np.empty((len(leaves), len(parameters)))
    for at, (columns, _) in enumerate(parameters):
        first = columns[0]
        parts[:, at] = allowed[at].mean(axis=1) if at in allowed else upper[:, first] - lower[:, first]
    volume = parts.prod(axis=1)
    values = tree.value[leaves] - volume @ tree.value[leaves]
    values /= np.abs(values).max() or 1.0
    total = float(volume @ values**2)
    if total <= 0.0:
        return None
    weighted = values * volume
    shares = np.empty(len(parameters))
    for at, (columns, _) in enumerate(parameters):
        part = parts[:, at]
        heights = np.divide(weighted, part, out=np.zeros(len(part)), where=part > 0.0)
        if at in allowed:
            shares[at] = (heights @ allowed[at]).var()
        else:
            shares[at] = _variance_of_steps(lower[:, columns[0]], upper[:, columns[0]], heights)
    return shares / total


def _leaf_boxes(tree: Tree, n_columns: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the lower and upper ends (L, d) of the leaves' boxes, and the leaves (L,)."""
    lower, upper = np.zeros((len(tree.left), n_columns)), np.ones((len(tree.left), n_columns))
    level = np.zeros(1, dtype=np.int64)
    while len(level := level[tree.left[level] >= 0]):
        left, right, feature = tree.left[level], tree.right[level], tree.feature[level]
        for child in (left, right):
            lower[child], upper[child] = lower[level], upper[level]
        # Values outside of the domain, which can be enqueued, may have brought thresholds there.
        cut = np.clip(tree.threshold[level], lower[level, feature], upper[level, feature])
        upper[left, feature] = lower[right, feature] = cut
        level = np.concatenate([left, right])
    leaves = np.flatnonzero(tree.left < 0)
    return lower[leaves], upper[leaves], leaves


def _allowed(lower: FloatArray, upper: FloatArray) -> BoolArray:
    """Say which choices lead to which leaf, (L, choices): all its columns are 0 but for its own."""
    must_be_one = lower > 0.0
    others = must_be_one.sum(axis=1, keepdims=True) - must_be_one
    allowed: BoolArray = (upper >= 1.0) & (others == 0)
    return allowed


def _variance_of_steps(start: FloatArray, end: FloatArray, heights: FloatArray) -> float:
    """Return the variance, over the unit interval, of a sum of steps; its mean is 0."""
    cuts, at = np.unique(np.concatenate([start, end]), return_inverse=True)
    changes = np.bincount(at, weights=np.concatenate([heights, -heights]), minlength=len(cuts))
    level = np.cumsum(changes[:-1])
    widths = np.diff(cuts)
    mean = float(widths @ level)
    return float(widths @ (level - mean) ** 2)
