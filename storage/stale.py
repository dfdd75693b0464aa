"""Trials whose process has died: failed by their missing heartbeats, and enqueued again if that is wanted.

Optuna's workers (and ask/tell loops that call ``record_heartbeat``) leave a heartbeat in the database for each
trial that they run.  raystudy's own drivers leave none: their leases do that work, and a trial without a
heartbeat is never failed here.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raystudy.creating import create_trial
from raystudy.exceptions import UpdateFinishedTrialError
from raystudy.frozen import FrozenTrial, TrialState

__all__ = [
    "HeartbeatSettings",
    "RetryFailedTrialCallback",
    "RetryHeartbeatStaleTrialCallback",
    "StaleTrialCallback",
    "fail_stale_trials",
    "heartbeat_settings",
]

#: What is called with the study and each trial that has been failed.
StaleTrialCallback = Callable[[Any, FrozenTrial], None]

# Attributes of the driver that ran the trial: they must not pass to a trial that another driver will run.
_OWN_PREFIX = "raystudy:"


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """How often heartbeats are expected, and what becomes of trials without; see ``RDBStorage``."""

    interval_s: int | None = None
    grace_s: int | None = None
    callback: StaleTrialCallback | None = None

    @property
    def patience_s(self) -> int:
        """Age in seconds above which the last heartbeat of a running trial means that its process is dead."""
        return self.grace_s if self.grace_s is not None else 2 * (self.interval_s or 0)


def heartbeat_settings(
    interval: int | None,
    grace: int | None,
    callback: StaleTrialCallback | None,
    old_callback: StaleTrialCallback | None,
) -> HeartbeatSettings:
    """Return the settings that a storage's arguments mean; ``old_callback`` is ``failed_trial_callback``.

    Raises:
        ValueError: If a time is not positive, or the callback is given under both of its names.
    """
    for name, seconds in (("heartbeat_interval", interval), ("grace_period", grace)):
        if seconds is not None and seconds <= 0:
            raise ValueError(f"expected a positive number of seconds as {name}, got {seconds}")
    if old_callback is not None:
        if callback is not None:
            raise ValueError(
                "expected heartbeat_stale_trial_callback or failed_trial_callback (its old name), got both"
            )
        _warn_old_name("failed_trial_callback", "heartbeat_stale_trial_callback", stacklevel=4)
    return HeartbeatSettings(interval, grace, callback or old_callback)


def fail_stale_trials(study: Any) -> None:
    """Fail the running trials whose last heartbeat is too old, and call the storage's callback with each.

    Does nothing for a storage without heartbeats.  Several programs may do this at once: each trial is failed,
    and its callback called, by one of them.

    Args:
        study: The ``Study`` whose trials to look at.
    """
    storage = study._storage
    interval = getattr(storage, "get_heartbeat_interval", None)  # memory dies with its trials and has none
    if interval is None or interval() is None:
        return
    failed = []
    for trial_id in storage._get_stale_trial_ids(study._study_id):
        try:
            storage.set_trial_state_values(trial_id, TrialState.FAIL)
        except (KeyError, UpdateFinishedTrialError):
            continue  # another program was faster, or the study has been deleted
        failed.append(trial_id)
    callback = storage.get_heartbeat_stale_trial_callback()
    if callback is not None:
        for trial_id in failed:
            callback(study, copy.deepcopy(storage.get_trial(trial_id)))


class RetryHeartbeatStaleTrialCallback:
    """Enqueues a trial that has died once more, with its parameters and attributes.

    The new trial names the first trial of its series in the system attribute ``failed_trial``, and all of them
    in ``retry_history``, as Optuna's does: either library runs what the other has enqueued.

    Args:
        max_retry: How often a trial is run again at most; None: without end.
        inherit_intermediate_values: Whether the new trial begins with the old one's intermediate values.
    """

    def __init__(self, max_retry: int | None = None, inherit_intermediate_values: bool = False) -> None:
        self._max_retry = max_retry
        self._inherit_intermediate_values = inherit_intermediate_values

    def __call__(self, study: Any, trial: FrozenTrial) -> None:
        """Enqueue ``trial`` in ``study`` again unless it has been retried often enough."""
        history = [*self.retry_history(trial), trial.number]
        if self._max_retry is not None and len(history) > self._max_retry:
            return
        kept = {k: v for k, v in trial.system_attrs.items() if not k.startswith(_OWN_PREFIX)}
        retry = create_trial(
            state=TrialState.WAITING,
            params=dict(trial.params),
            distributions=dict(trial.distributions),
            user_attrs=dict(trial.user_attrs),
            system_attrs={"failed_trial": trial.number, **kept, "retry_history": history},
            intermediate_values=dict(trial.intermediate_values) if self._inherit_intermediate_values else {},
        )
        study.add_trial(retry)

    @staticmethod
    def retried_trial_number(trial: FrozenTrial) -> int | None:
        """Return the number of the first trial of a series of retries, or None for a trial that is no retry."""
        number: int | None = trial.system_attrs.get("failed_trial")
        return number

    @staticmethod
    def retry_history(trial: FrozenTrial) -> list[int]:
        """Return the numbers of the trials that a trial retries, the oldest first; none for another trial."""
        return list(trial.system_attrs.get("retry_history", []))


class RetryFailedTrialCallback(RetryHeartbeatStaleTrialCallback):
    """The old name of ``RetryHeartbeatStaleTrialCallback``; warns with a FutureWarning."""

    def __init__(self, max_retry: int | None = None, inherit_intermediate_values: bool = False) -> None:
        _warn_old_name("RetryFailedTrialCallback", "RetryHeartbeatStaleTrialCallback", stacklevel=3)
        super().__init__(max_retry, inherit_intermediate_values)


def _warn_old_name(old: str, new: str, stacklevel: int) -> None:
    text = f"{old} is deprecated since Optuna 4.9 and goes in Optuna 6; use {new}"
    warnings.warn(text, FutureWarning, stacklevel=stacklevel)
