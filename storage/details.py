"""Parameters, values, reports and attributes of many trials as arrays: one pass over each table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from raystudy.storages import tables
from raystudy.storages.codec import ReportKind, attribute_from_json, distribution_from_row, number_from_row
from raystudy.storages.columns import Columns, ParamRows, ReportRows, is_wanted
from raystudy.storages.rows import TRIALS_AT_ONCE, TrialRows, fetch, listed, raw

__all__ = ["AttrRows", "read_columns", "system_attr_rows", "user_attr_rows"]

# Where ids lie further apart, a list of them is quicker to send than the rows in between are to read.
_SPREAD = 4

Array = npt.NDArray[Any]
#: One chunk of raw columns in, the same columns as arrays out; also of no rows.
Convert = Callable[..., tuple[Array, ...]]


class _Keys(Enum):
    """Which attributes a query asks for."""

    ALL = "all"
    LISTED = "those of a list"
    BEGINNING = "those whose keys begin alike"


class _Details:
    """Queries for the rows of a detail table: by a list of trial ids, or by a range of them."""

    def __init__(self, table: sa.Table, *columns: str, keys: _Keys = _Keys.ALL) -> None:
        owner, key = table.c.trial_id, next(iter(table.primary_key))
        query = sa.select(owner, key, *(raw(table.c[name]) for name in columns))
        if keys is _Keys.LISTED:
            query = query.where(table.c.key.in_(sa.bindparam("keys", expanding=True)))
        elif keys is _Keys.BEGINNING:
            query = query.where(table.c.key.like(sa.bindparam("pattern")))
        self.n_columns = len(columns)
        self.by_ids = query.where(listed(owner, "trial_ids"))
        # Without a join: what other studies have in this range is dropped here, which is less to do.
        self.by_range = query.where(owner.between(sa.bindparam("low"), sa.bindparam("high")))


_VALUES = _Details(tables.trial_values, "objective", "value", "value_type")
_PARAMS = _Details(tables.trial_params, "param_name", "param_value", "distribution_json")
_USER_ATTRS = _Details(tables.trial_user_attributes, "key", "value_json")
_SYSTEM_ATTRS = _Details(tables.trial_system_attributes, "key", "value_json")
_SOME_SYSTEM_ATTRS = _Details(tables.trial_system_attributes, "key", "value_json", keys=_Keys.LISTED)
_PREFIXED_SYSTEM_ATTRS = _Details(tables.trial_system_attributes, "key", "value_json", keys=_Keys.BEGINNING)
_REPORTS = _Details(tables.trial_intermediate_values, "step", "intermediate_value", "intermediate_value_type")


@dataclass(frozen=True, slots=True, eq=False)
class AttrRows:
    """Attributes of many trials, flat: ``rows`` (a,) int32 ascending, ``keys`` and JSON ``texts`` (a,) object."""

    rows: npt.NDArray[np.int32]
    keys: Array
    texts: Array


def _objective_values(
    connection: sa.Connection, trial_ids: npt.NDArray[np.int64], n_objectives: int | None
) -> npt.NDArray[np.float64]:
    rows, objectives, values = _details(connection, _VALUES, trial_ids, _to_numbers)
    width = objectives.max(initial=0) + 1 if n_objectives is None else n_objectives
    table = np.full((len(trial_ids), width), np.nan)
    table[rows, objectives] = values
    return table


def _param_rows(connection: sa.Connection, trial_ids: npt.NDArray[np.int64]) -> ParamRows:
    """Return the parameters of some trials."""
    kind_of: dict[tuple[str, str], int] = {}

    def to_kinds(names: Sequence[str], internals: Sequence[float], texts: Sequence[str]) -> tuple[Array, ...]:
        kinds = [kind_of.setdefault(each, len(kind_of)) for each in zip(names, texts, strict=True)]
        return np.array(kinds, np.int32), np.array(internals, np.float64)

    rows, kinds, internals = _details(connection, _PARAMS, trial_ids, to_kinds)
    space = [(name, distribution_from_row(name, text)) for name, text in kind_of]
    # The order of the rows, in which kinds were met, is the database's; that of the trials is not.
    first = np.full(len(space), len(kinds))
    first[kinds[::-1]] = np.arange(len(kinds))[::-1]
    order = np.argsort(first, kind="stable")
    new_kinds = np.argsort(order).astype(np.int32)[kinds]
    ours = order[first[order] < len(kinds)].tolist()  # not those of other studies alone
    return ParamRows(rows, new_kinds, internals, tuple(space[kind] for kind in ours))


def _report_rows(connection: sa.Connection, trial_ids: npt.NDArray[np.int64]) -> ReportRows:
    """Return the intermediate values of some trials."""
    return ReportRows(*_details(connection, _REPORTS, trial_ids, _to_numbers))


def user_attr_rows(connection: sa.Connection, trial_ids: npt.NDArray[np.int64]) -> AttrRows:
    """Return the user attributes of some trials."""
    return _attr_rows(connection, _USER_ATTRS, trial_ids)


def system_attr_rows(connection: sa.Connection, trial_ids: npt.NDArray[np.int64]) -> AttrRows:
    """Return the system attributes of some trials."""
    return _attr_rows(connection, _SYSTEM_ATTRS, trial_ids)


def read_columns(
    connection: sa.Connection, heads: TrialRows, n_objectives: int | None, system_attrs: Collection[str]
) -> Columns:
    """Return the columns of some trials, with the system attributes of some keys.

    ``n_objectives=None`` makes the objective values as wide as the most that one of the trials has.
    """
    ids = heads.trial_ids
    return Columns(
        trial_ids=ids,
        numbers=heads.numbers,
        states=heads.states,
        values=_objective_values(connection, ids, n_objectives),
        starts=heads.starts,
        completes=heads.completes,
        params=_param_rows(connection, ids),
        reports=_report_rows(connection, ids),
        system_attrs=_some_system_attrs(connection, ids, system_attrs),
    )


def _some_system_attrs(
    connection: sa.Connection, trial_ids: npt.NDArray[np.int64], wanted: Collection[str]
) -> dict[str, dict[int, Any]]:
    exact = [key for key in wanted if not key.endswith(":")]
    asked: list[tuple[_Details, dict[str, Any]]] = [
        (_PREFIXED_SYSTEM_ATTRS, {"pattern": f"{key}%"}) for key in wanted if key.endswith(":")
    ]
    if exact:
        asked.append((_SOME_SYSTEM_ATTRS, {"keys": exact}))
    attrs: dict[str, dict[int, Any]] = {key: {} for key in exact}
    for details, filters in asked:
        found = _attr_rows(connection, details, trial_ids, filters)
        for row, key, text in zip(found.rows.tolist(), found.keys, found.texts, strict=True):
            if is_wanted(key, wanted):  # databases may compare keys without regard to case
                attrs.setdefault(key, {})[row] = attribute_from_json(text)
    return attrs


def _details(
    connection: sa.Connection,
    details: _Details,
    trial_ids: npt.NDArray[np.int64],
    convert: Convert,
    filters: dict[str, Any] | None = None,
) -> tuple[Array, ...]:
    """Return the rows of a detail table as arrays: first the row of the trial in ``trial_ids``, then the columns.

    The order is that of the trials and, within one, that in which the rows were inserted.
    """
    nothing = np.array([], np.int64)
    parts = [(nothing, nothing, *convert(*((),) * details.n_columns))]
    for chunk in _chunks_of(connection, details, trial_ids, filters or {}):
        chunk_owners, chunk_keys, *columns = zip(*chunk, strict=True)
        parts.append((np.array(chunk_owners, np.int64), np.array(chunk_keys, np.int64), *convert(*columns)))
    owners, keys, *arrays = _joined(parts)
    rows = np.searchsorted(trial_ids, owners).astype(np.int32)
    is_ours = trial_ids[np.minimum(rows, len(trial_ids) - 1)] == owners if len(rows) else rows == 0
    order = np.flatnonzero(is_ours)
    order = order[np.lexsort((keys[order], rows[order]))]
    if len(order) == len(rows) and bool((order[1:] > order[:-1]).all()):
        return rows, *arrays
    return rows[order], *(each[order] for each in arrays)


def _joined(parts: Sequence[tuple[Array, ...]]) -> list[Array]:
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _chunks_of(
    connection: sa.Connection,
    details: _Details,
    trial_ids: npt.NDArray[np.int64],
    filters: dict[str, Any],
) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(trial_ids), TRIALS_AT_ONCE):
        ids = trial_ids[begin : begin + TRIALS_AT_ONCE].tolist()
        low, high = ids[0], ids[-1]
        if high - low < _SPREAD * len(ids):
            yield from fetch(connection, details.by_range, {"low": low, "high": high, **filters})
        else:
            yield from fetch(connection, details.by_ids, {"trial_ids": ids, **filters})


def _attr_rows(
    connection: sa.Connection,
    details: _Details,
    trial_ids: npt.NDArray[np.int64],
    filters: dict[str, Any] | None = None,
) -> AttrRows:
    shared: dict[str, str] = {}

    def to_objects(keys: Sequence[str], texts: Sequence[str]) -> tuple[Array, ...]:
        return _objects([shared.setdefault(key, key) for key in keys]), _objects(texts)

    return AttrRows(*_details(connection, details, trial_ids, to_objects, filters))


def _objects(values: Sequence[Any]) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _to_numbers(
    which: Sequence[int], numbers: Sequence[float | None], kinds: Sequence[str]
) -> tuple[Array, ...]:
    values = np.array(numbers, np.float64)
    if kinds.count("FINITE") != len(kinds) or bool(np.isnan(values).any()):
        pairs = zip(numbers, kinds, strict=True)
        values[:] = [number_from_row(number, ReportKind[kind]) for number, kind in pairs]
    return np.array(which, np.int64), values
