"""Commands that list studies and trials, with Optuna's options and formats."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from raystudy.commands.opening import add_study_name, storage_url, study_of
from raystudy.commands.output import FORMATS, as_text, table_of
from raystudy.opening import get_all_study_names
from raystudy.studies import get_all_study_summaries
from raystudy.study import Study
from raystudy.trial_columns import Column, trial_columns

__all__ = ["add_format", "add_listing_commands"]

_ATTRS = (
    *("number", "value", "datetime_start", "datetime_complete", "duration"),
    *("params", "user_attrs", "state"),
)
Commands = Callable[..., argparse.ArgumentParser]


def add_listing_commands(add: Commands) -> None:
    """Add the commands, each by ``add(name, run, help)``."""
    names = add("study-names", _study_names, "list the names of all studies")
    add_format(names, "value", flatten=False)
    add_format(add("studies", _studies, "list all studies"), "table")
    for name, run, text in (
        ("trials", _trials, "list the trials of a study"),
        ("best-trial", _best_trial, "show the best trial of a study"),
        ("best-trials", _best_trials, "list the trials that no other one dominates"),
    ):
        command = add(name, run, text)
        add_study_name(command)
        add_format(command, "table")


def add_format(command: argparse.ArgumentParser, default: str, *, flatten: bool = True) -> None:
    """Give a command the options ``--format`` and ``--flatten``."""
    command.add_argument("-f", "--format", choices=FORMATS, default=default, help=f"default: {default}")
    if flatten:
        command.add_argument("--flatten", action="store_true", help="a column for each nested value")


def _study_names(options: argparse.Namespace) -> str:
    columns: dict[Column, list[str]] = {("name", ""): get_all_study_names(storage_url(options))}
    return as_text(*table_of(columns, flatten=False), options.format)


def _studies(options: argparse.Namespace) -> str:
    summaries = get_all_study_summaries(storage_url(options), include_best_trial=False)
    columns: dict[Column, Sequence[Any]] = {
        ("name", ""): [each.study_name for each in summaries],
        ("direction", ""): [tuple(one.name for one in each.directions) for each in summaries],
        ("n_trials", ""): [each.n_trials for each in summaries],
        ("datetime_start", ""): [each.datetime_start for each in summaries],
    }
    if any(each.user_attrs for each in summaries):
        columns["user_attrs", ""] = [each.user_attrs for each in summaries]
    return as_text(*table_of(columns, options.flatten), options.format)


def _trials(options: argparse.Namespace) -> str:
    study = study_of(options)
    return _table(study, [trial.number for trial in study.get_trials(deepcopy=False)], options)


def _best_trial(options: argparse.Namespace) -> str:
    study = study_of(options)
    return _table(study, [study.best_trial.number], options, only=True)


def _best_trials(options: argparse.Namespace) -> str:
    study = study_of(options)
    return _table(study, [trial.number for trial in study.best_trials], options)


def _table(study: Study, numbers: Sequence[int], options: argparse.Namespace, *, only: bool = False) -> str:
    """Return some trials as a text, with the columns of all of them."""
    trials = study.get_trials(deepcopy=False)
    columns = trial_columns(trials, len(study.directions), study.metric_names, _ATTRS) if trials else {}
    header, rows = table_of(columns, options.flatten)
    return as_text(header, [rows[number] for number in numbers], options.format, only=only)
