"""The command ``raystudy``: Optuna's commands, and what a study does and why its trials are where they are.

raystudy status  --storage URL --study-name NAME
raystudy explain --storage URL --study-name NAME NUMBER
raystudy trials  --storage URL --study-name NAME --format json
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from raystudy import __version__
from raystudy.commands.changing import add_changing_commands
from raystudy.commands.listing import add_listing_commands
from raystudy.commands.looking import add_looking_commands
from raystudy.exceptions import StudyError
from raystudy.logging import DEBUG, INFO, WARNING, get_logger, set_verbosity

__all__ = ["main", "without_passwords"]

_USER_ERROR = 2
#: The password in a URL, before the host or in the query part.
_SECRET = re.compile(r"(?<=://)([^\s/:@]*):\S*@|([?&][^\s=&]*pass[^\s=&]*=)[^\s&]*", re.IGNORECASE)

Run = Callable[[argparse.Namespace], str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 if the user has to correct something.

    Args:
        arguments: The words of the command line without the first; default: those of this process.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    _set_logging(options)
    run: Run = options.run
    try:
        text = run(options)
    except (StudyError, ValueError, KeyError, ImportError) as error:
        if options.debug:
            raise
        parser.error(str(error.args[0] if isinstance(error, KeyError) else error))
    if text:
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
    parser = _Parser(prog="raystudy", description="Look at studies in a database, and change them.")
    parser.add_argument("--version", action="version", version=f"raystudy {__version__}")
    _add_common(parser, is_main=True)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    groups = {}

    def add(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        group, _, word = name.rpartition(" ")
        if group and group not in groups:
            inner = commands.add_parser(group, help=f"commands of a {group}")
            groups[group] = inner.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
        command = groups.get(group, commands).add_parser(word, help=text)
        command.set_defaults(run=run)
        _add_common(command, is_main=False)
        return command

    for add_commands in (add_looking_commands, add_listing_commands, add_changing_commands):
        add_commands(add)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, is_main: bool) -> None:
    """Add what may stand before the command and after it."""

    def default(value: object) -> object:
        # Behind the command, what is not given must not hide what was given before it.
        return value if is_main else argparse.SUPPRESS

    parser.add_argument(
        "--storage", metavar="URL", default=default(None), help="URL of the database; or $OPTUNA_STORAGE"
    )
    parser.add_argument(
        "--storage-class", choices=["RDBStorage"], default=default(None), help="kind of the storage"
    )
    much = parser.add_mutually_exclusive_group()
    much.add_argument("-v", "--verbose", action="count", default=default(0), help="say more")
    much.add_argument(
        "-q", "--quiet", action="store_true", default=default(False), help="warn of nothing less"
    )
    parser.add_argument("--log-file", metavar="FILE", default=default(None), help="log to a file, too")
    parser.add_argument("--debug", action="store_true", default=default(False), help="show tracebacks")


def _set_logging(options: argparse.Namespace) -> None:
    set_verbosity(DEBUG if options.verbose else WARNING if options.quiet else INFO)
    if options.log_file is not None:
        get_logger("raystudy").addHandler(logging.FileHandler(options.log_file))
