"""The study as an objective sees it from another process: each question is one call to the driver.

Integrations reach for ``trial.study`` and ``trial.storage``, which are at hand where the objective runs in the user's
process.  Elsewhere these stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

__all__ = ["Ask", "RemoteStorage", "RemoteStudy", "answer"]

#: Asks the driver: the path to an attribute of the study, positional and named arguments if it is a method.
Ask = Callable[[Sequence[str], Sequence[Any], Mapping[str, Any]], Any]

_METHODS = frozenset(
    {
        *("add_trial", "add_trials", "enqueue_trial", "explain", "get_trials", "rungs"),
        *("set_metric_names", "set_user_attr", "stop", "trials_dataframe"),
    }
)
_ELSEWHERE = frozenset({"ask", "close", "load_checkpoint", "optimize", "park", "tell"})


class _Remote:
    """An object that is in another process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask


class RemoteStorage(_Remote):
    """The study's storage: every attribute is a method, run by the driver."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(_call, self._ask, ("_storage", name))


class RemoteStudy(_Remote):
    """The study: attributes are read anew each time, methods are run by the driver."""

    @property
    def _storage(self) -> RemoteStorage:
        return RemoteStorage(self._ask)

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return partial(_call, self._ask, (name,))
        if name in _ELSEWHERE:
            raise RuntimeError(
                f"study.{name} cannot be called from an objective that runs in another process"
            )
        if name.startswith("_") and name != "_study_id":
            raise AttributeError(name)
        return self._ask((name,), (), {})


def _call(ask: Ask, path: Sequence[str], *args: Any, **kwargs: Any) -> Any:
    return ask(path, args, kwargs)


def answer(study: Any, path: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a question is about, in the process that has the study."""
    thing = study
    for name in path:
        thing = getattr(thing, name)
    return thing(*args, **kwargs) if callable(thing) else thing
