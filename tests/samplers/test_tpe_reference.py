"""TPE beside a plain and slow one, written from the equations: one trial, one kernel, one parameter at a time.

Equations: Bergstra et al. (2011), section 4; kernels and weights as described in ``parzen.py`` and ``kernels.py``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.samplers.history import History
from raystudy.samplers.parzen import Axes, ParzenEstimator
from raystudy.samplers.scales import uniform
from raystudy.samplers.seeding import generator

Space = dict[str, Distribution]
Point = dict[str, float]  # internal values

MIXED: Space = {
    "coarse": FloatDistribution(0.0, 1.0, step=0.25),
    "depth": IntDistribution(1, 9),
    "kind": CategoricalDistribution(("a", "b", "c")),
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "units": IntDistribution(1, 256, log=True),
    "x": FloatDistribution(-1.0, 3.0),
}


def normal_mass(low: float, high: float) -> float:
    """Mass of the standard normal between two points, exact in its tails."""
    if low > 0:
        low, high = -high, -low
    return 0.5 * (math.erfc(-high / math.sqrt(2)) - math.erfc(-low / math.sqrt(2)))


@dataclass
class Number:
    """A numeric parameter: kernels are normals on its (logarithmic) scale, truncated to its widened domain."""

    distribution: FloatDistribution | IntDistribution

    def scaled(self, value: float) -> float:
        return math.log(value) if self.distribution.log else value

    @property
    def half_step(self) -> float:
        return (self.distribution.step or 0.0) / 2

    @property
    def ends(self) -> tuple[float, float]:
        d = self.distribution
        return self.scaled(d.low - self.half_step), self.scaled(d.high + self.half_step)

    def kernels(self, values: Sequence[float]) -> list[tuple[float, float]]:
        """One (mean, deviation) for each value, and that of the prior."""
        low, high = self.ends
        width, n = high - low, len(values)
        means = [self.scaled(value) for value in values]
        by_rank = sorted(range(n), key=lambda at: (means[at], at))
        kernels = [(0.0, 0.0)] * n
        for rank, at in enumerate(by_rank):
            left = means[at] - (means[by_rank[rank - 1]] if rank > 0 else low)
            right = (means[by_rank[rank + 1]] if rank < n - 1 else high) - means[at]
            if n > 1 and rank == 0:
                left = 0.0  # only the inner neighbour counts
            if n > 1 and rank == n - 1:
                right = 0.0
            kernels[at] = means[at], min(max(left, right, width / min(100, n + 2)), width)
        return [*kernels, ((low + high) / 2, width)]

    def log_kernel(self, kernel: tuple[float, float], value: float) -> float:
        (mean, deviation), (low, high) = kernel, self.ends
        whole = normal_mass((low - mean) / deviation, (high - mean) / deviation)
        if self.distribution.step is None:
            z = (self.scaled(value) - mean) / deviation
            return -0.5 * z * z - math.log(deviation * math.sqrt(2 * math.pi) * whole)
        left, right = self.scaled(value - self.half_step), self.scaled(value + self.half_step)
        mass = normal_mass((left - mean) / deviation, (right - mean) / deviation)
        return math.log(max(mass, 1e-300) / whole)

    def draw(self, kernel: tuple[float, float], rng: random.Random) -> float:
        (low, high), normal = self.ends, NormalDist(*kernel)
        value = normal.inv_cdf(rng.uniform(normal.cdf(low), normal.cdf(high)))
        d = self.distribution
        value = math.exp(value) if d.log else value
        if d.step is not None:
            value = d.low + d.step * round((value - d.low) / d.step)
        return min(max(value, d.low), d.high)


@dataclass
class Choice:
    """A categorical parameter: a kernel is a probability for each choice."""

    distribution: CategoricalDistribution

    def kernels(self, values: Sequence[float]) -> list[list[float]]:
        n_choices, n_kernels = len(self.distribution.choices), len(values) + 1
        kernels = [
            [(1 / n_kernels + (choice == value)) / (n_choices / n_kernels + 1) for choice in range(n_choices)]
            for value in values
        ]
        return [*kernels, [1 / n_choices] * n_choices]

    def log_kernel(self, kernel: list[float], value: float) -> float:
        return math.log(kernel[int(value)])

    def draw(self, kernel: list[float], rng: random.Random) -> float:
        return rng.choices(range(len(kernel)), kernel)[0]


class Mixture:
    """The density of a group of trials, oldest first: one kernel for each, and the prior."""

    def __init__(self, space: Space, points: Sequence[Point]) -> None:
        self.axes = {
            name: Choice(d) if isinstance(d, CategoricalDistribution) else Number(d)
            for name, d in space.items()
        }
        n = len(points)
        n_old = max(n - 25, 0)
        ramp = [1 / n + (1 - 1 / n) * age / max(n_old - 1, 1) for age in range(n_old)]
        self.weights = [*ramp, *[1.0] * (n - n_old), 1.0]
        self.kernels = {name: axis.kernels([p[name] for p in points]) for name, axis in self.axes.items()}

    def log_density(self, point: Point) -> float:
        terms = [
            math.log(weight)
            + sum(axis.log_kernel(self.kernels[name][at], point[name]) for name, axis in self.axes.items())
            for at, weight in enumerate(self.weights)
        ]
        largest = max(terms)
        return largest + math.log(math.fsum(math.exp(t - largest) for t in terms) / math.fsum(self.weights))

    def draw(self, rng: random.Random) -> Point:
        at = rng.choices(range(len(self.weights)), self.weights)[0]
        return {name: axis.draw(self.kernels[name][at], rng) for name, axis in self.axes.items()}


def split(history: History) -> tuple[list[int], list[int]]:
    """The best tenth of the complete trials, at most 25, and the others with the pending ones; both by number."""
    complete = [n for n in range(len(history)) if history.states[n] == TrialState.COMPLETE]
    pending = [n for n in range(len(history)) if history.states[n] == TrialState.RUNNING]
    ranked = sorted(complete, key=lambda n: (history.values[n, 0], n))
    n_below = min(math.ceil(0.1 * len(complete)), 25)
    return sorted(ranked[:n_below]), sorted(ranked[n_below:] + pending)


def mixtures(space: Space, history: History) -> list[Mixture]:
    """The densities of the good trials and of the others."""
    return [
        Mixture(space, [{name: float(history.column(name)[n]) for name in space} for n in group])
        for group in split(history)
    ]


def reference_proposal(blocks: Sequence[Sequence[Mixture]], rng: random.Random) -> Point:
    """The best of 24 candidates by the ratio of the densities, block by block."""
    proposal: Point = {}
    for good, rest in blocks:
        candidates = [good.draw(rng) for _ in range(24)]
        proposal |= max(candidates, key=lambda c: good.log_density(c) - rest.log_density(c))
    return proposal


def searched(n_complete: int, n_pending: int, space: Space) -> History:
    """A search with ties on its grids, some trials of which are pending."""
    history = History([StudyDirection.MINIMIZE])
    is_pending = np.zeros(n_complete + n_pending, dtype=bool)
    is_pending[np.random.default_rng(1).permutation(len(is_pending))[:n_pending]] = True
    for number, pending in enumerate(is_pending.tolist()):
        params = RandomSampler().propose(space, history, generator(0, number))
        loss = (params["x"] - 0.5) ** 2 + (math.log10(params["lr"]) + 2) ** 2 + (params["kind"] == "c")
        state = TrialState.RUNNING if pending else TrialState.COMPLETE
        history.update(number, state, params, space, None if pending else [loss])
    return history


@pytest.mark.parametrize("n", [0, 1, 2, 24, 25, 26, 27, 140])
def test_densities_are_those_of_the_plain_mixture(n: int) -> None:
    rng = np.random.default_rng(n)
    columns, points = uniform(MIXED, rng, n), uniform(MIXED, rng, 40)
    fast = ParzenEstimator.fit(Axes.of(MIXED), columns)
    plain = Mixture(MIXED, [dict(zip(MIXED, column, strict=True)) for column in columns.T.tolist()])
    expected = [plain.log_density(dict(zip(MIXED, point, strict=True))) for point in points.T.tolist()]
    np.testing.assert_allclose(fast.log_pdf(points), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("multivariate", [True, False])
@pytest.mark.parametrize("n_pending", [0, 12])
def test_proposals_are_distributed_as_those_of_the_plain_tpe(multivariate: bool, n_pending: int) -> None:
    """Two-sample tests of every parameter, each at level 1e-3, fixed seeds; 45 trials have three ages."""
    history = searched(45, n_pending, MIXED)
    sampler, rng, count = TPESampler(multivariate=multivariate), random.Random(3), 120
    fast = [sampler.propose(MIXED, history, generator(7, i)) for i in range(count)]
    spaces = [MIXED] if multivariate else [{name: d} for name, d in MIXED.items()]
    blocks = [mixtures(space, history) for space in spaces]
    slow = [reference_proposal(blocks, rng) for _ in range(count)]
    for name, distribution in MIXED.items():
        ours = [distribution.to_internal_repr(params[name]) for params in fast]
        theirs = [params[name] for params in slow]
        if name in ("lr", "units", "x"):
            assert stats.ks_2samp(ours, theirs).pvalue > 1e-3, name
        else:
            levels = np.unique(ours + theirs)
            counts = np.array([[draws.count(level) for level in levels] for draws in (ours, theirs)])
            assert stats.chi2_contingency(counts + 1).pvalue > 1e-3, name
