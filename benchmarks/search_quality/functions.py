"""Functions whose optimum is known, as search problems.

Sources: Surjanovic and Bingham, Virtual Library of Simulation Experiments (Branin, Hartmann, Levy, Ackley, Rosenbrock);
Deb et al. (2002), DTLZ2; Zitzler et al. (2000), ZDT1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.search_quality.problem import FloatArray, Outcome, Problem, Suggester, exact

__all__ = [
    "ackley",
    "branin",
    "dtlz2",
    "ellipsoid",
    "few_matter",
    "hartmann",
    "levy",
    "on_cube",
    "rosenbrock",
    "zdt1",
]

#: Functions on cubes span orders of magnitude.
_FLOOR = 1e-5

#: Losses of DTLZ2 that count as 1.
_REFERENCE = 1.1

_BRANIN = 0.39788735772973816
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_P3 = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
_A6 = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_P6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
#: Coefficients and their optimum, by dimension.
_HARTMANN = {3: (_A3, _P3, -3.8627797869493365), 6: (_A6, _P6, -3.322368011415511)}


def on_cube(
    name: str,
    function: Callable[[FloatArray], float],
    d: int,
    low: float,
    high: float,
    best: float = 0.0,
    noise: float = 0.0,
) -> Problem:
    """Return the problem of ``d`` real parameters from ``low`` to ``high``.

    Args:
        name: Its name.
        function: Takes the parameters, (d,).
        d: How many there are.
        low: Their lower bound.
        high: Their upper bound.
        best: The optimum.
        noise: Standard deviation of what is told.
    """

    def evaluate(trial: Suggester, luck: np.random.Generator) -> Outcome:
        value = function(np.array([trial.suggest_float(f"x{i}", low, high) for i in range(d)]))
        return Outcome((value + noise * float(luck.standard_normal()),), (value,)) if noise else exact(value)

    # Where there is noise, nobody finds more digits than it hides.
    return Problem(name, evaluate, (best,), floor=1e-3 if noise else _FLOOR)


def few_matter(name: str, d: int, inner: str) -> Problem:
    """Return a problem of ``d`` parameters on the unit cube, of which Branin's or Hartmann's first ones matter."""
    if inner == "branin":
        return on_cube(name, branin, d, 0.0, 1.0, _BRANIN)
    return on_cube(name, lambda x: _hartmann(x[:3]), d, 0.0, 1.0, _HARTMANN[3][2])


def hartmann(name: str, d: int, noise: float = 0.0) -> Problem:
    """Return the problem of Hartmann's function of three or six variables."""
    return on_cube(name, _hartmann, d, 0.0, 1.0, _HARTMANN[d][2], noise)


def _hartmann(x: FloatArray) -> float:
    a, p, _ = _HARTMANN[len(x)]
    return -float(_ALPHA @ np.exp(-(a * (x - p) ** 2).sum(axis=1)))


def branin(unit: FloatArray) -> float:
    """Return Branin's function of the first two of these parameters on the unit square."""
    x, y = 15 * float(unit[0]) - 5, 15 * float(unit[1])
    root = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return root**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def rosenbrock(x: FloatArray) -> float:
    """Return Rosenbrock's valley; optimum 0 at 1."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def ackley(x: FloatArray) -> float:
    """Return Ackley's function, its optimum of 0 moved to 1.3."""
    x = x - 1.3
    a, b = np.sqrt((x**2).mean()), np.cos(2 * np.pi * x).mean()
    return float(20 + math.e - 20 * np.exp(-0.2 * a) - np.exp(b))


def ellipsoid(x: FloatArray) -> float:
    """Return a sphere stretched by factors up to 100; optimum 0 at 0.7."""
    return float((np.logspace(0, 2, len(x)) * (x - 0.7) ** 2).sum())


def levy(x: FloatArray) -> float:
    """Return Levy's function; optimum 0 at 1."""
    w = 1 + (x - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + middle.sum() + last)


def zdt1(name: str, d: int) -> Problem:
    """Return ZDT1 of ``d`` parameters: the best trade-offs are f2 = 1 - sqrt(f1)."""

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        x = np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(d)])
        g = 1 + 9 * float(x[1:].mean())
        return exact(float(x[0]), g * (1 - math.sqrt(float(x[0]) / g)))

    first = np.linspace(0.0, 1.0, 2001)
    return Problem(name, evaluate, (0.0, 0.0), front=np.stack([first, 1 - np.sqrt(first)], axis=1))


def dtlz2(name: str, d: int) -> Problem:
    """Return DTLZ2 with three objectives and ``d`` parameters: the best trade-offs are an eighth of a sphere."""

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        x = np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(d)])
        g = 1 + float(((x[2:] - 0.5) ** 2).sum())
        a, b = x[:2] * math.pi / 2
        return exact(*(g * np.array([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])).tolist())

    # The front leaves an eighth of the unit ball free.
    front, typical = 1 - math.pi / 6 / _REFERENCE**3, (_REFERENCE,) * 3
    return Problem(name, evaluate, (0.0, 0.0, 0.0), front=front, given_typical=typical)
