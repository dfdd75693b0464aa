"""Commands of raystudy's own that look at a study: status, explain, export, dashboard."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from raystudy.commands.opening import add_study_name, storage_url, study_of
from raystudy.exceptions import CLIUsageError
from raystudy.frozen import FrozenTrial, TrialState

__all__ = ["add_looking_commands"]

Commands = Callable[..., argparse.ArgumentParser]
_LOOPBACK, _PORT = "127.0.0.1", 8080


def add_looking_commands(add: Commands) -> None:
    """Add the commands, each by ``add(name, run, help)``."""
    add_study_name(add("status", _status, "count the trials of a study, by state and at each rung"))
    explain = add("explain", _explain, "say why a trial went on, waited, was promoted or stopped")
    explain.add_argument("number", metavar="NUMBER", type=int, help="number of the trial")
    add_study_name(explain)
    export = add("export", _export, "write the trials of a study to a file")
    export.add_argument("file", metavar="FILE", type=Path, help="a new file: .csv or .parquet")
    add_study_name(export)
    dashboard = add("dashboard", _dashboard, "serve optuna-dashboard on the database")
    dashboard.add_argument("--host", default=_LOOPBACK, help="default: this machine alone")
    dashboard.add_argument("--port", type=int, default=_PORT, help=f"default: {_PORT}")


def _explain(options: argparse.Namespace) -> str:
    return str(study_of(options).explain(options.number))


def _status(options: argparse.Namespace) -> str:
    study = study_of(options)
    trials = study.get_trials(deepcopy=False)
    lines = [f"study {study.study_name!r}: {_counts(trials)}", f"pruner: {study.pruner!r}"]
    if len(study.directions) == 1 and any(trial.state is TrialState.COMPLETE for trial in trials):
        best = study.best_trial
        lines.append(f"best: trial {best.number} with {best.value:g}, {best.params}")
    bracket = None
    for rung in study.rungs():
        if rung.bracket != bracket:
            bracket = rung.bracket
            lines.append(f"bracket {bracket}")
        lines.append(f"  {rung}")
    return "\n".join(lines)


def _counts(trials: Sequence[FrozenTrial]) -> str:
    states = Counter(trial.state for trial in trials)
    n_paused = sum(
        trial.state is TrialState.RUNNING and trial.system_attrs.get("raystudy:paused") is not None
        for trial in trials
    )
    words = [f"{states[state]} {state.name}" for state in TrialState if states[state]]
    return (
        f"{len(trials)} trials"
        + (f" ({', '.join(words)})" if words else "")
        + (f"; {n_paused} of the RUNNING ones are paused" if n_paused else "")
    )


def _export(options: argparse.Namespace) -> str:
    path: Path = options.file
    writers = {".csv": "to_csv", ".parquet": "to_parquet"}
    if path.suffix not in writers:
        raise CLIUsageError(f"export: expected a file that ends with .csv or .parquet, got {path}")
    if path.exists():
        raise CLIUsageError(f"export: {path} exists; remove it or choose another name")
    attrs = ("number", "state", "value", "datetime_start", "datetime_complete", "params", "user_attrs")
    table = study_of(options).trials_dataframe(attrs)
    getattr(table, writers[path.suffix])(path, index=False)
    return f"wrote {len(table)} trials to {path}"


def _dashboard(options: argparse.Namespace) -> str:
    url = storage_url(options)
    try:
        dashboard = import_module("optuna_dashboard")
    except ModuleNotFoundError as error:
        raise ImportError('dashboard needs optuna-dashboard: pip install "raystudy[dashboard]"') from error
    dashboard.run_server(url, host=options.host, port=options.port)
    return ""
