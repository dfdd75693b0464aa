"""Trials as a pandas DataFrame, with the columns that Optuna gives it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from raystudy.frozen import FrozenTrial
from raystudy.trial_columns import Column, trial_columns

__all__ = ["trials_dataframe"]


def trials_dataframe(
    trials: Sequence[FrozenTrial],
    n_objectives: int,
    metric_names: Sequence[str] | None,
    attrs: Sequence[str],
    multi_index: bool,
) -> pd.DataFrame:
    """Return one row for each trial; arguments as for ``trial_columns``.

    Args:
        trials: The trials.
        n_objectives: Number of objectives.
        metric_names: Names of the objectives.
        attrs: Attributes of ``FrozenTrial``.
        multi_index: Whether columns are pairs instead of texts joined by underscores.
    """
    if not trials:
        return pd.DataFrame()
    columns = trial_columns(trials, n_objectives, metric_names, attrs)
    # Made by position: two columns may have one name once they are joined.
    table = pd.concat([pd.Series(values) for values in columns.values()], axis=1)
    table.columns = pd.MultiIndex.from_tuples(list(columns))
    if not multi_index:
        table.columns = pd.Index([_joined(column) for column in columns])
    return table


def _joined(column: Column) -> str:
    return "_".join(text for text in map(str, column) if text)
