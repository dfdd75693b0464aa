"""Heartbeats in a database: one row per trial with the time, by the database's clock, when it last lived.

The rows are Optuna's, written and compared as Optuna does, so that either library fails the trials of the other.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import sqlalchemy as sa

from raystudy.frozen import TrialState
from raystudy.storages.database import Database
from raystudy.storages.stale import HeartbeatSettings, StaleTrialCallback
from raystudy.storages.tables import trial_heartbeats, trials

__all__ = ["HeartbeatVerbs"]

_NOW = sa.select(sa.func.current_timestamp())
_BEATS = (
    sa.select(trials.c.trial_id, trial_heartbeats.c.heartbeat)
    .join(trial_heartbeats, trial_heartbeats.c.trial_id == trials.c.trial_id)
    .where(trials.c.study_id == sa.bindparam("study_id"), trials.c.state == TrialState.RUNNING)
    .order_by(trials.c.trial_id)
)


class HeartbeatVerbs:
    """The part of a database storage that knows heartbeats."""

    _database: Database
    _heartbeats: HeartbeatSettings

    @property
    def heartbeat_interval(self) -> int | None:
        """Time between heartbeats in seconds, or None if there are none."""
        return self._heartbeats.interval_s

    @property
    def grace_period(self) -> int | None:
        """Age of a heartbeat in seconds at which its trial counts as dead; None: twice the interval."""
        return self._heartbeats.grace_s

    @property
    def heartbeat_stale_trial_callback(self) -> StaleTrialCallback | None:
        """What is called with the study and each trial that has been failed."""
        return self._heartbeats.callback

    @property
    def failed_trial_callback(self) -> StaleTrialCallback | None:
        """The old name of ``heartbeat_stale_trial_callback``."""
        return self._heartbeats.callback

    def get_heartbeat_interval(self) -> int | None:
        """Return the time between heartbeats in seconds, or None if there are none."""
        return self._heartbeats.interval_s

    def get_heartbeat_stale_trial_callback(self) -> StaleTrialCallback | None:
        """Return what is to be called with each trial that has been failed."""
        return self._heartbeats.callback

    def get_failed_trial_callback(self) -> StaleTrialCallback | None:
        """Return the callback under the old name of ``get_heartbeat_stale_trial_callback``."""
        return self._heartbeats.callback

    def record_heartbeat(self, trial_id: int) -> None:
        """Record that a trial lives; one transaction, and any program may do so at any time."""
        row = sa.update(trial_heartbeats).where(trial_heartbeats.c.trial_id == trial_id)
        # A row that another program inserts at this moment is as good as ours.
        with suppress(sa.exc.IntegrityError), self._database.writing() as connection:
            now = _now(connection)
            if connection.execute(row.values(heartbeat=now)).rowcount == 0:
                connection.execute(sa.insert(trial_heartbeats).values(trial_id=trial_id, heartbeat=now))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        with self._database.reading() as connection:
            now = _now(connection)
            beats = connection.execute(_BEATS, {"study_id": study_id}).all()
        patience = dt.timedelta(seconds=self._heartbeats.patience_s)
        return [trial_id for trial_id, heartbeat in beats if now - heartbeat > patience]


def _now(connection: sa.Connection) -> dt.datetime:
    # PostgreSQL's clock comes with the zone of the session, in which the naive column is kept as well.
    return connection.execute(_NOW).scalar_one().replace(tzinfo=None)
