"""Which parameters many rows share, all of them or always together, kept up to date row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raystudy.distributions import Distribution

__all__ = ["SharedSpace"]


@dataclass(slots=True)
class SharedSpace:
    """Counts of (name, distribution) and of sets of names over a changing set of rows."""

    n_rows: int = 0
    counts: dict[str, dict[Distribution, int]] = field(default_factory=dict)
    name_sets: dict[frozenset[str], int] = field(default_factory=dict)

    def add(self, distributions: Mapping[str, Distribution], times: int = 1) -> None:
        """Count one more row, or several that are alike."""
        self.n_rows += times
        names = frozenset(distributions)
        self.name_sets[names] = self.name_sets.get(names, 0) + times
        for name, distribution in distributions.items():
            of_name = self.counts.setdefault(name, {})
            of_name[distribution] = of_name.get(distribution, 0) + times

    def remove(self, distributions: Mapping[str, Distribution]) -> None:
        """Take back a row that was counted with these distributions."""
        self.n_rows -= 1
        names = frozenset(distributions)
        self.name_sets[names] -= 1
        if not self.name_sets[names]:
            del self.name_sets[names]
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

    def groups(self) -> list[list[str]]:
        """Return all names, in groups of those that come in the same rows; sorted within and by the first of each."""
        homes: dict[str, list[int]] = {}
        for at, names in enumerate(self.name_sets):
            for name in names:
                homes.setdefault(name, []).append(at)
        groups: dict[tuple[int, ...], list[str]] = {}
        for name in sorted(homes):
            groups.setdefault(tuple(homes[name]), []).append(name)
        return list(groups.values())
