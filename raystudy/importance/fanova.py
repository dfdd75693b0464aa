"""fANOVA: the share of the variance of the objective that one parameter explains by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from raystudy.distributions import CategoricalDistribution
from raystudy.importance.base import Target, equal_importances, ranked
from raystudy.importance.features import encoded, read_sample
from raystudy.importance.forest import ForestImportanceEvaluator
from raystudy.importance.marginals import Tree, variance_shares
from raystudy.study_reading import StudyReader

__all__ = ["FanovaImportanceEvaluator"]

_FEWEST = 2


@dataclass(frozen=True, kw_only=True)
class FanovaImportanceEvaluator(ForestImportanceEvaluator):
    """fANOVA: how much of the variance over the whole space the mean over all other parameters has.

    The objective is replaced by a random forest, whose variances are exact (see ``marginals``).  The importances sum
    to less than 1 where parameters act together.
    """

    def evaluate(
        self, study: StudyReader, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return the importances by parameter, the largest first; see ``get_param_importances`` for the errors.

        Raises:
            RuntimeError: If the forest is constant: there is no variance to explain.
        """
        sample = read_sample(study, params, target)
        importances = dict.fromkeys(sample.space, 0.0)
        space = {name: each for name, each in sample.space.items() if not each.single()}
        if not space:
            return importances
        if len(sample.targets) < _FEWEST:
            return equal_importances(importances)
        varies = [name in space for name in sample.space]
        features, columns = encoded(space, sample.internals[:, varies])
        is_choice = [isinstance(each, CategoricalDistribution) for each in space.values()]
        parameters = list(zip(columns, is_choice, strict=True))
        forest = self.forest().fitted(features, sample.targets)
        shares = [
            variance_shares(_tree(each.tree_), features.shape[1], parameters) for each in forest.estimators_
        ]
        found = [share for share in shares if share is not None]
        if not found:
            raise RuntimeError(
                f"fANOVA: expected targets that differ, got {len(sample.targets)} that a forest cannot tell apart"
            )
        importances |= dict(zip(space, np.mean(found, axis=0).tolist(), strict=True))
        return ranked(importances)


def _tree(fitted: Any) -> Tree:
    return Tree(
        fitted.children_left, fitted.children_right, fitted.feature, fitted.threshold, fitted.value[:, 0, 0]
    )
