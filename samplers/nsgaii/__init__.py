"""How NSGA-II and NSGA-III make children: crossovers and mutations, with Optuna's names and arguments."""

from raystudy.samplers.nsgaii.crossovers import (
    BLXAlphaCrossover,
    SPXCrossover,
    UNDXCrossover,
    UniformCrossover,
)
from raystudy.samplers.nsgaii.mutations import PolynomialMutation
from raystudy.samplers.nsgaii.operators import BaseCrossover, BaseMutation
from raystudy.samplers.nsgaii.sbx import SBXCrossover, VSBXCrossover

__all__ = [
    "BLXAlphaCrossover",
    "BaseCrossover",
    "BaseMutation",
    "PolynomialMutation",
    "SBXCrossover",
    "SPXCrossover",
    "UNDXCrossover",
    "UniformCrossover",
    "VSBXCrossover",
]
