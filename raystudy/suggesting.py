"""What all trials have in common: ``suggest_*`` build a distribution, a subclass chooses the value."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

from raystudy.distributions import (
    CategoricalChoice,
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)

__all__ = ["MAX_NAME_LENGTH", "BaseTrial", "as_step", "as_value", "check_name"]

#: The longest name of a study, parameter or attribute that a database takes, in characters.
MAX_NAME_LENGTH = 512
_STEP_LIMIT = 2**31  # databases have 32 bits for it


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


def as_value(value: float) -> float:
    """Return a reported value as a float; raise TypeError if it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"trial.report: expected a number as value, got {value!r}; convert it to float"
        ) from None


def as_step(step: int) -> int:
    """Return a reported step as an int; raise TypeError or ValueError if it is no whole number in range."""
    try:
        whole = int(step)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"trial.report: expected a whole number as step, got {step!r}") from None
    if not 0 <= whole < _STEP_LIMIT:
        raise ValueError(f"trial.report: need 0 <= step < {_STEP_LIMIT}, got {step}")
    return whole


class BaseTrial:
    """Everything that an objective can be called with: a live trial, a stored one, or one of fixed parameters."""

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        raise NotImplementedError

    def report(self, value: float, step: int) -> None:
        """Report an intermediate value of the objective."""
        raise NotImplementedError

    def should_prune(self) -> bool:
        """Whether the trial should end now."""
        raise NotImplementedError

    def set_user_attr(self, key: str, value: Any) -> None:
        """Attach a value to the trial."""
        raise NotImplementedError

    def set_constraint(self, key: str, value: float) -> None:
        """Say by how much the trial violates a constraint: met if at most 0."""
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

    # ---- deprecated, as in Optuna --------------------------------------------------------------------

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """Deprecated: ``suggest_float(name, low, high)``."""
        _warn("suggest_uniform", "suggest_float(name, low, high)")
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """Deprecated: ``suggest_float(name, low, high, log=True)``."""
        _warn("suggest_loguniform", "suggest_float(name, low, high, log=True)")
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """Deprecated: ``suggest_float(name, low, high, step=q)``."""
        _warn("suggest_discrete_uniform", "suggest_float(name, low, high, step=q)")
        return self.suggest_float(name, low, high, step=q)


def _warn(old: str, new: str) -> None:
    warnings.warn(f"trial.{old} is deprecated, as in Optuna; use trial.{new}", FutureWarning, stacklevel=3)


def _named(name: str, make: Callable[[], Distribution]) -> Distribution:
    check_name("parameter", name)
    try:
        return make()
    except ValueError as error:
        raise ValueError(f"parameter {name!r}: {error}") from None
