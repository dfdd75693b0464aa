"""How many epochs were trained, and how many the pruner has saved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raystudy.frozen import FrozenTrial, TrialState
from raystudy.study_reading import StudyReader
from raystudy.visualization.data.reading import BoolArray, IntArray, evenly, number_of

__all__ = ["EpochsSaved", "epochs_saved"]

_MOST_STEPS, _MOST_BARS = 2_000, 30


@dataclass(frozen=True, slots=True)
class EpochsSaved:
    """The epochs of the trials that have reported.

    Attributes:
        numbers: (n,) numbers of the trials.
        trained: (n,) epochs that each of them has trained until now.
        full: Epochs of a trial that nobody stops.
        complete: (n,) whether it is complete.
        notes: What a reader must know.
    """

    numbers: IntArray
    trained: IntArray
    full: int
    complete: BoolArray
    notes: tuple[str, ...]

    @property
    def n_trained(self) -> int:
        """Epochs trained in all."""
        return int(self.trained.sum())

    @property
    def n_without(self) -> int:
        """Epochs that the same trials would have taken without a pruner."""
        return self.full * len(self.trained)

    @property
    def share_saved(self) -> float:
        """The share of them that was saved, from 0 to 1."""
        return 1.0 - self.n_trained / self.n_without if self.n_without else 0.0

    @property
    def title(self) -> str:
        """The outcome in a line."""
        return f"{self.n_trained:,} of {number_of(self.n_without, 'epoch')} trained, {self.share_saved:.0%} saved"

    def thinned(self) -> IntArray:
        """Return the positions of the trials at which sums are drawn."""
        return evenly(len(self.numbers), _MOST_STEPS)

    def lengths(self) -> list[tuple[int, int, int]]:
        """Return how many complete and how many other trials have trained for so many epochs.

        Where there are many different lengths they are counted by ranges of them, named by their ends.
        """
        found, at = np.unique(self.trained, return_inverse=True)
        if len(found) > _MOST_BARS:
            edges = np.unique(np.linspace(0, found[-1], _MOST_BARS + 1).astype(np.int64)[1:])
            found, at = edges, np.searchsorted(edges, self.trained)
        counts = [np.bincount(at[chosen], minlength=len(found)) for chosen in (self.complete, ~self.complete)]
        return list(zip(found.tolist(), counts[0].tolist(), counts[1].tolist(), strict=True))


def epochs_saved(study: StudyReader) -> EpochsSaved:
    """Return what the trials of a study have trained, and what they would have without a pruner.

    A full trial has the pruner's ``max_resource``, else as many epochs as the longest trial.  The reports are counted
    as pruners count them: a step is an epoch, from 0 or from 1.
    """
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.intermediate_values]
    first = min((min(trial.intermediate_values) for trial in trials), default=0)
    trained = np.array([_epochs(trial, first) for trial in trials], dtype=np.int64)
    stated = getattr(study.pruner, "max_resource", None)
    longest = int(trained.max()) if len(trained) else 0
    full = max(stated, longest) if isinstance(stated, int) else longest
    n_running = sum(trial.state is TrialState.RUNNING for trial in trials)
    notes = (f"{n_running} of {len(trials)} trials are not over",) if n_running else ()
    return EpochsSaved(
        np.array([trial.number for trial in trials], dtype=np.int64),
        trained,
        full,
        np.array([trial.state is TrialState.COMPLETE for trial in trials], dtype=np.bool_),
        notes if trials else ("no trial has reported a value",),
    )


def _epochs(trial: FrozenTrial, first_step: int) -> int:
    last = trial.last_step or 0
    return last + 1 if first_step == 0 else last
