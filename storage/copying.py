"""The rows of old tables in the form of the present ones, told by the columns that the old tables have.

Knows no transaction and no names of tables: those that were set aside are handed over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from raystudy.distributions import distribution_to_json, json_to_distribution
from raystudy.exceptions import StorageInternalError
from raystudy.storages import tables
from raystudy.storages.codec import ReportKind, ValueKind, report_to_row, value_to_row

__all__ = ["COPIED", "ENUMS", "Old", "copy_rows"]

#: The tables whose rows are copied, each after those that it refers to.
COPIED = [
    table
    for table in tables.metadata.sorted_tables
    if table not in (tables.version_info, tables.alembic_version)
]
#: Columns with a type of their own on PostgreSQL, and its name there.
ENUMS = {
    column.name: column.type.name
    for table in COPIED
    for column in table.c
    if isinstance(column.type, sa.Enum)
}
Columns = dict[str, sa.ColumnElement[Any]]
#: The old tables by the names that they had.
Old = Mapping[str, sa.TableClause]

# Before 3.0 infinities were cut off at the largest float32, which MySQL rounds to six digits.
_FLOAT32_MAX, _LARGE, _ROUNDING = 3.4028234663852886e38, 1e16, 1e-5
_BATCH = 5000


def copy_rows(connection: sa.Connection, old: Old) -> None:
    """Fill the present tables, which are empty, with what the old ones hold.

    Raises:
        StorageInternalError: If a distribution cannot be read.
    """
    for table in COPIED:
        rows = _rows_of(table, old)
        if rows is None:
            continue
        if connection.dialect.name == "postgresql":
            rows = {name: sa.cast(c, table.c[name].type) if name in ENUMS else c for name, c in rows.items()}
        connection.execute(sa.insert(table).from_select(list(rows), _select(table, rows, old)))
    _mend_numbers(connection, tables.trial_values, "value", value_to_row)
    _mend_numbers(connection, tables.trial_intermediate_values, "intermediate_value", report_to_row)
    _mend_distributions(connection)
    if connection.dialect.name == "postgresql":
        for table in COPIED:
            (key,) = table.primary_key.columns
            sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
            last = sa.select(sa.func.max(key)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, last)))


def _rows_of(table: sa.Table, old: Old) -> Columns | None:
    """Return, by the names of a present table's columns, what the old tables hold for them."""
    found = _moved(table, old)
    if found is not None or table.name not in old:
        return found
    found = {c.name: old[table.name].c[c.name] for c in table.c if c.name in old[table.name].c}
    if table is tables.trials and "number" not in found:  # an attribute before 1.3
        found["number"] = _number_attribute(old)
    for name in ("value", "intermediate_value"):
        if name in found and name + "_type" not in found:
            found |= _finite(name)
    return found


def _moved(table: sa.Table, old: Old) -> Columns | None:
    """Return what another table has held before 2.4, when a study had one objective; None if it has not."""
    trials, values = old["trials"].c, old["trial_values"].c
    if table is tables.study_directions and "direction" in old["studies"].c:
        study = old["studies"].c
        return {"direction": study.direction, "study_id": study.study_id, "objective": sa.literal(0)}
    if table is tables.trial_values and "value" in trials:
        return {
            "trial_id": trials.trial_id,
            "objective": sa.literal(0),
            "value": trials.value,
            **_finite("value"),
        }
    if table is tables.trial_intermediate_values and "step" in values:
        name = "intermediate_value"
        return {"trial_id": values.trial_id, "step": values.step, name: values.value, **_finite(name)}
    return None


def _select(table: sa.Table, rows: Columns, old: Old) -> sa.Select[Any]:
    query = sa.select(*(column.label(name) for name, column in rows.items()))
    if table is tables.trial_values:
        # 2.4 has made rows without a value for unfinished trials.
        return query.where(rows["value"].is_not(None))
    if table is tables.trial_system_attributes and "number" not in old["trials"].c:
        return query.where(rows["key"] != "_number")
    return query


def _finite(name: str) -> Columns:
    return {name + "_type": sa.literal(ReportKind.FINITE.name, sa.String())}


def _number_attribute(old: Old) -> sa.ColumnElement[Any]:
    trial, attribute = old["trials"].c, old["trial_system_attributes"].c
    number = sa.select(sa.cast(attribute.value_json, sa.Integer))
    of_trial = number.where(attribute.trial_id == trial.trial_id, attribute.key == "_number")
    return of_trial.correlate(old["trials"]).scalar_subquery()


def _mend_numbers(
    connection: sa.Connection,
    table: sa.Table,
    name: str,
    to_row: Callable[[float], tuple[float | None, ValueKind | ReportKind]],
) -> None:
    """Give infinities and NaN their kinds."""
    (key,) = table.primary_key.columns
    value, kind = table.c[name], table.c[name + "_type"]
    odd = sa.or_(value > _LARGE, value < -_LARGE, value.is_(None))
    found = connection.execute(sa.select(key, value).where(kind == ReportKind.FINITE.name, odd)).all()
    rows = []
    for row_id, number in found:
        value_of_today, kind_of_today = to_row(_unlimited(number))
        rows.append({"row_id": row_id, "new_value": value_of_today, "new_kind": kind_of_today})
    if rows:
        update = sa.update(table).where(key == sa.bindparam("row_id"))
        new: dict[str, Any] = {name: sa.bindparam("new_value"), name + "_type": sa.bindparam("new_kind")}
        connection.execute(update.values(new), rows)


def _unlimited(number: float | None) -> float:
    if number is None:
        return math.nan
    cut_off = abs(abs(number) - _FLOAT32_MAX) <= _ROUNDING * _FLOAT32_MAX
    return math.copysign(math.inf, number) if cut_off else number


def _mend_distributions(connection: sa.Connection) -> None:
    """Replace the distributions that 3.0 has done away with."""
    params = tables.trial_params.c
    query = sa.select(params.param_id, params.distribution_json).order_by(params.param_id).limit(_BATCH)
    query = query.where(params.distribution_json.like('%UniformDistribution"%'))
    update = sa.update(tables.trial_params).where(params.param_id == sa.bindparam("row_id"))
    last, known = 0, dict[str, str]()
    while True:
        found = connection.execute(query.where(params.param_id > last)).all()
        if not found:
            return
        for text in {text for _, text in found} - known.keys():
            known[text] = _distribution_of_today(text)
        rows = [{"row_id": row_id, "new_text": known[text]} for row_id, text in found]
        connection.execute(update.values(distribution_json=sa.bindparam("new_text")), rows)
        last = found[-1].param_id


def _distribution_of_today(text: str) -> str:
    try:
        return distribution_to_json(json_to_distribution(text))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageInternalError(f"a parameter has a distribution that cannot be read: {error}") from error
