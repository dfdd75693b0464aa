"""The problems that are reported, and those on which defaults are tuned; they share nothing but code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.multifidelity.problem import Problem
from benchmarks.multifidelity.synthetic import (
    CountingOnes,
    ackley_noisy,
    branin_noisy,
    choices_noisy,
    hartmann_crossing,
    rosen_crossing,
)
from benchmarks.multifidelity.tables import TableProblem
from benchmarks.multifidelity.training import FOURIER, PERCEPTRON, TREES
from raystudy.samplers.scales import external_params, uniform

__all__ = ["ADVERSE", "REPORTED", "TUNING", "fingerprint", "problem_of"]

_MAKERS: dict[str, Callable[[], Problem]] = {
    "perceptron-digits": lambda: TableProblem("perceptron-digits", PERCEPTRON),
    "fourier-cover": lambda: TableProblem("fourier-cover", FOURIER),
    "hartmann-crossing": hartmann_crossing,
    "branin-noisy": branin_noisy,
    "counting-ones": lambda: CountingOnes("counting-ones", 4),
    "perceptron-clusters": lambda: TableProblem("perceptron-clusters", PERCEPTRON),
    "fourier-spread": lambda: TableProblem("fourier-spread", FOURIER),
    "rosen-crossing": rosen_crossing,
    "ackley-noisy": ackley_noisy,
    "choices-noisy": choices_noisy,
    "trees-shapes": lambda: TableProblem("trees-shapes", TREES),
}

#: Two of recorded curves, three synthetic.
REPORTED = tuple(_MAKERS)[:5]
#: Likewise, of other data sets and functions.
TUNING = tuple(_MAKERS)[5:10]
#: Where what is good in the end is worse than the rest until late: no search that stops early can win there.
ADVERSE = tuple(_MAKERS)[10:]


@cache
def problem_of(name: str) -> Problem:
    """Return a problem by its name."""
    return _MAKERS[name]()


@cache
def fingerprint(name: str) -> str:
    """Return a digest of a problem's curves: results of another problem under its name do not count."""
    problem, rng = problem_of(name), np.random.default_rng(5)
    digest = hashlib.sha256(repr(problem.scale).encode())
    for point in uniform(problem.space, rng, 20).T:
        curve = problem.curve(external_params(problem.space, point), rng)
        digest.update(np.round(curve.losses, 6).tobytes())
    return digest.hexdigest()[:16]
