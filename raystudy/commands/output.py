"""Tables of plain values as texts, in the formats of Optuna's command line: value, json, table and yaml."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from raystudy.trial_columns import ABSENT, Column

__all__ = ["FORMATS", "as_text", "table_of"]

FORMATS = ("value", "json", "table", "yaml")

Row = dict[str, Any]


def table_of(columns: Mapping[Column, Sequence[Any]], flatten: bool) -> tuple[list[str], list[Row]]:
    """Return the header and the rows of a table.

    Args:
        columns: Values by (name, key); those of one name and several keys become one dictionary, or a list if the
            keys are places.
        flatten: Make a column ``name_key`` of each instead; of a sequence, one for each place.
    """
    columns = {column: [_plain(value) for value in values] for column, values in columns.items()}
    n_rows = max(map(len, columns.values()), default=0)
    if flatten:
        flat = _flat(columns)
        present = [{name: values[at] for name, values in flat.items()} for at in range(n_rows)]
        return list(flat), [{k: v for k, v in row.items() if v is not ABSENT} for row in present]
    rows: list[Row] = [{name: {} for name, _ in columns} for _ in range(n_rows)]
    for (name, key), values in columns.items():
        for row, value in zip(rows, values, strict=True):
            if value is ABSENT:
                continue
            if key == "":
                row[name] = value
            elif isinstance(key, int):
                row[name] = [*(row[name] or []), value]
            else:
                row[name][key] = value
    return list(dict.fromkeys(name for name, _ in columns)), rows


def _flat(columns: Mapping[Column, Sequence[Any]]) -> dict[str, list[Any]]:
    flat: dict[str, list[Any]] = {}
    for (name, key), values in columns.items():
        sequences = [value for value in values if isinstance(value, list | tuple)]
        if key != "":
            flat[f"{name}_{key}"] = list(values)
        elif sequences:
            for at in range(max(map(len, sequences))):
                flat[f"{name}_{at}"] = [value[at] if at < len(value) else ABSENT for value in values]
        else:
            flat[name] = list(values)
    return flat


def as_text(header: Sequence[str], rows: Sequence[Row], form: str, *, only: bool = False) -> str:
    """Return the text of a table.

    Args:
        header: Names of the columns, in order.
        rows: Values by name.
        form: One of ``FORMATS``.
        only: Whether there is one row alone, to be written as such in json and yaml.
    """
    if form == "value":
        return "\n".join(" ".join(map(_cell, _cells(header, row))) for row in rows).strip()
    if form == "table":
        return _boxes(header, [_cells(header, row) for row in rows])
    data = rows[0] if only else list(rows)
    return json.dumps(data) if form == "json" else str(yaml.safe_dump(data)).strip()


def _cells(header: Sequence[str], row: Row) -> list[Any]:
    return [row.get(name) for name in header]


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _boxes(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table with lines around its cells; columns of numbers are aligned to the right."""
    rule, lines = "+", ["|"] * (len(rows) + 1)
    for at, name in enumerate(header):
        values = [row[at] for row in rows]
        width = max(len(name), *(len(str(value)) for value in values), 0)
        align = ">" if all(value is None or isinstance(value, int | float) for value in values) else "<"
        rule += "-" * (width + 2) + "+"
        for line, text in enumerate([name, *map(_cell, values)]):
            lines[line] += f" {text:{align}{width}} |"
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as texts in whole seconds."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    return str(value)
