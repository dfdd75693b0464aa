"""What a search problem is: an objective that asks for its parameters as it goes, and what its values are worth.

All objectives are losses (lower is better).  What an objective *tells* may be noisy; a search is judged by what is
*expected* of the trials that it found.  Both libraries' trials have the methods of ``Suggester``, and so has
``Draw``, which draws uniformly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.search_quality.hypervolume import hypervolume

__all__ = ["Draw", "FloatArray", "Judgement", "Outcome", "Problem", "Suggester", "exact"]

FloatArray = npt.NDArray[np.float64]

#: Uniform draws of which the median is the typical loss; with several objectives few are worse than it.
_N_TYPICAL = 1001
_QUANTILE, _QUANTILE_OF_SEVERAL = 0.5, 0.9


class Suggester(Protocol):
    """What an objective may ask a trial for."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a real number."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return an integer."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return a choice."""


class Draw:
    """A trial whose parameters are uniform draws (on the logarithm, where it asks for that).

    Attributes:
        params: What has been drawn.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.params: dict[str, Any] = {}
        self._rng = rng

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a real number."""
        if step is not None:
            value = low + step * int(self._rng.integers(round((high - low) / step) + 1))
        elif log:
            value = math.exp(self._rng.uniform(math.log(low), math.log(high)))
        else:
            value = self._rng.uniform(low, high)
        self.params[name] = min(max(value, low), high)
        return float(self.params[name])

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return an integer."""
        if log:
            value = round(math.exp(self._rng.uniform(math.log(low - 0.5), math.log(high + 0.5))))
        else:
            value = low + step * int(self._rng.integers((high - low) // step + 1))
        self.params[name] = min(max(value, low), high)
        return int(self.params[name])

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return a choice."""
        self.params[name] = choices[int(self._rng.integers(len(choices)))]
        return self.params[name]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial came to.

    Attributes:
        told: What the sampler is told, one loss per objective.
        expected: What is expected of its parameters; no sampler sees it.
    """

    told: tuple[float, ...]
    expected: tuple[float, ...]


def exact(*losses: float) -> Outcome:
    """Return the outcome of a trial without noise."""
    return Outcome(losses, losses)


@dataclass(frozen=True)
class Problem:
    """A search problem.

    Attributes:
        name: Its name, unique among all problems.
        evaluate: Its objective; the generator is the luck of the trial.
        best: The least expected loss; for several objectives the least loss of each.
        floor: A regret below it makes no difference to anybody, and counts as that.
        front: For several objectives: (n, k), the best trade-offs, or their hypervolume on the scale of
            ``Judgement`` where there are infinitely many.
        conditional: Whether some parameters are there only where others have certain values.
        given_typical: The losses that count as 1; None: found by uniform draws.
    """

    name: str
    evaluate: Callable[[Suggester, np.random.Generator], Outcome]
    best: tuple[float, ...]
    floor: float = 1e-3
    front: FloatArray | float = field(default=0.0, compare=False)
    conditional: bool = False
    given_typical: tuple[float, ...] | None = None

    @property
    def n_objectives(self) -> int:
        """How many losses a trial has."""
        return len(self.best)

    @cached_property
    def typical(self) -> tuple[float, ...]:
        """Of each objective the expected loss that counts as 1."""
        if self.given_typical is not None:
            return self.given_typical
        rng = np.random.default_rng(0)
        draws = [self.evaluate(Draw(rng), rng).expected for _ in range(_N_TYPICAL)]
        quantile = _QUANTILE if self.n_objectives == 1 else _QUANTILE_OF_SEVERAL
        return tuple(np.quantile(np.array(draws), quantile, axis=0).tolist())

    def scaled(self, losses: Sequence[float]) -> FloatArray:
        """Return losses on the scale where 0 is the best and 1 the typical one, (k,)."""
        best, typical = np.array(self.best), np.array(self.typical)
        scaled: FloatArray = (np.array(losses, dtype=np.float64) - best) / (typical - best)
        return scaled

    @cached_property
    def largest_hypervolume(self) -> float:
        """The hypervolume of the best trade-offs, on the unit scale with respect to the typical losses."""
        if isinstance(self.front, float):
            return self.front
        return hypervolume(np.array([self.scaled(losses) for losses in self.front]))


class Judgement:
    """How good a search is so far.

    With one objective: the regret of what is expected of the trial that *told* the least, 0 at the best and 1 at
    the typical loss.  With several: the part of the largest hypervolume that is missing.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._least, self._regret = math.inf, math.inf
        self._points: list[FloatArray] = []

    def add(self, outcome: Outcome) -> None:
        """Take a finished trial."""
        if self._problem.n_objectives > 1:
            self._points.append(self._problem.scaled(outcome.expected))
        elif outcome.told[0] < self._least:
            self._least = outcome.told[0]
            self._regret = float(self._problem.scaled(outcome.expected)[0])

    def regret(self) -> float:
        """Return the regret, at least the problem's floor."""
        if self._problem.n_objectives > 1:
            found = hypervolume(np.array(self._points))
            return max(self._problem.floor, 1.0 - found / self._problem.largest_hypervolume)
        return max(self._problem.floor, self._regret)
