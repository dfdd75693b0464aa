"""Trials over columns: light objects that share the arrays they were read in and decode a field when asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.storages.codec import attribute_from_json, to_local
from raystudy.storages.columns import Columns
from raystudy.storages.details import AttrRows

__all__ = ["StoredTrials"]

_STATES = {int(state): state for state in TrialState}


class StoredTrials:
    """Trials that were read together; implements ``StoredParts``.

    Args:
        columns: All but their attributes.
        user_attrs: Their user attributes.
        system_attrs: Their system attributes.
    """

    def __init__(self, columns: Columns, user_attrs: AttrRows, system_attrs: AttrRows) -> None:
        self._columns = columns
        self._attrs = {"user_attrs": user_attrs, "system_attrs": system_attrs}
        self._params_at = _begins(columns.params.rows, len(columns))
        self._reports_at = _begins(columns.reports.rows, len(columns))
        self._attrs_at = {name: _begins(attrs.rows, len(columns)) for name, attrs in self._attrs.items()}

    def trials(self) -> list[FrozenTrial]:
        """Return the trials, in the order of their ids."""
        columns = self._columns
        heads = zip(
            columns.numbers.tolist(), columns.states.tolist(), columns.trial_ids.tolist(), strict=True
        )
        return [
            FrozenTrial.of_stored(number, _STATES[state], trial_id, self, row)
            for row, (number, state, trial_id) in enumerate(heads)
        ]

    def part(self, row: int, name: str) -> Any:
        """Return an own copy of what the trial of a row has under the name of a field of ``FrozenTrial``."""
        match name:
            case "state":
                return _STATES[int(self._columns.states[row])]
            case "params":
                return self._params(row)
            case "distributions":
                return self._distributions(row)
            case "intermediate_values":
                return self._reports(row)
            case "values":
                values = self._columns.values[row]
                return values[~np.isnan(values)].tolist() or None
            case "datetime_start":
                return _time(self._columns.starts[row])
            case "datetime_complete":
                return _time(self._columns.completes[row])
            case _:
                return self._attributes(row, name)

    def _params(self, row: int) -> dict[str, ParamValue]:
        params, at = self._columns.params, slice(*self._params_at[row : row + 2])
        pairs = zip(params.kinds[at].tolist(), params.internals[at].tolist(), strict=True)
        space = params.space
        return {space[kind][0]: space[kind][1].to_external_repr(internal) for kind, internal in pairs}

    def _distributions(self, row: int) -> dict[str, Distribution]:
        params, at = self._columns.params, slice(*self._params_at[row : row + 2])
        return dict(params.space[kind] for kind in params.kinds[at].tolist())

    def _reports(self, row: int) -> dict[int, float]:
        reports, at = self._columns.reports, slice(*self._reports_at[row : row + 2])
        return dict(zip(reports.steps[at].tolist(), reports.values[at].tolist(), strict=True))

    def _attributes(self, row: int, name: str) -> dict[str, Any]:
        attrs, at = self._attrs[name], slice(*self._attrs_at[name][row : row + 2])
        pairs = zip(attrs.keys[at], attrs.texts[at], strict=True)
        return {key: attribute_from_json(text) for key, text in pairs}


def _begins(rows: npt.NDArray[np.int32], n: int) -> npt.NDArray[np.int64]:
    """Return where each row's entries begin in a flat column, and, last, where they all end; (n + 1,) int64."""
    return np.searchsorted(rows, np.arange(n + 1)).astype(np.int64)


def _time(utc: np.datetime64) -> dt.datetime | None:
    found = utc.item()
    return to_local(found) if isinstance(found, dt.datetime) else None  # NaT is None here
