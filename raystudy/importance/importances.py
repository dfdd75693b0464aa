"""The importances of the parameters of a study."""

from __future__ import annotations

from raystudy.importance.base import BaseImportanceEvaluator, Target, ranked
from raystudy.importance.ped_anova import PedAnovaImportanceEvaluator
from raystudy.study_reading import StudyReader

__all__ = ["get_param_importances"]


def get_param_importances(
    study: StudyReader,
    *,
    evaluator: BaseImportanceEvaluator | None = None,
    params: list[str] | None = None,
    target: Target | None = None,
    normalize: bool = True,
) -> dict[str, float]:
    """Return how important parameters are, from the most important one to the least.

    Args:
        study: The study; its COMPLETE trials with finite values count.
        evaluator: How importance is measured; default: ``PedAnovaImportanceEvaluator()``.
        params: The parameters to assess.  Default: with PED-ANOVA all that a COMPLETE trial has, with forests those
            that all of them have with one and the same distribution.
        target: What of a trial is to be explained, such as ``lambda trial: trial.duration.total_seconds()``; for
            PED-ANOVA low targets are good.  Default: the objective value; several of them need a target, except
            with PED-ANOVA, which then asks what brings a trial to the Pareto front.
        normalize: Whether the importances are scaled to sum to 1; if all are 0, they come out equal.

    Raises:
        TypeError: If ``evaluator`` is no evaluator, or ``params`` is no list of names.
        ValueError: If no COMPLETE trial has the ``params``, or several objectives need a ``target``.
    """
    evaluator = PedAnovaImportanceEvaluator() if evaluator is None else evaluator
    if not isinstance(evaluator, BaseImportanceEvaluator):
        raise TypeError(f"evaluator: expected a BaseImportanceEvaluator, got {evaluator!r}")
    importances = ranked(evaluator.evaluate(study, params=params, target=target))
    if not normalize:
        return importances
    total = sum(importances.values())
    return {name: value / total if total else 1.0 / len(importances) for name, value in importances.items()}
