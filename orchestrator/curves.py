"""Learning curves for the simulator: what a user's function returns, and those that earlier trials recorded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.trial import Trial

__all__ = ["CurveFunction", "CurveStep", "Playback", "RecordedCurves"]

#: A value, or a pair of a value and the seconds that it took.
CurveItem = float | tuple[float, float]
Curve = Iterable[CurveItem] | Mapping[int, CurveItem]
CurveFunction = Callable[[Trial], Curve]


@dataclass(frozen=True, slots=True)
class CurveStep:
    """One step of a training: the value that it reports, and the seconds from the report before."""

    step: int
    value: float
    seconds: float


class Playback:
    """The curve of one trial, played step by step; a later attempt goes on where the one before has stopped.

    Args:
        number: Number of the trial, for error messages.
        curve: Values by step from 0, or a mapping of steps to values; a generator is run only as far as needed.
        epoch_s: Seconds from one report to the next, where the curve does not say.
        max_steps: The training ends after so many reports; None for the length of the curve.

    Attributes:
        result: The objective value, once the curve has ended: what a generator returns, else its last value.
    """

    def __init__(self, number: int, curve: Curve, epoch_s: float, max_steps: int | None) -> None:
        if isinstance(curve, (str, bytes)) or not isinstance(curve, Iterable):
            raise TypeError(
                f"expected the curve of trial {number} as values by step (a sequence, a generator, or a mapping "
                f"of steps to values), got {curve!r}"
            )
        self.result: object = None
        self._number = number
        self._items = _items(curve)
        self._epoch_s = epoch_s
        self._left = math.inf if max_steps is None else max_steps

    def advance(self) -> CurveStep | None:
        """Return the next step, or None at the end of the curve.

        Raises:
            TypeError: If the curve yields anything but numbers and pairs of numbers.
            ValueError: If the time of a step is negative or no number.
        """
        if self._left <= 0:
            return None
        try:
            step, item = next(self._items)
        except StopIteration as end:
            self.result = self.result if end.value is None else end.value
            self._left = 0
            return None
        self._left -= 1
        value, seconds = item if isinstance(item, tuple) else (item, self._epoch_s)
        try:
            played = CurveStep(step, float(value), float(seconds))
        except (TypeError, ValueError):
            raise TypeError(
                f"expected step {step} of trial {self._number}'s curve to be a value, or a pair of a value and its "
                f"seconds, got {item!r}"
            ) from None
        if not 0 <= played.seconds < math.inf:
            raise ValueError(
                f"expected step {step} of trial {self._number} to take >= 0 seconds, got {played.seconds}"
            )
        self.result = played.value
        return played


def _items(curve: Curve) -> Generator[tuple[int, CurveItem], None, object]:
    if isinstance(curve, Mapping):
        yield from sorted(curve.items())
        return None
    iterator = iter(curve)
    for step in itertools.count():
        try:
            item = next(iterator)
        except StopIteration as end:
            return end.value
        yield step, item
    return None


class RecordedCurves:
    """The curves of COMPLETE trials that have reported, played again in the order of their numbers.

    A report takes as long as the reports of its trial took on average.

    Args:
        trials: Trials of an earlier study, best one without pruning: a curve ends where its trial ended.

    Raises:
        ValueError: If none of them is COMPLETE with reports.
    """

    def __init__(self, trials: Iterable[FrozenTrial]) -> None:
        self.trials = [
            trial
            for trial in sorted(trials, key=lambda trial: trial.number)
            if trial.state is TrialState.COMPLETE and trial.intermediate_values
        ]
        if not self.trials:
            raise ValueError(
                "expected COMPLETE trials that have reported intermediate values, got none; "
                "run a few trials without a pruner first, or give a function that returns curves"
            )

    def __call__(self, trial: Trial) -> Curve:
        """Return the curve of the recorded trial of the same position, whose parameters were enqueued."""
        recorded = self.trials[trial.number]
        for name, distribution in recorded.distributions.items():
            trial._suggest(name, distribution)
        duration_s = 0.0 if recorded.duration is None else recorded.duration.total_seconds()
        seconds = duration_s / len(recorded.intermediate_values)
        return {step: (value, seconds) for step, value in recorded.intermediate_values.items()}
