from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import raystudy
from raystudy.distributions import CategoricalDistribution, Distribution, FloatDistribution, IntDistribution
from raystudy.frozen import StudyDirection
from raystudy.samplers import RandomSampler, sampler_from_spec
from raystudy.samplers.history import History
from raystudy.samplers.scales import UnitScale, uniform
from raystudy.samplers.seeding import generator
from raystudy.trial import Trial

N = 4000
ALPHA = 1e-3  # level of each goodness-of-fit test; seeds are fixed


def draws(distribution: Distribution, seed: int = 0) -> np.ndarray:
    return uniform({"x": distribution}, np.random.default_rng(seed), N)[0]


@pytest.mark.parametrize(
    ("distribution", "cdf"),
    [
        (FloatDistribution(-2, 3), stats.uniform(-2, 5).cdf),
        (FloatDistribution(1e-5, 1, log=True), stats.loguniform(1e-5, 1).cdf),
    ],
)
def test_reals_are_uniform_on_their_scale(distribution: Distribution, cdf: object) -> None:
    assert stats.kstest(draws(distribution), cdf).pvalue > ALPHA


@pytest.mark.parametrize(
    "distribution",
    [
        IntDistribution(-2, 5),
        IntDistribution(0, 12, step=3),
        FloatDistribution(0.0, 0.9, step=0.3),
        CategoricalDistribution(("a", None, 3)),
    ],
)
def test_grid_points_and_choices_are_equally_likely(distribution: Distribution) -> None:
    values, counts = np.unique(draws(distribution), return_counts=True)
    assert all(distribution.contains(v) for v in values)
    size = 3 if isinstance(distribution, CategoricalDistribution) else len(values)
    assert len(values) == size
    assert stats.chisquare(counts).pvalue > ALPHA


def test_log_ints_have_the_log_uniform_mass_of_their_cells() -> None:
    values, counts = np.unique(draws(IntDistribution(1, 20, log=True)), return_counts=True)
    assert values.tolist() == list(range(1, 21))
    cells = np.log((values + 0.5) / (values - 0.5))
    assert stats.chisquare(counts, N * cells / cells.sum()).pvalue > ALPHA


def test_bounds_are_never_passed_at_the_ends_of_the_unit_interval() -> None:
    space = [
        FloatDistribution(1e-5, 1, log=True),
        IntDistribution(1, 7, log=True),
        FloatDistribution(0, 1, step=0.1),
    ]
    ends = UnitScale.of(space).from_unit(np.tile([0.0, 1.0], (3, 1)))
    assert ends.tolist() == [[1e-5, 1.0], [1.0, 7.0], [0.0, 1.0]]


def test_unit_scale_survives_values_outside_of_the_domain() -> None:
    scale = UnitScale.of([FloatDistribution(1e-5, 1, log=True), FloatDistribution(0, 1)])
    unit = scale.to_unit(np.array([[0.0, 10.0], [math.inf, -math.inf]]))
    assert np.isfinite(unit).all()
    assert unit[0, 0] < 0
    assert unit[0, 1] > 1


def test_proposals_have_external_types_and_sorted_names() -> None:
    space = {
        "z": IntDistribution(1, 9),
        "one": IntDistribution(4, 4),
        "k": CategoricalDistribution(("a", "b")),
        "f": FloatDistribution(0, 1),
    }
    sampler, history = RandomSampler(), History([StudyDirection.MINIMIZE])
    params = sampler.propose(space, history, generator(0, 0))
    assert list(params) == sorted(space)
    assert [type(params[name]) for name in ("z", "one", "k", "f")] == [int, int, str, float]
    assert params["one"] == 4
    assert params == sampler.propose(dict(reversed(space.items())), history, generator(0, 0))


def test_draws_do_not_depend_on_when_the_parameters_became_known() -> None:
    """Else a first wave of parallel trials, created before any suggestion, would be another one than in sequence."""

    def suggested(trial: Trial) -> tuple[float, int]:
        return trial.suggest_float("x", 0, 1), trial.suggest_int("k", 1, 9)

    one_by_one, at_once = (raystudy.create_study(sampler=RandomSampler(seed=5)) for _ in range(2))
    expected = [suggested(one_by_one.ask()) for _ in range(4)]
    asked = [at_once.ask() for _ in range(4)]
    assert [suggested(trial) for trial in reversed(asked)] == expected[::-1]


def test_generators_differ_by_seed_number_and_name_and_repeat_otherwise() -> None:
    keys = [(0, 0, None), (1, 0, None), (0, 1, None), (0, 0, "x"), (0, 0, "y"), (0, 1, "x")]
    first = [generator(*key).random() for key in keys]
    assert len(set(first)) == len(keys)
    assert first == [generator(*key).random() for key in keys]
    with pytest.raises(ValueError, match="seed >= 0"):
        generator(-1, 0)


@pytest.mark.parametrize("spec", [{}, {"name": "GridSampler"}, {"name": "RandomSampler", "gamma": 1}])
def test_an_unknown_spec_is_refused(spec: dict) -> None:
    with pytest.raises(ValueError, match=r"expected the spec of|not its arguments"):
        sampler_from_spec(spec)


def test_importing_the_samplers_does_not_import_scipy() -> None:
    code = "import sys, raystudy.samplers as s; s.RandomSampler; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
