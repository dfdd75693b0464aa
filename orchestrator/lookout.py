"""What other programs do to the study: asked of the database once a second, and told to the driver.

The question (``LookAround``) and the answer (``Findings``) are plain values.  ``look`` is the only part that
touches the database: a shell calls it on a thread, so that no trial waits for it.  A look costs as much as has
changed: new trials are told by their ids, of the unfinished ones only the states are asked, and a foreign
running trial is read again only while its parameters are still coming in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from raystudy.exceptions import LeaseLost, StorageUnavailable, StudyDeleted
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages.base import Storage, StudyRecord

__all__ = ["Findings", "LookAround", "Lookout", "cause_of", "look"]

#: After so many looks without a new parameter, a foreign running trial is taken to have all of them.
_READ_AGAIN = 3


@dataclass(frozen=True, slots=True)
class LookAround:
    """Which trials to read: those with an id above ``after_id``, and of others those that have changed.

    Attributes:
        after_id: All trials up to this id are known.
        read_again: Ids of trials to read in any case.
        expected: Ids of trials to read if they are in another state by now.
    """

    after_id: int
    read_again: frozenset[int]
    expected: Mapping[int, TrialState]


@dataclass(frozen=True, slots=True)
class Findings:
    """The trials that a look has found, by number, and the ids of expected ones that exist no more."""

    trials: Sequence[FrozenTrial]
    gone: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Watched:
    state: TrialState
    n_params: int
    looks_left: int


class Lookout:
    """What is known of the trials of other programs.

    Args:
        trials: All stored trials.
        is_ours: Whether a trial is not another program's.
    """

    def __init__(self, trials: Iterable[FrozenTrial], is_ours: Callable[[FrozenTrial], bool]) -> None:
        self._is_ours = is_ours
        self._last_id = self._last_number = -1
        #: Unfinished trials of others, by id.
        self._watched: dict[int, _Watched] = {}
        self.learn(Findings(sorted(trials, key=lambda trial: trial.trial_id)))

    def question(self, own: Mapping[int, TrialState]) -> LookAround:
        """Return what to look at; ``own`` are unfinished trials of ours by id, as we know their states."""
        expected = {trial_id: watched.state for trial_id, watched in self._watched.items()}
        again = frozenset(trial_id for trial_id, watched in self._watched.items() if watched.looks_left > 0)
        return LookAround(self._last_id, again, {**expected, **own})

    def learn(self, findings: Findings) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
        """Take what was found; return the trials of others, and ours."""
        foreign, ours = [], []
        for trial_id in findings.gone:
            self._watched.pop(trial_id, None)
        for trial in findings.trials:
            if trial.trial_id > self._last_id:
                self._last_id, self._last_number = trial.trial_id, trial.number
            if self._is_ours(trial):
                self._watched.pop(trial.trial_id, None)
                ours.append(trial)
            else:
                self._watch(trial)
                foreign.append(trial)
        return foreign, ours

    def stored(self, number: int, trial_id: int) -> None:
        """Note a new trial of ours."""
        # Below a number that does not follow the last one known there are trials that no look has found yet.
        if number == self._last_number + 1:
            self._last_id, self._last_number = trial_id, number

    def _watch(self, trial: FrozenTrial) -> None:
        if trial.state.is_finished():
            self._watched.pop(trial.trial_id, None)
            return
        seen, n_params = self._watched.get(trial.trial_id), len(trial.params)
        left = _READ_AGAIN if trial.state is TrialState.RUNNING else 0
        if seen is not None and (seen.state, seen.n_params) == (trial.state, n_params):
            left = max(0, seen.looks_left - 1)
        self._watched[trial.trial_id] = _Watched(trial.state, n_params, left)


def look(storage: Storage, study: StudyRecord, order: LookAround) -> Findings | None:
    """Ask the database; None while it is out of reach (the next look finds the same).

    Raises:
        StudyDeleted: If the study is no more.
    """
    try:
        _require(storage, study)
        states = storage.read_states(order.expected)
        changed = {i for i, state in states.items() if state is not order.expected[i]}
        trials = storage.read_changes(study.study_id, order.after_id, order.read_again | changed)
    except StorageUnavailable:
        return None
    return Findings(trials, frozenset(order.expected.keys() - states.keys()))


def cause_of(error: Exception, storage: Storage, study: StudyRecord) -> Exception:
    """Return why the writer has failed: a study that is deleted takes our lease with it."""
    if isinstance(error, (KeyError, LeaseLost)):
        try:
            _require(storage, study)
        except (StudyDeleted, StorageUnavailable) as cause:
            return cause if isinstance(cause, StudyDeleted) else error
    return error


def _require(storage: Storage, study: StudyRecord) -> None:
    # By its name, too: SQLite gives the id of a deleted study to the next one.
    if storage.find_study(study.name) != study.study_id:
        raise StudyDeleted(
            f"the study {study.name!r} was deleted or renamed by another program while it was being optimised; "
            "this call is over, and what it did not return is lost"
        )
