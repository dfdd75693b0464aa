"""How important the parameters of a study are, for each of its objectives."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from raystudy.importance import BaseImportanceEvaluator, get_param_importances
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.reading import Target, check_target, signs_of, valued_trials

__all__ = ["Importances", "importances"]

#: A smaller importance is not told in figures.
_SMALL = 0.01


@dataclass(frozen=True, slots=True)
class Importances:
    """The importances for one target.

    Attributes:
        name: Name of the target.
        params: The parameters, the least important first.
        values: Their importances.
        kinds: The classes of their distributions.
        notes: What a reader must know.
    """

    name: str
    params: tuple[str, ...]
    values: tuple[float, ...]
    kinds: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """The importances as texts."""
        return [f"{value:.2f}" if value >= _SMALL else f"<{_SMALL}" for value in self.values]


def importances(
    study: StudyReader,
    evaluator: BaseImportanceEvaluator | None,
    params: Sequence[str] | None,
    target: Target | None,
    target_name: str,
) -> list[Importances]:
    """Return the importances for the target, or for each objective if there is none; errors as of the evaluator."""
    metric_names = study.metric_names
    if target is not None or len(study.directions) == 1:
        check_target([study], target, target_name)
        name = metric_names[0] if metric_names and target is None else target_name
        return [_importances(study, evaluator, params, target, name)]
    names = metric_names or [f"{target_name} {at}" for at in range(len(study.directions))]
    with warnings.catch_warnings():
        # It says that low targets are taken for good ones, which these are.
        warnings.filterwarnings("ignore", "PED-ANOVA: low targets")
        signs = signs_of(study.directions).tolist()
        losses = [_loss(at, sign) for at, sign in enumerate(signs)]
        return [
            _importances(study, evaluator, params, loss, name)
            for loss, name in zip(losses, names, strict=True)
        ]


def _loss(at: int, sign: float) -> Target:
    return lambda trial: sign * (trial.values or [])[at]


def _importances(
    study: StudyReader,
    evaluator: BaseImportanceEvaluator | None,
    params: Sequence[str] | None,
    target: Target | None,
    name: str,
) -> Importances:
    found = valued_trials(study, target)
    if not found.trials:
        return Importances(name, (), (), (), found.notes)
    wanted = None if params is None else list(params)
    ranked = get_param_importances(study, evaluator=evaluator, params=wanted, target=target)
    kinds: dict[str, str] = {}
    for trial in found.trials:
        for param, distribution in trial.distributions.items():
            kinds.setdefault(param, type(distribution).__name__)
    order = list(reversed(ranked))
    values = tuple(float(ranked[param]) for param in order)
    return Importances(name, tuple(order), values, tuple(kinds[param] for param in order), found.notes)
