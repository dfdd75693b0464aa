"""Asynchronous successive halving that only stops, by Optuna's rule of steps.

Rung k of a bracket with the early-stopping rate s lies at the step ``r * eta**(s + k)``, r being the smallest
resource; there is no last rung.  A trial that reaches it goes on if its value is among the best ``n // eta`` of
the n values recorded there so far, its own included, and at least if it is the best (Li et al. 2020, arXiv
1810.05934, without promotions).  Steps are compared as they are reported, whether they count from 0 or from 1.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import Learning, PastTrial
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports

__all__ = ["RungRule"]


class RungRule:
    """When a trial of a bracket should end.

    Args:
        direction: Whether small or large values are better.
        eta: The reduction factor.
        min_resource: r; None to take a hundredth of the last step of the first complete trial, at least 1.
        rate: s of the first bracket; each further one has one more.
        bootstrap_count: A trial stops at a rung where not more values than this are recorded.
        sizes: The sizes of the brackets, or a function that gives them for the resource of the first complete
            trial (its last step + 1): trials created before that is known are in no bracket and run on.
    """

    learns = Learning.NOTHING

    def __init__(
        self,
        direction: StudyDirection,
        eta: int,
        min_resource: int | None,
        rate: int,
        bootstrap_count: int,
        sizes: Sequence[int] | Callable[[int], Sequence[int]],
    ) -> None:
        self._sign = -1 if direction is StudyDirection.MAXIMIZE else 1
        self._eta, self._rate, self._bootstrap_count = eta, rate, bootstrap_count
        self._min_resource = min_resource
        self._sizes_for = sizes if callable(sizes) else None
        self.dealer: Dealer | None
        self._dealer = self.dealer = Dealer(() if callable(sizes) else sizes)
        #: Values by place in the cycle and rung, sorted, smaller ones better.
        self._recorded: dict[tuple[int, int], list[float]] = {}

    def should_stop(self, trial: Reports) -> bool:
        """Record the newest value at all rungs that it reaches, up to the first at which the trial should end."""
        if trial.bracket is None or self._min_resource is None or not self._dealer.sizes:
            return False
        place = trial.bracket % len(self._dealer.sizes)
        step, value = trial.steps[-1], self._sign * trial.latest
        while step >= self._min_resource * self._eta ** (self._rate + place + trial.rung):
            if math.isnan(value):
                return trial.because("its value is NaN")
            recorded = self._recorded.setdefault((place, trial.rung), [])
            insort(recorded, value)
            trial.rung += 1
            n_going_on = max(1, len(recorded) // self._eta)
            trial.grounds = {
                "budget": self._min_resource * self._eta ** (self._rate + place + trial.rung - 1),
                "rank": bisect_left(recorded, value) + 1,
                "of": len(recorded),
                "places": 0 if len(recorded) <= self._bootstrap_count else n_going_on,
            }
            if len(recorded) <= self._bootstrap_count or value > recorded[n_going_on - 1]:
                return True
        return False

    def learn(self, trial: PastTrial) -> None:
        """Find out from the first complete trial what was left to be found out."""
        if trial.state is not TrialState.COMPLETE or not trial.reports:
            return
        last_step = max(trial.reports)
        if self._min_resource is None:
            self._min_resource = max(last_step // 100, 1)
        if not self._dealer.sizes and self._sizes_for is not None:
            self._dealer.sizes = tuple(self._sizes_for(last_step + 1))
