"""A trial of given parameters, to call an objective without a study."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping
from typing import Any

from raystudy.constraints import constraint_value
from raystudy.distributions import Distribution, ParamValue, check_distribution_compatibility
from raystudy.frozen import UnjudgedTrial
from raystudy.suggesting import check_name

__all__ = ["FixedTrial"]


class FixedTrial(UnjudgedTrial):
    """Answers ``suggest_*`` from given parameters; reports go nowhere, and nothing is pruned.

    Args:
        params: External values by name.
        number: What the trial gives as its number.

    Attributes:
        number: The number.
        params: Parameters suggested so far.
        distributions: Their distributions.
        user_attrs: User attributes set so far.
        system_attrs: Always empty.
        constraints: Constraints set so far.
        datetime_start: When it was made, naive local time.
    """

    def __init__(self, params: Mapping[str, ParamValue], number: int = 0) -> None:
        self.number = number
        self.params: dict[str, ParamValue] = {}
        self.distributions: dict[str, Distribution] = {}
        self.user_attrs: dict[str, Any] = {}
        self.system_attrs: dict[str, Any] = {}
        self.constraints: dict[str, float] = {}
        self.datetime_start: dt.datetime | None = dt.datetime.now()  # noqa: DTZ005 - local, as Optuna's
        self._given = dict(params)

    def _suggest(self, name: str, distribution: Distribution) -> ParamValue:
        if name not in self._given:
            raise ValueError(
                f"FixedTrial: the objective asks for {name!r}, which is not among the given parameters "
                f"{sorted(self._given)}; add it"
            )
        value = self._given[name]
        internal = distribution.to_internal_repr(value)
        if not distribution.contains(internal):
            warnings.warn(
                f"FixedTrial: {name}={value!r} lies outside of {distribution}; it is used as it is",
                UserWarning,
                stacklevel=3,
            )
        if name in self.distributions:
            check_distribution_compatibility(self.distributions[name], distribution, name)
        self.params[name], self.distributions[name] = value, distribution
        return value

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keep a value in ``user_attrs``."""
        self.user_attrs[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """Keep a constraint in ``constraints``; the first value of a key counts.  Errors as for a live trial."""
        check_name("constraint", key)
        self.constraints.setdefault(key, constraint_value(key, value))
