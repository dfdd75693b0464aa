"""The trials of a study as columns: what samplers, tables and plots need, without an object per trial.

Knows no SQL.  Columns are read once and never change; a later read gives those of newer trials only.

Notation: ``n`` trials in the order of their ids, ``k`` objectives.  Parameters and reports are *flat*: one entry
per value, with the row of its trial, in the order of the trials and, within a trial, of their recording.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["TIME", "Columns", "ParamRows", "ReportRows", "columns_of", "is_wanted"]

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
TimeArray = npt.NDArray[np.datetime64]

#: Times in columns: microseconds, as databases hold them.
TIME = np.dtype("datetime64[us]")

_UNFINISHED = [int(state) for state in TrialState if not state.is_finished()]


@dataclass(frozen=True, slots=True, eq=False)
class ParamRows:
    """The parameters of many trials, flat.

    Attributes:
        rows: (p,) int32, row of the trial that has the parameter, ascending.
        kinds: (p,) int32, index into ``space``.
        internals: (p,) float64, internal values.
        space: Each pair of a name and a distribution that occurs, once.
    """

    rows: Int32Array
    kinds: Int32Array
    internals: FloatArray
    space: tuple[tuple[str, Distribution], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReportRows:
    """The intermediate values of many trials, flat.

    Attributes:
        rows: (r,) int32, row of the trial that made the report, ascending.
        steps: (r,) int64, its step.
        values: (r,) float64, the intermediate value; NaN is one.
    """

    rows: Int32Array
    steps: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Trials of one study.

    Attributes:
        trial_ids: (n,) int64, ascending.
        numbers: (n,) int64.
        states: (n,) int8, values of ``TrialState``.
        values: (n, k) float64, objective values, NaN where there are none.
        starts: (n,) datetime64[us] in UTC, NaT where there is none.
        completes: (n,) datetime64[us] in UTC, NaT where there is none.
        params: The parameters.
        reports: The intermediate values.
        system_attrs: Those system attributes that were asked for: values by row, by key.
    """

    trial_ids: IntArray
    numbers: IntArray
    states: Int8Array
    values: FloatArray
    starts: TimeArray
    completes: TimeArray
    params: ParamRows
    reports: ReportRows
    system_attrs: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self.trial_ids)

    @property
    def last_id(self) -> int:
        """The highest id, or -1 without trials: with ``unfinished_ids``, where the next read goes on."""
        return int(self.trial_ids[-1]) if len(self) else -1

    @property
    def unfinished_ids(self) -> list[int]:
        """Ids of the trials that may still change."""
        return [int(i) for i in self.trial_ids[np.isin(self.states, _UNFINISHED)]]

    @property
    def param_names(self) -> list[str]:
        """Names of all parameters, in the order of their first appearance."""
        return list(dict.fromkeys(name for name, _ in self.params.space))

    def distributions(self, name: str) -> list[Distribution]:
        """Return the distributions under which a parameter occurs."""
        return [distribution for each, distribution in self.params.space if each == name]

    def column(self, name: str) -> FloatArray:
        """Return the internal values of one parameter, (n,) float64, NaN where it is absent."""
        kinds = [kind for kind, (each, _) in enumerate(self.params.space) if each == name]
        is_named = np.isin(self.params.kinds, kinds)
        column = np.full(len(self), np.nan)
        column[self.params.rows[is_named]] = self.params.internals[is_named]
        return column

    def last_reports(self) -> tuple[FloatArray, FloatArray]:
        """Return the last step of each trial and the value at it, both (n,) float64, NaN without reports."""
        steps, values = np.full(len(self), np.nan), np.full(len(self), np.nan)
        order = np.lexsort((self.reports.steps, self.reports.rows))
        rows = self.reports.rows[order]
        is_last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
        last = order[is_last]
        steps[rows[is_last]] = self.reports.steps[last]
        values[rows[is_last]] = self.reports.values[last]
        return steps, values

    def reports_by_row(self) -> dict[int, dict[int, float]]:
        """Return the intermediate values by step, by the row of their trial, of all trials that have any."""
        found: dict[int, dict[int, float]] = {}
        reports = self.reports
        entries = zip(reports.rows.tolist(), reports.steps.tolist(), reports.values.tolist(), strict=True)
        for row, step, value in entries:
            found.setdefault(row, {})[step] = value
        return found


def columns_of(
    trials: Sequence[FrozenTrial], n_objectives: int, system_attrs: Collection[str] = ()
) -> Columns:
    """Return the columns of trials that are objects already.

    Args:
        trials: The trials, in the order of their ids.
        n_objectives: Number of objectives of their study.
        system_attrs: Keys of the system attributes to take along, as for ``is_wanted``.
    """
    values = np.full((len(trials), n_objectives), np.nan)
    for row, trial in enumerate(trials):
        if trial.values is not None:
            values[row] = trial.values
    return Columns(
        trial_ids=np.array([trial.trial_id for trial in trials], np.int64),
        numbers=np.array([trial.number for trial in trials], np.int64),
        states=np.array([trial.state for trial in trials], np.int8),
        values=values,
        starts=_times_of([trial.datetime_start for trial in trials]),
        completes=_times_of([trial.datetime_complete for trial in trials]),
        params=_params_of(trials),
        reports=_reports_of(trials),
        system_attrs=_attrs_of(trials, system_attrs),
    )


def is_wanted(key: str, wanted: Collection[str]) -> bool:
    """Whether a key is one of those wanted; one that ends with a colon stands for all that begin with it."""
    return key in wanted or any(each.endswith(":") and key.startswith(each) for each in wanted)


def _attrs_of(trials: Sequence[FrozenTrial], wanted: Collection[str]) -> dict[str, dict[int, Any]]:
    attrs: dict[str, dict[int, Any]] = {key: {} for key in wanted if not key.endswith(":")}
    if wanted:
        for row, trial in enumerate(trials):
            for key, value in trial.system_attrs.items():
                if is_wanted(key, wanted):
                    attrs.setdefault(key, {})[row] = value
    return attrs


def _times_of(moments: Sequence[dt.datetime | None]) -> TimeArray:
    """Return naive local (or aware) times in UTC: ``to_utc``, fifty times faster where there are many."""
    times = np.full(len(moments), "NaT", TIME)
    is_known = np.array([moment is not None for moment in moments], dtype=bool)
    seconds = np.array([moment.timestamp() for moment in moments if moment is not None], np.float64)
    times[is_known] = np.rint(seconds * 1e6).astype(np.int64).view(TIME)
    return times


def _params_of(trials: Sequence[FrozenTrial]) -> ParamRows:
    space: dict[tuple[str, Distribution], int] = {}
    # Most trials have a parameter under the distribution of the trial before: to compare is faster than to hash.
    latest: dict[str, tuple[Distribution, int]] = {}
    kinds: list[int] = []
    values: list[ParamValue] = []
    for trial in trials:
        params = trial.params
        for name, distribution in trial.distributions.items():
            known = latest.get(name)
            if known is None or (known[0] is not distribution and known[0] != distribution):
                kind = space.setdefault((name, distribution), len(space))
                known = latest[name] = (distribution, kind)
            kinds.append(known[1])
            values.append(params[name])
    rows = np.repeat(np.arange(len(trials), dtype=np.int32), [len(trial.distributions) for trial in trials])
    return ParamRows(rows, np.array(kinds, np.int32), _internals_of(values, kinds, list(space)), tuple(space))


def _internals_of(
    values: Sequence[ParamValue], kinds: Sequence[int], space: Sequence[tuple[str, Distribution]]
) -> FloatArray:
    """Return the internal values; those of numbers are the numbers themselves."""
    choosers = {
        kind: distribution.to_internal_repr
        for kind, (_, distribution) in enumerate(space)
        if isinstance(distribution, CategoricalDistribution)
    }
    if not choosers:
        return np.array(values, np.float64)
    internals = [
        choosers[kind](value) if kind in choosers else value
        for kind, value in zip(kinds, values, strict=True)
    ]
    return np.array(internals, np.float64)


def _reports_of(trials: Sequence[FrozenTrial]) -> ReportRows:
    rows = [row for row, trial in enumerate(trials) for _ in trial.intermediate_values]
    steps = [step for trial in trials for step in trial.intermediate_values]
    values = [value for trial in trials for value in trial.intermediate_values.values()]
    return ReportRows(np.array(rows, np.int32), np.array(steps, np.int64), np.array(values, np.float64))
