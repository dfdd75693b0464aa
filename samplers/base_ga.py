"""Base class of genetic samplers that users write: which generation a trial belongs to, and who its parents are."""

from __future__ import annotations

from abc import abstractmethod

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.samplers.hooks import BaseSampler
from raystudy.samplers.sampler_study import SamplerStudy

__all__ = ["BaseGASampler"]

#: A generation as (number, values) of its trials, and the numbers of the parents that were selected after it.
_Selected = tuple[list[tuple[int, tuple[float, ...]]], list[int]]


class BaseGASampler(BaseSampler):
    """Base class of genetic samplers that users write, beside the hooks of ``BaseSampler`` with ``select_parent``.

    The COMPLETE trials make the generations, ``population_size`` at a time in the order of their numbers; a trial that
    ends late moves into its place, and parents are then selected anew.  In Optuna a trial belongs to the generation in
    which it began, and the parents are kept in attributes of the study.

    Args:
        population_size: Trials of one generation, >= 1.
    """

    population_size: int | None = None

    def __init__(self, population_size: int | None) -> None:
        self.population_size = population_size

    @abstractmethod
    def select_parent(self, study: SamplerStudy, generation: int) -> list[FrozenTrial]:
        """Return the parents of a generation >= 1, from ``get_population`` and ``get_parent_population`` of the last.

        It is called once for each generation, and again after a trial has moved into its place.
        """

    def get_trial_generation(self, study: SamplerStudy, trial: FrozenTrial) -> int:
        """Return the generation of a COMPLETE trial, or the one that is being made, 0 for the first."""
        numbers = [each.number for each in _complete(study)]
        at = numbers.index(trial.number) if trial.number in numbers else len(numbers)
        return at // self._size()

    def get_population(self, study: SamplerStudy, generation: int) -> list[FrozenTrial]:
        """Return the COMPLETE trials of a generation, by number; do not change them."""
        begin = generation * self._size()
        return _complete(study)[begin : begin + self._size()]

    def get_parent_population(self, study: SamplerStudy, generation: int) -> list[FrozenTrial]:
        """Return the parents of a generation, none for the first."""
        if generation < 1:
            return []
        complete, size = _complete(study), self._size()
        known: list[_Selected] = self.__dict__.setdefault("_selected", [])
        for at in range(generation):  # the oldest first, so that none is more than one call deep
            members = complete[at * size : (at + 1) * size]
            facts = [(trial.number, tuple(trial.values or ())) for trial in members]
            if at == len(known) or known[at][0] != facts:
                del known[at:]
                known.append((facts, [trial.number for trial in self.select_parent(study, at + 1)]))
        by_number = {trial.number: trial for trial in complete}
        return [by_number[number] for number in known[generation - 1][1]]

    def _size(self) -> int:
        size = self.population_size
        if size is None or size < 1:
            raise ValueError(f"{self}: need population_size >= 1, got {size}")
        return size


def _complete(study: SamplerStudy) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
