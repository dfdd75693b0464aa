"""Which parameters matter: importances of the parameters of a study, from its COMPLETE trials.

``get_param_importances(study)`` asks what had to be right to come among the best trials (PED-ANOVA).  The two other
evaluators ask how much of the variance of the objective a parameter explains, by a forest of regression trees, for
which ``pip install "raystudy[importance]"`` is needed.
"""

from raystudy.importance.base import BaseImportanceEvaluator
from raystudy.importance.fanova import FanovaImportanceEvaluator
from raystudy.importance.importances import get_param_importances
from raystudy.importance.impurity import MeanDecreaseImpurityImportanceEvaluator
from raystudy.importance.ped_anova import PedAnovaImportanceEvaluator

__all__ = [
    "BaseImportanceEvaluator",
    "FanovaImportanceEvaluator",
    "MeanDecreaseImpurityImportanceEvaluator",
    "PedAnovaImportanceEvaluator",
    "get_param_importances",
]
