"""Stopping trials that a signed-rank test finds worse than the best, as ``optuna.pruners.WilcoxonPruner`` (5.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from raystudy.frozen import StudyDirection, TrialState
from raystudy.pruners.base import Learning, PastTrial, StudyFacts
from raystudy.pruners.checks import require_at_least, require_numbers
from raystudy.pruners.dealing import Dealer
from raystudy.pruners.reports import Reports
from raystudy.pruners.stop_pruner import StopPruner
from raystudy.pruners.stopping import StopRule

__all__ = ["WilcoxonPruner", "p_value"]

#: The test needs so many pairs.
_FEWEST_PAIRS = 2
#: Up to so many pairs scipy goes through all signs where there are ties, which takes it tens of milliseconds.
_FEW_PAIRS = 13


@dataclass(frozen=True)
class WilcoxonPruner(StopPruner):
    """Stops a trial whose values are worse than those of the best trial, by Wilcoxon's signed-rank test.

    For objectives that are a mean over many instances (folds, seeds, questions): report each value with the
    instance as its step, in any order.  The values of the best complete trial (ties: the smaller number) are paired
    with this trial's at the same steps.  A trial whose mean is no worse than the best trial's goes on, whatever the
    test says.  Infinite values and NaN, in this trial or in the best one, stop nobody.

    Attributes:
        p_threshold: The trial ends at a p-value below it; from 0 to 1.
        n_startup_steps: Nothing is stopped with fewer pairs (at least two).

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If ``n_startup_steps`` is no number.
    """

    p_threshold: float = field(default=0.1, kw_only=True)
    n_startup_steps: int = field(default=2, kw_only=True)

    def __post_init__(self) -> None:
        if not 0 <= self.p_threshold <= 1:
            raise ValueError(f"expected 0 <= p_threshold <= 1, got {self.p_threshold!r}")
        object.__setattr__(self, "p_threshold", float(self.p_threshold))
        require_numbers(self, "n_startup_steps")
        require_at_least(self, 0, "n_startup_steps")

    def rule(self, direction: StudyDirection, study: StudyFacts) -> StopRule:  # noqa: ARG002
        """Return when a trial should end."""
        return _WilcoxonRule(self, direction)


class _WilcoxonRule:
    learns = Learning.RESULTS
    dealer: Dealer | None = None

    def __init__(self, pruner: WilcoxonPruner, direction: StudyDirection) -> None:
        self._pruner = pruner
        self._sign = -1 if direction is StudyDirection.MAXIMIZE else 1
        #: Value (smaller is better), number and reports of the best complete trial.
        self._best: tuple[float, int, Mapping[int, float]] | None = None

    def should_stop(self, trial: Reports) -> bool:
        """Pair the trial with the best one."""
        if self._best is None:
            return False
        best = self._best[2]
        mine, theirs = np.array(list(trial.values.values())), np.array(list(best.values()))
        if not len(theirs) or not np.isfinite(mine).all() or not np.isfinite(theirs).all():
            return False
        pairs = [(trial.values[step], best[step]) for step in trial.steps if step in best]
        if len(pairs) < max(_FEWEST_PAIRS, self._pruner.n_startup_steps):
            return False
        if self._sign * sum(mine) / len(mine) <= self._sign * sum(theirs) / len(theirs):
            return False
        p, limit = p_value(self._sign * np.array([a - b for a, b in pairs])), self._pruner.p_threshold
        return p < limit and trial.because(
            f"it is worse than trial {self._best[1]}, the best one, on {len(pairs)} common steps "
            f"(signed-rank test, p = {p:.3g} < {limit:g})"
        )

    def learn(self, trial: PastTrial) -> None:
        """Keep the best complete trial."""
        if trial.state is TrialState.COMPLETE and trial.value is not None:
            found = self._sign * trial.value, trial.number, trial.reports
            if self._best is None or found[:2] < self._best[:2]:
                self._best = found


def p_value(differences: npt.NDArray[np.float64]) -> float:
    """Return the p-value of the signed-rank test whose alternative is that the differences are positive.

    Half the ranks of pairs without a difference count for either side ("zsplit"), so that the test has an answer
    where there is no other.  As ``scipy.stats.wilcoxon``, but that few pairs with ties, where all signs are equally
    likely to begin with, are counted in microseconds.

    Args:
        differences: (n,) float64, finite.
    """
    sizes = np.abs(differences)
    tied = len(np.unique(sizes)) < len(sizes) or 0 in sizes
    if not tied or len(sizes) > _FEW_PAIRS:
        return float(stats.wilcoxon(differences, alternative="greater", zero_method="zsplit").pvalue)
    ranks = np.rint(2 * stats.rankdata(sizes)).astype(
        int
    )  # doubled, so that the means of tied ranks are whole
    seen = int(ranks[differences > 0].sum())  # what a zero adds is the same for all signs
    ways = np.zeros(int(ranks.sum()) + 1)  # number of signs of the pairs so far, by the sum of positive ranks
    ways[0] = 1
    for rank in ranks[differences != 0]:
        flipped = ways.copy()
        flipped[rank:] += ways[:-rank]
        ways = flipped
    return float(ways[seen:].sum() / ways.sum())
