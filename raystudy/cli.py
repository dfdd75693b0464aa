"""The command ``raystudy``: what a study does, and why its trials are where they are.

raystudy status  --storage URL --study-name NAME
raystudy explain --storage URL --study-name NAME NUMBER
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from raystudy.exceptions import StudyError
from raystudy.frozen import FrozenTrial, TrialState
from raystudy.opening import load_study
from raystudy.study import Study

__all__ = ["main"]

_USER_ERROR = 2
#: The password in a URL, before the host or in the query part.
_SECRET = re.compile(r"(?<=://)([^\s/:@]*):\S*@|([?&][^\s=&]*pass[^\s=&]*=)[^\s&]*", re.IGNORECASE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 if the user has to correct something.

    Args:
        arguments: The words of the command line without the first; default: those of this process.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    command: Callable[[Study, argparse.Namespace], str] = options.command
    try:
        text = command(_open(options.storage, options.study_name), options)
    except (StudyError, ValueError, KeyError, ImportError) as error:
        parser.error(str(error.args[0] if isinstance(error, KeyError) else error))
    sys.stdout.write(f"{text}\n")
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End the process; a password that stands in the message is masked."""
        self.exit(_USER_ERROR, f"raystudy: {without_passwords(message)}\n")


def without_passwords(text: str) -> str:
    """Return a text with the passwords of all URLs in it masked."""
    return _SECRET.sub(lambda found: f"{found[1]}:***@" if found[2] is None else f"{found[2]}***", text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="raystudy", description="Look at a study in a database.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    status = commands.add_parser("status", help="count the trials of a study, by state and at each rung")
    status.set_defaults(command=_status)
    explain = commands.add_parser("explain", help="say why a trial went on, waited, was promoted or stopped")
    explain.add_argument("number", metavar="NUMBER", type=int, help="number of the trial")
    explain.set_defaults(command=_explain)
    for command in (status, explain):
        command.add_argument("--storage", required=True, metavar="URL", help="URL of the database")
        command.add_argument("--study-name", metavar="NAME", help="default: the only study of the database")
    return parser


def _open(url: str, name: str | None) -> Study:
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path.partition("?")[0]).exists():
        raise ValueError(f"there is no database {path}; check the path in --storage")
    return load_study(study_name=name, storage=url)


def _explain(study: Study, options: argparse.Namespace) -> str:
    return str(study.explain(options.number))


def _status(study: Study, _options: argparse.Namespace) -> str:
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
