"""The parameters that trials share, under Optuna's names, for samplers that users write."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol

from raystudy.distributions import Distribution
from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["IntersectionSearchSpace", "intersection_search_space"]


class _Study(Protocol):
    def get_trials(self, deepcopy: bool = True) -> Sequence[FrozenTrial]:
        """Return the trials by number."""


def intersection_search_space(
    trials: Sequence[FrozenTrial], include_pruned: bool = False
) -> dict[str, Distribution]:
    """Return the parameters that all COMPLETE trials have with one and the same distribution, sorted by name.

    Args:
        trials: The trials.
        include_pruned: Whether PRUNED ones count, too.
    """
    shared: dict[str, Distribution] | None = None
    for trial in trials:
        if trial.state is TrialState.COMPLETE or (include_pruned and trial.state is TrialState.PRUNED):
            mine = trial.distributions
            known = mine if shared is None else shared
            shared = {name: each for name, each in known.items() if mine.get(name) == each}
    return dict(sorted((shared or {}).items()))


class IntersectionSearchSpace:
    """``intersection_search_space`` of one study, again and again; each trial is looked at once after its end.

    Args:
        include_pruned: Whether PRUNED trials count, too.
    """

    def __init__(self, include_pruned: bool = False) -> None:
        self._include_pruned = include_pruned
        self._seen: set[int] = set()
        self._shared: dict[str, Distribution] | None = None
        self._study_name: str | None = None

    def calculate(self, study: _Study, use_cache: bool = False) -> dict[str, Distribution]:  # noqa: ARG002
        """Return the parameters that the trials share by now, sorted by name.

        Args:
            study: The study; the same one each time.
            use_cache: Without effect: trials are at hand in any case.

        Raises:
            ValueError: If it is another study than before.
        """
        name = getattr(study, "study_name", None)
        if self._study_name not in (None, name):
            raise ValueError(
                f"IntersectionSearchSpace: expected the study {self._study_name!r} as before, got {name!r}; "
                "make one for each study"
            )
        self._study_name = name
        new = [t for t in study.get_trials(deepcopy=False) if t.number not in self._seen]
        new = [trial for trial in new if trial.state.is_finished()]
        self._seen.update(trial.number for trial in new)
        if any(self._counts(trial) for trial in new):
            shared = intersection_search_space(new, self._include_pruned)
            known = shared if self._shared is None else self._shared
            self._shared = {key: each for key, each in known.items() if shared.get(key) == each}
        return copy.copy(self._shared or {})

    def _counts(self, trial: FrozenTrial) -> bool:
        return trial.state is TrialState.COMPLETE or (
            self._include_pruned and trial.state is TrialState.PRUNED
        )
