"""How every command finds its database and its study."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from raystudy.exceptions import CLIUsageError
from raystudy.opening import load_study
from raystudy.study import Study

__all__ = ["add_study_name", "storage_url", "study_of"]


def storage_url(options: argparse.Namespace, *, may_be_new: bool = False) -> str:
    """Return the URL of ``--storage``, else that of the environment variable ``OPTUNA_STORAGE``.

    Args:
        options: The options of the command line.
        may_be_new: Whether an SQLite file that does not exist is made; else it is a slip of the pen.

    Raises:
        CLIUsageError: If there is no URL, or the file does not exist.
    """
    url: str | None = options.storage or os.environ.get("OPTUNA_STORAGE")
    if not url:
        raise CLIUsageError(
            "expected the URL of a database: --storage URL, or OPTUNA_STORAGE in the environment"
        )
    path = url.removeprefix("sqlite:///")
    if path != url and not may_be_new and not Path(path.partition("?")[0]).exists():
        raise CLIUsageError(f"there is no database {path}; check the path in --storage")
    return url


def study_of(options: argparse.Namespace) -> Study:
    """Return the study of ``--study-name``; without it, the only one of the database."""
    return load_study(study_name=options.study_name, storage=storage_url(options))


def add_study_name(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Give a command the option ``--study-name``."""
    text = "name of the study" if required else "name of the study; default: the only one of the database"
    command.add_argument("--study-name", metavar="NAME", required=required, help=text)
