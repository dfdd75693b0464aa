"""Problems made of formulas: where curves cross, are noisy, or are both.

A curve falls from a start to its final loss by a power law whose time constant depends on the point::

    loss(t) = final + (start - final) * (h(t) - h(R)) / (h(0) - h(R)) + noise(t),   h(t) = (1 + t / tau)**-1.5

Where ``tau`` is large at good points, curves cross: what is good in the end looks bad early on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benchmarks.multifidelity.problem import MAX_BUDGET, Curve, FloatArray, Params, Scale
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
)
from raystudy.samplers.scales import external_params, uniform

__all__ = [
    "CountingOnes",
    "PowerLaw",
    "ackley_noisy",
    "branin_noisy",
    "choices_noisy",
    "hartmann_crossing",
    "rosen_crossing",
]

_N_TYPICAL = 2001
_TIMES = np.arange(1, MAX_BUDGET + 1, dtype=np.float64)


def _typical(space: Mapping[str, Distribution], final: Callable[[Params], float]) -> float:
    points = uniform(space, np.random.default_rng(0), _N_TYPICAL)
    return float(np.median([final(external_params(space, point)) for point in points.T]))


@dataclass(frozen=True)
class PowerLaw:
    """A problem whose curves follow the module's formula.

    Attributes:
        name: Its name.
        space: Its parameters.
        final: The expected final loss.
        best: The least of them.
        tau: The time constant of a curve, in epochs.
        start: The loss before the first epoch.
        noise: Deviation of a report after the last epoch; it falls as budget**-1/4.
    """

    name: str
    space: Mapping[str, Distribution]
    final: Callable[[Params], float]
    best: float
    tau: Callable[[Params], float]
    start: float
    noise: float

    @cached_property
    def scale(self) -> Scale:
        """Its best and its typical loss."""
        return Scale(self.best, _typical(self.space, self.final))

    def curve(self, params: Params, rng: np.random.Generator) -> Curve:
        """Return the curve of a point, with new noise."""
        final, tau = self.final(params), self.tau(params)
        end = _shape(float(MAX_BUDGET), tau)
        share = (_shape(_TIMES, tau) - end) / (1.0 - end)
        deviation = self.noise * (_TIMES / MAX_BUDGET) ** -0.25
        losses: FloatArray = (
            final + (self.start - final) * share + deviation * rng.standard_normal(MAX_BUDGET)
        )
        return Curve(losses, final, epoch_s=1.0 + 0.5 * math.sin(37.0 * final))


@dataclass(frozen=True)
class CountingOnes:
    """Falkner et al. (2018), ICML (BOHB), section 5.1: choices count, probabilities are known by sampling only.

    The loss is minus the mean of ``n`` choices out of {0, 1} and of ``n`` probabilities, each of which is
    estimated from as many Bernoulli draws as there were epochs.
    """

    name: str
    n: int
    space: Mapping[str, Distribution] = field(init=False)
    scale: Scale = field(init=False)

    def __post_init__(self) -> None:
        choices: dict[str, Distribution] = {f"c{i}": CategoricalDistribution((0, 1)) for i in range(self.n)}
        numbers = {f"p{i}": FloatDistribution(0.0, 1.0) for i in range(self.n)}
        object.__setattr__(self, "space", choices | numbers)
        object.__setattr__(self, "scale", Scale(-1.0, _typical(self.space, self._final)))

    def curve(self, params: Params, rng: np.random.Generator) -> Curve:
        """Return a curve whose noise falls as the draws add up."""
        counted = sum(float(params[f"c{i}"]) for i in range(self.n))
        chances = np.array([[float(params[f"p{i}"])] for i in range(self.n)])
        hits = np.cumsum(rng.random((self.n, MAX_BUDGET)) < chances, axis=1).sum(axis=0)
        return Curve(-(counted + hits / _TIMES) / (2 * self.n), self._final(params), epoch_s=1.0)

    def _final(self, params: Params) -> float:
        return -sum(float(value) for value in params.values()) / (2 * self.n)


def _shape(times: FloatArray | float, tau: float) -> FloatArray:
    shape: FloatArray = np.asarray((1.0 + np.asarray(times) / tau) ** -1.5)
    return shape


_HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])


def hartmann_crossing() -> PowerLaw:
    """Hartmann's function of six parameters; a slow learning rate is good in the end and bad before."""
    space: dict[str, Distribution] = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(5)}
    space["lr"] = FloatDistribution(1e-4, 1.0, log=True)

    def final(params: Params) -> float:
        rate = math.log10(float(params["lr"])) / 4 + 1
        x = np.array([*(float(params[f"x{i}"]) for i in range(5)), 1.6 * rate])
        inner = (_HARTMANN_A * (x - _HARTMANN_P) ** 2).sum(axis=1)
        return float(-_HARTMANN_ALPHA @ np.exp(-inner))

    def tau(params: Params) -> float:
        return float(2.0 * float(params["lr"]) ** -0.3)

    return PowerLaw("hartmann-crossing", space, final, -3.32237, tau, start=0.5, noise=0.03)


def branin_noisy() -> PowerLaw:
    """Branin's function with a number of units and a choice of optimiser; some noise, curves keep their order."""
    space: dict[str, Distribution] = {
        "x": FloatDistribution(-5.0, 10.0),
        "y": FloatDistribution(0.0, 15.0),
        "units": IntDistribution(8, 512, log=True),
        "optimiser": CategoricalDistribution(("sgd", "adam", "rmsprop", "adagrad")),
    }
    offsets = {"sgd": 0.3, "adam": 0.0, "rmsprop": 0.1, "adagrad": 0.6}

    def final(params: Params) -> float:
        x, y = float(params["x"]), float(params["y"])
        a = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
        branin = a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
        size = math.log2(float(params["units"]) / 64)
        return (
            math.log1p(max(branin - 0.397887, 0.0)) + 0.05 * size * size + offsets[str(params["optimiser"])]
        )

    def tau(params: Params) -> float:
        return 4.0 + float(params["units"]) / 64

    return PowerLaw("branin-noisy", space, final, 0.0, tau, start=8.0, noise=0.04)


def rosen_crossing() -> PowerLaw:
    """Rosenbrock's function of four parameters, the first of which slows good points down."""
    space: dict[str, Distribution] = {f"x{i}": FloatDistribution(-2.0, 2.0) for i in range(4)}
    space["speed"] = FloatDistribution(1e-3, 1.0, log=True)

    def final(params: Params) -> float:
        x = np.array([float(params[f"x{i}"]) for i in range(4)])
        rosen = float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())
        slow = math.log10(float(params["speed"])) + 2.2
        return math.log1p(rosen) + 0.5 * slow * slow

    def tau(params: Params) -> float:
        return float(2.0 * float(params["speed"]) ** -0.4)

    return PowerLaw("rosen-crossing", space, final, 0.0, tau, start=9.0, noise=0.05)


def ackley_noisy() -> PowerLaw:
    """Ackley's function of three parameters with an integer and a choice; noise, curves keep their order."""
    space: dict[str, Distribution] = {f"x{i}": FloatDistribution(-4.0, 4.0) for i in range(3)}
    space["depth"] = IntDistribution(1, 12)
    space["kind"] = CategoricalDistribution(("a", "b", "c"))

    def final(params: Params) -> float:
        x = np.array([float(params[f"x{i}"]) - 0.7 for i in range(3)])
        ackley = (
            20
            - 20 * math.exp(-0.2 * math.sqrt(float((x * x).mean())))
            + math.e
            - math.exp(float(np.cos(2 * math.pi * x).mean()))
        )
        return (
            ackley
            + 0.05 * (float(params["depth"]) - 5) ** 2
            + {"a": 1.0, "b": 0.0, "c": 2.0}[str(params["kind"])]
        )

    def tau(params: Params) -> float:
        return 2.0 + float(params["depth"])

    return PowerLaw("ackley-noisy", space, final, 0.0, tau, start=20.0, noise=0.1)


def choices_noisy() -> PowerLaw:
    """Five choices out of four and three numbers, each of which costs what it is away from its best; noise."""
    space: dict[str, Distribution] = {
        f"c{i}": CategoricalDistribution(("a", "b", "c", "d")) for i in range(5)
    }
    space |= {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(3)}

    def final(params: Params) -> float:
        costs = [("abcd".index(str(params[f"c{i}"])) * (i + 1)) % 4 / 3 for i in range(5)]
        return sum(costs) + sum(4 * (float(params[f"x{i}"]) - 0.2 - 0.25 * i) ** 2 for i in range(3))

    def tau(params: Params) -> float:
        return 1.0 + 10 * float(params["x0"])

    return PowerLaw("choices-noisy", space, final, 0.0, tau, start=6.0, noise=0.03)
