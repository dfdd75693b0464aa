"""Mean decrease of impurity: how much the splits at a parameter make the leaves of a forest purer."""

from __future__ import annotations

from dataclasses import dataclass

from raystudy.importance.base import Target, equal_importances, ranked
from raystudy.importance.features import encoded, read_sample
from raystudy.importance.forest import ForestImportanceEvaluator
from raystudy.study_reading import StudyReader

__all__ = ["MeanDecreaseImpurityImportanceEvaluator"]

_FEWEST = 2


@dataclass(frozen=True, kw_only=True)
class MeanDecreaseImpurityImportanceEvaluator(ForestImportanceEvaluator):
    """Mean decrease of impurity: the decrease of the variance within the nodes of a random forest.

    Source: Louppe et al. (2013), NeurIPS 26, by scikit-learn's ``feature_importances_``.  Interactions count for all
    that take part in them, and noise is shared out among all parameters.
    """

    def evaluate(
        self, study: StudyReader, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return the importances by parameter, the largest first; see ``get_param_importances`` for the errors."""
        sample = read_sample(study, params, target)
        if not sample.space:
            return {}
        if len(sample.targets) < _FEWEST:
            return equal_importances(sample.space)
        features, columns = encoded(sample.space, sample.internals)
        shares = self.forest().fitted(features, sample.targets).feature_importances_
        return ranked(
            {name: float(shares[each].sum()) for name, each in zip(sample.space, columns, strict=True)}
        )
