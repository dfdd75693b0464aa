"""Which parameters all of many rows have with one and the same distribution, kept up to date row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raystudy.distributions import Distribution

__all__ = ["SharedSpace"]


@dataclass(slots=True)
class SharedSpace:
    """Counts of (name, distribution) over a changing set of rows; answers which all the rows share."""

    n_rows: int = 0
    counts: dict[str, dict[Distribution, int]] = field(default_factory=dict)

    def add(self, distributions: Mapping[str, Distribution], times: int = 1) -> None:
        """Count one more row, or several that are alike."""
        self.n_rows += times
        for name, distribution in distributions.items():
            of_name = self.counts.setdefault(name, {})
            of_name[distribution] = of_name.get(distribution, 0) + times

    def remove(self, distributions: Mapping[str, Distribution]) -> None:
        """Take back a row that was counted with these distributions."""
        self.n_rows -= 1
        for name, distribution in distributions.items():
            of_name = self.counts[name]
            of_name[distribution] -= 1
            if not of_name[distribution]:
                del of_name[distribution]
            if not of_name:
                del self.counts[name]

    def intersection(self) -> dict[str, Distribution]:
        """Return the parameters that every row has with one and the same distribution, sorted by name."""
        # A row has one distribution per name, so a count equal to n_rows leaves room for no second one.
        return {
            name: next(iter(of_name))
            for name, of_name in sorted(self.counts.items())
            if len(of_name) == 1 and next(iter(of_name.values())) == self.n_rows
        }
