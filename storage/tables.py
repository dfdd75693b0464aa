"""The tables of Optuna 5 (schema 12), declared column by column so that the DDL is the same.

Nothing here may change while Optuna's schema does not: a test compares the DDL with Optuna's own.  Rows of
other tables are deleted before the rows that they refer to, because no foreign key cascades.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import sqlalchemy as sa

from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages.codec import ReportKind, ValueKind
from raystudy.suggesting import MAX_NAME_LENGTH

__all__ = [
    "ALEMBIC_VERSION",
    "LIBRARY_VERSION",
    "SCHEMA_VERSION",
    "alembic_version",
    "metadata",
    "studies",
    "study_directions",
    "study_system_attributes",
    "study_user_attributes",
    "trial_heartbeats",
    "trial_intermediate_values",
    "trial_params",
    "trial_system_attributes",
    "trial_user_attributes",
    "trial_values",
    "trials",
    "version_info",
]

SCHEMA_VERSION = 12
ALEMBIC_VERSION = "v3.2.0.a"
#: The Optuna release whose encodings we write.  Optuna shows it in one error text and does not compare it.
LIBRARY_VERSION = "5.0.0"

metadata = sa.MetaData()


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, primary_key=True)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(MAX_NAME_LENGTH))


def _double(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(precision=53))


def _enum(name: str, members: type[Enum], type_name: str) -> sa.Column[Any]:
    # Members are stored by name; type_name is the name of the native type on PostgreSQL.
    return sa.Column(name, sa.Enum(members, name=type_name), nullable=False)


def _study(*, nullable: bool = True, index: bool = False) -> sa.Column[Any]:
    target = sa.ForeignKey("studies.study_id")
    return sa.Column("study_id", sa.Integer, target, nullable=nullable, index=index or None)


def _trial(*, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column("trial_id", sa.Integer, sa.ForeignKey("trials.trial_id"), nullable=nullable)


def _attributes(owner: str, kind: str, reference: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        f"{owner}_{kind}_attributes",
        metadata,
        _key(f"{owner}_{kind}_attribute_id"),
        reference,
        _text("key"),
        sa.Column("value_json", sa.Text()),
        sa.UniqueConstraint(f"{owner}_id", "key"),
    )


studies = sa.Table(
    "studies",
    metadata,
    _key("study_id"),
    sa.Column("study_name", sa.String(MAX_NAME_LENGTH), index=True, unique=True, nullable=False),
)

study_directions = sa.Table(
    "study_directions",
    metadata,
    _key("study_direction_id"),
    _enum("direction", StudyDirection, "studydirection"),
    _study(nullable=False),
    sa.Column("objective", sa.Integer, nullable=False),
    sa.UniqueConstraint("study_id", "objective"),
)

study_user_attributes = _attributes("study", "user", _study())
study_system_attributes = _attributes("study", "system", _study())

trials = sa.Table(
    "trials",
    metadata,
    _key("trial_id"),
    sa.Column("number", sa.Integer),
    _study(index=True),
    _enum("state", TrialState, "trialstate"),
    sa.Column("datetime_start", sa.DateTime),
    sa.Column("datetime_complete", sa.DateTime),
)

trial_user_attributes = _attributes("trial", "user", _trial())
trial_system_attributes = _attributes("trial", "system", _trial())

trial_params = sa.Table(
    "trial_params",
    metadata,
    _key("param_id"),
    _trial(),
    _text("param_name"),
    _double("param_value"),
    sa.Column("distribution_json", sa.Text()),
    sa.UniqueConstraint("trial_id", "param_name"),
)

trial_values = sa.Table(
    "trial_values",
    metadata,
    _key("trial_value_id"),
    _trial(nullable=False),
    sa.Column("objective", sa.Integer, nullable=False),
    _double("value"),
    _enum("value_type", ValueKind, "trialvaluetype"),
    sa.UniqueConstraint("trial_id", "objective"),
)

trial_intermediate_values = sa.Table(
    "trial_intermediate_values",
    metadata,
    _key("trial_intermediate_value_id"),
    _trial(nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    _double("intermediate_value"),
    _enum("intermediate_value_type", ReportKind, "trialintermediatevaluetype"),
    sa.UniqueConstraint("trial_id", "step"),
)

#: Our drivers write none: a stale row lets a foreign worker fail the trial, and leases do the work.
trial_heartbeats = sa.Table(
    "trial_heartbeats",
    metadata,
    _key("trial_heartbeat_id"),
    _trial(nullable=False),
    sa.Column("heartbeat", sa.DateTime, nullable=False),
    sa.UniqueConstraint("trial_id"),
)

version_info = sa.Table(
    "version_info",
    metadata,
    sa.Column("version_info_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("schema_version", sa.Integer),
    sa.Column("library_version", sa.String(256)),
    sa.CheckConstraint("version_info_id=1"),
)

alembic_version = sa.Table(
    "alembic_version",
    metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
