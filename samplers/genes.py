"""Genes: the parameters of a search space on scales on which they can be crossed.

A gene is the place of a numeric parameter on the unit scale (``scales``), or the index of the choice of a categorical
one; NaN where a trial lacks the parameter, or has a value outside of its present domain.

Notation: ``d`` parameters, ``n`` points, arrays (d, n).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raystudy.distributions import CategoricalDistribution, Distribution
from raystudy.samplers.scales import UnitScale

__all__ = ["GeneScale"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class GeneScale:
    """The genes of one search space, none of whose parameters is single-valued.

    Attributes:
        is_numeric: (d,) bool.
        n_choices: (d,) float64, 1 for a numeric parameter.
        scale: That of the numeric ones.
    """

    is_numeric: BoolArray
    n_choices: FloatArray
    scale: UnitScale

    @classmethod
    def of(cls, space: Mapping[str, Distribution]) -> GeneScale:
        """Return the genes of a space, in its order."""
        numeric = [each for each in space.values() if not isinstance(each, CategoricalDistribution)]
        choices = [
            len(each.choices) if isinstance(each, CategoricalDistribution) else 1 for each in space.values()
        ]
        is_numeric = [not isinstance(each, CategoricalDistribution) for each in space.values()]
        return cls(np.array(is_numeric, bool), np.array(choices, np.float64), UnitScale.of(numeric))

    def genes(self, columns: FloatArray) -> FloatArray:
        """Return the genes of internal values, (d, n)."""
        genes = columns.copy()
        genes[self.is_numeric] = self.scale.to_unit(columns[self.is_numeric])
        last = np.where(self.is_numeric, 1.0, self.n_choices - 1.0)[:, None]
        with np.errstate(invalid="ignore"):
            genes[(genes < 0.0) | (genes > last)] = np.nan
        return genes

    def point(self, genes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the internal values (d,) of genes (d,); those that are NaN are drawn uniformly."""
        drawn = rng.random(len(genes))
        drawn = np.where(self.is_numeric, drawn, np.floor(drawn * self.n_choices))
        point = np.where(np.isnan(genes), drawn, genes)
        point[self.is_numeric] = self.scale.from_unit(point[self.is_numeric, None])[:, 0]
        return point
