"""The ``suggest_*`` methods, which build a distribution and leave the choice of the value to a subclass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from raystudy.distributions import (
    CategoricalChoice,
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)

__all__ = ["MAX_NAME_LENGTH", "SuggestMethods", "check_name"]

#: The longest name of a study, parameter or attribute that a database takes, in characters.
MAX_NAME_LENGTH = 512


def check_name(kind: str, name: str) -> str:
    """Return ``name``; raise TypeError or ValueError if no database can hold it as the name of a ``kind``."""
    if not isinstance(name, str):
        raise TypeError(
            f"expected a text as the name of a {kind}, got {name!r} of type {type(name).__name__}"
        )
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            f"expected at most {MAX_NAME_LENGTH} characters in the name of a {kind}, "
            f"got {len(name)}: {name[:40]}...; use a shorter name"
        )
    if "\0" in name or (not name.isascii() and any("\ud800" <= each <= "\udfff" for each in name)):
        raise ValueError(
            f"expected characters that a database can hold in the name of a {kind}, got {name!r}; "
            "leave NUL and lone surrogates out"
        )
    return name


class SuggestMethods:
    """Mixin of everything that can stand for a trial in an objective."""

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        raise NotImplementedError

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a real number from ``low`` to ``high``.

        Args:
            name: Name of the parameter, unique within the trial.
            low: Lower bound, included.
            high: Upper bound, included.
            step: Distance of the allowed values from each other, or None for all real numbers.
            log: Whether to search on a logarithmic scale.

        Raises:
            ValueError: If the bounds, step and scale contradict each other or an earlier trial.
        """
        distribution = _named(name, lambda: FloatDistribution(low, high, log=log, step=step))
        return cast(float, self._suggest(name, distribution))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return a whole number from ``low`` to ``high``; arguments and errors as in ``suggest_float``."""
        distribution = _named(name, lambda: IntDistribution(low, high, log=log, step=step))
        return cast(int, self._suggest(name, distribution))

    def suggest_categorical(self, name: str, choices: Sequence[CategoricalChoice]) -> CategoricalChoice:
        """Return one of ``choices``.

        Raises:
            ValueError: If there is no choice, or an earlier trial had other choices.
        """
        distribution = _named(name, lambda: CategoricalDistribution(tuple(choices)))
        return self._suggest(name, distribution)


def _named(name: str, make: Callable[[], Distribution]) -> Distribution:
    check_name("parameter", name)
    try:
        return make()
    except ValueError as error:
        raise ValueError(f"parameter {name!r}: {error}") from None
