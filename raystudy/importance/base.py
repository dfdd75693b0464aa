"""What an evaluator of importances is, and what all of them do alike."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from raystudy.frozen import FrozenTrial
from raystudy.study_reading import StudyReader

__all__ = ["BaseImportanceEvaluator", "Target", "equal_importances", "ranked"]

#: What of a trial is to be explained.
Target = Callable[[FrozenTrial], float]


class BaseImportanceEvaluator(ABC):
    """Says how important parameters are; subclass it for a rule of your own."""

    @abstractmethod
    def evaluate(
        self, study: StudyReader, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return the importances by parameter, numbers of at least 0 that need not sum to 1.

        Args:
            study: The study.
            params: The parameters to assess; default: those that the evaluator can.
            target: What of a trial is to be explained; default: its objective value.
        """


def equal_importances(names: Iterable[str]) -> dict[str, float]:
    """Return zeros, with a warning: too few trials say anything."""
    warnings.warn(
        "importances need at least two COMPLETE trials with finite values that have the parameters; all come out equal",
        UserWarning,
        stacklevel=4,
    )
    return dict.fromkeys(names, 0.0)


def ranked(importances: Mapping[str, float]) -> dict[str, float]:
    """Return importances from the largest to the smallest; equal ones keep their order."""
    return dict(sorted(importances.items(), key=lambda item: -item[1]))
