"""How much raystudy says, with the functions of Optuna's module of this name.

Each finished trial is logged at INFO, notes are said at WARNING.  The default handler shows what is at WARNING or
above, since the progress line tells of the trials; ``set_verbosity(INFO)`` shows them one by one, and a handler that
you add to ``get_logger("raystudy")`` gets all of it.
"""

from __future__ import annotations

import logging
from logging import CRITICAL, DEBUG, ERROR, FATAL, INFO, WARN, WARNING

from raystudy.frozen import FrozenTrial, TrialState

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "WARNING",
    "disable_default_handler",
    "disable_propagation",
    "enable_default_handler",
    "enable_propagation",
    "get_logger",
    "get_verbosity",
    "log_trial",
    "set_verbosity",
]

_root = logging.getLogger("raystudy")
_handler = logging.StreamHandler()
_handler.setFormatter(logging.Formatter("[%(levelname)1.1s %(asctime)s] %(message)s"))
_handler.setLevel(WARNING)
_root.addHandler(_handler)
_root.setLevel(INFO)
_root.propagate = False


def get_logger(name: str) -> logging.Logger:
    """Return a logger; "optuna" and what is below it stand for "raystudy", as in a script that was one of Optuna's."""
    parts = name.split(".")
    return logging.getLogger(".".join(["raystudy", *parts[1:]]) if parts[0] == "optuna" else name)


def get_verbosity() -> int:
    """Return the level from which messages are logged; INFO at first."""
    return _root.getEffectiveLevel()


def set_verbosity(verbosity: int) -> None:
    """Log and show messages from this level on; above WARNING, notes of ``optimize`` are not said either."""
    _root.setLevel(verbosity)
    _handler.setLevel(verbosity)


def disable_default_handler() -> None:
    """Do not write messages to standard error."""
    _root.removeHandler(_handler)


def enable_default_handler() -> None:
    """Write messages to standard error."""
    _root.addHandler(_handler)


def disable_propagation() -> None:
    """Do not pass messages on to the handlers of the root logger."""
    _root.propagate = False


def enable_propagation() -> None:
    """Pass messages on to the handlers of the root logger, which normally show them once more."""
    _root.propagate = True


def log_trial(trial: FrozenTrial) -> None:
    """Log how a trial has ended, if anybody listens."""
    if not _root.isEnabledFor(INFO) or not (_root.propagate or any(h.level <= INFO for h in _root.handlers)):
        return
    if trial.state is TrialState.COMPLETE:
        values = trial.values or []
        told = f"value: {values[0]}" if len(values) == 1 else f"values: {values}"
        _root.info("Trial %d finished with %s and parameters: %s.", trial.number, told, trial.params)
    else:
        word = "pruned" if trial.state is TrialState.PRUNED else "failed"
        _root.info("Trial %d %s with parameters: %s.", trial.number, word, trial.params)
