"""Random forests of regression trees, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from raystudy.importance.base import BaseImportanceEvaluator

__all__ = ["Forest", "ForestImportanceEvaluator"]


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest that is to be fitted.

    Raises:
        ValueError: If there is no tree, or trees have no level.
        ImportError: If scikit-learn is not installed.
    """

    n_trees: int
    max_depth: int
    seed: int | None

    def __post_init__(self) -> None:
        if self.n_trees < 1 or self.max_depth < 1:
            raise ValueError(
                f"expected n_trees >= 1 and max_depth >= 1, got n_trees={self.n_trees}, max_depth={self.max_depth}"
            )
        self._regressor()

    def fitted(self, features: Any, targets: Any) -> Any:
        """Return a ``RandomForestRegressor`` fitted to features (n, d) and targets (n,)."""
        return self._regressor().fit(features, targets)

    def _regressor(self) -> Any:
        try:
            ensemble = import_module("sklearn.ensemble")
        except ModuleNotFoundError as error:
            raise ImportError(
                'importances by forests need scikit-learn: pip install "raystudy[importance]"'
            ) from error
        # The trees do not depend on how many threads grow them.
        return ensemble.RandomForestRegressor(
            n_estimators=self.n_trees, max_depth=self.max_depth, random_state=self.seed, n_jobs=-1
        )


@dataclass(frozen=True, kw_only=True)
class ForestImportanceEvaluator(BaseImportanceEvaluator):
    """An evaluator by a random forest.

    Attributes:
        n_trees: Number of trees.
        max_depth: The most levels of a tree.
        seed: Seed of the forest; None: another forest each time.

    Raises:
        ImportError: If scikit-learn is not installed.
        ValueError: If there is no tree, or trees have no level.
    """

    n_trees: int = 64
    max_depth: int = 64
    seed: int | None = None

    def __post_init__(self) -> None:
        self.forest()

    def forest(self) -> Forest:
        """Return the forest."""
        return Forest(self.n_trees, self.max_depth, self.seed)
