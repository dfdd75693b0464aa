"""The arguments of TPE beyond the default: several objectives, liars, groups, and those that Optuna has deprecated."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights
from scipy import stats

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from raystudy.frozen import StudyDirection, TrialState
from raystudy.samplers import RandomSampler, TPESampler, sampler_from_spec
from raystudy.samplers.history import History
from raystudy.samplers.pareto import hypervolume
from raystudy.samplers.parzen import Axes, KernelRule, ParzenEstimator
from raystudy.samplers.seeding import generator

optuna.logging.set_verbosity(optuna.logging.WARNING)

MIN = StudyDirection.MINIMIZE
X = FloatDistribution(0.0, 1.0)
MIXED: dict[str, Distribution] = {
    "depth": IntDistribution(1, 9),
    "kind": CategoricalDistribution(("a", "b", "c")),
    "lr": FloatDistribution(1e-5, 1.0, log=True),
}


def filled(n: int, space: dict[str, Distribution], n_objectives: int) -> History:
    history = History([MIN] * n_objectives)
    for number in range(n):
        params = RandomSampler().propose(space, history, generator(0, number))
        loss = (math.log10(params["lr"]) + 2) ** 2 + (params["kind"] != "b")
        values = [loss, params["x"] + abs(math.log10(params["lr"]) + 4)]
        history.update(number, TrialState.COMPLETE, params, space, values[:n_objectives])
    return history


def theirs(distribution: Distribution) -> optuna.distributions.BaseDistribution:
    return optuna.distributions.json_to_distribution(distribution_to_json(distribution))


RULES: list[tuple[KernelRule, dict[str, Any]]] = [
    (KernelRule(), {}),
    (KernelRule(prior_weight=0.3), {"prior_weight": 0.3}),
    (KernelRule(prior_weight=7.0), {"prior_weight": 7.0}),
    (KernelRule(magic_clip=False), {"consider_magic_clip": False}),
    (KernelRule(endpoints=True), {"consider_endpoints": True}),
    (KernelRule(weights=lambda n: np.arange(1, n + 1)), {"weights": lambda n: np.arange(1, n + 1)}),
]


@pytest.mark.parametrize(("rule", "options"), RULES)
@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_densities_by_every_deprecated_option_are_optunas(
    rule: KernelRule, options: dict[str, Any], n: int
) -> None:
    space = {"depth": IntDistribution(1, 99), "kind": MIXED["kind"], "lr": MIXED["lr"]}
    rng = np.random.default_rng(n)
    depths = 1 + rng.permutation(99)[:n]  # each once: the order of equal ones is not defined by Optuna
    columns = np.stack([depths, rng.integers(0, 3, n), 10 ** rng.uniform(-5, 0, n)])
    points = np.stack([rng.integers(1, 100, 50), rng.integers(0, 3, 50), 10 ** rng.uniform(-5, 0, 50)])
    ours = ParzenEstimator.fit(Axes.of(space), columns.astype(float), rule).log_pdf(points.astype(float))
    defaults = {"prior_weight": 1.0, "consider_magic_clip": True, "consider_endpoints": False}
    settings = _ParzenEstimatorParameters(
        **{**defaults, "weights": default_weights, **options}, multivariate=True
    )
    of_them = _ParzenEstimator(
        dict(zip(space, columns, strict=True)), {name: theirs(d) for name, d in space.items()}, settings
    )
    expected = of_them.log_pdf(dict(zip(space, points, strict=True)))
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "weights", [lambda _n: [1.0], lambda n: -np.ones(n), np.zeros, lambda n: [math.nan] * n]
)
def test_weights_that_weigh_nothing_are_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="weights: expected 3 finite numbers"):
        KernelRule(weights=weights).weights_of(3)
    with pytest.raises(ValueError, match="prior_weight >= 0, got -1"):
        TPESampler(prior_weight=-1.0)


@pytest.mark.parametrize(
    "argument",
    [
        {"consider_prior": True},
        {"prior_weight": 1.0},
        {"consider_magic_clip": True},
        {"consider_endpoints": False},
        {"gamma": lambda _n: 5},
        {"weights": np.ones},
        {"warn_independent_sampling": False},
        {"constraints_func": lambda _trial: [0.0]},
    ],
)
def test_what_optuna_has_deprecated_is_taken_with_its_warning(argument: dict[str, Any]) -> None:
    for library in (optuna, raystudy):
        with pytest.warns(FutureWarning, match=next(iter(argument))):
            library.samplers.TPESampler(**argument)


def test_hyperopts_arguments_are_optunas() -> None:
    with pytest.warns(FutureWarning, match="hyperopt_parameters"):
        ours, of_them = TPESampler.hyperopt_parameters(), optuna.samplers.TPESampler.hyperopt_parameters()
    for n in (0, 1, 16, 17, 60, 9_999, 100_000):
        assert ours["gamma"](n) == of_them["gamma"](n)
        np.testing.assert_allclose(ours["weights"](n), of_them["weights"](n))
    assert {**ours, "gamma": 0, "weights": 0} == {**of_them, "gamma": 0, "weights": 0}
    with pytest.warns(FutureWarning, match="is deprecated, as in Optuna") as caught:
        TPESampler(**ours)
    assert {warning.filename for warning in caught} == {__file__}


def test_arguments_that_are_no_functions_are_restored() -> None:
    sampler = TPESampler(seed=1, liar="believer", group=True, n_startup_trials=3)
    assert sampler_from_spec(sampler.spec()) == sampler
    with pytest.warns(FutureWarning, match="prior_weight"):
        weighted = TPESampler(prior_weight=0.5)
    with pytest.warns(FutureWarning, match="prior_weight"):
        assert sampler_from_spec(weighted.spec()) == weighted


@pytest.mark.parametrize("multivariate", [None, True])
def test_proposals_for_two_objectives_are_distributed_as_optunas(multivariate: bool | None) -> None:
    """Two-sample tests of every parameter on the same 60 trials, each at level 1e-3, fixed seeds."""
    mixed = {"kind": MIXED["kind"], "lr": MIXED["lr"], "x": X}  # no ties, whose order Optuna leaves open
    history = filled(60, mixed, 2)
    sampler = TPESampler(constant_liar=False, multivariate=multivariate)
    space = sampler.joint_space(history)
    ours = [sampler.propose(space, history, generator(7, i)) for i in range(200)]
    peer = optuna.samplers.TPESampler(seed=1, constant_liar=False, multivariate=multivariate)
    study = optuna.create_study(sampler=peer, directions=["minimize"] * 2)
    distributions = {name: theirs(d) for name, d in mixed.items()}
    for number in range(len(history)):
        params = {n: d.to_external_repr(float(history.column(n)[number])) for n, d in mixed.items()}
        study.add_trial(
            optuna.create_trial(
                params=params, distributions=distributions, values=history.values[number].tolist()
            )
        )
    peers = [study.ask(distributions).params for _ in range(200)]
    for name in ("lr", "x"):
        assert stats.ks_2samp([p[name] for p in ours], [p[name] for p in peers]).pvalue > 1e-3
    counts = np.array([[sum(p["kind"] == k for p in draws) for k in "abc"] for draws in (ours, peers)]) + 1
    assert stats.chi2_contingency(counts).pvalue > 1e-3


def test_two_objectives_are_covered_better_than_by_chance() -> None:
    """One-sided sign test over 8 paired seeds: 8 wins of 8 are significant at 0.004."""

    def both(trial: raystudy.Trial) -> tuple[float, float]:
        x = [trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(4)]
        spread = 1.0 + 9.0 * sum(x[1:]) / 3
        return x[0], -spread * (1.0 - math.sqrt(x[0] / spread))

    volumes = []
    for seed in range(8):
        for sampler in (TPESampler(seed=seed), RandomSampler(seed=seed)):
            study = raystudy.create_study(directions=["minimize", "maximize"], sampler=sampler)
            study.optimize(both, 60, executor="inline", show_progress_bar=False)
            losses = np.array([t.values for t in study.trials]) * [1.0, -1.0]
            volumes.append(hypervolume(losses, np.array([1.1, 11.0])))
    assert all(tpe > random for tpe, random in zip(volumes[::2], volumes[1::2], strict=True))


def with_pending_at_the_best() -> tuple[History, float]:
    """Return 30 trials whose good ones lie near 0.7, and five pending ones at 0.7."""
    history = History([MIN])
    for number in range(30):
        x = number / 29
        history.update(number, TrialState.COMPLETE, {"x": x}, {"x": X}, [abs(x - 0.7)])
    for number in range(30, 35):
        history.update(number, TrialState.RUNNING, {"x": 0.7}, {"x": X})
    return history, 0.7


def test_liars_keep_away_from_pending_trials_or_gather_around_them() -> None:
    history, best = with_pending_at_the_best()
    distance = {}
    for liar in ("worst", "mean", "best", "believer"):
        sampler = TPESampler(liar=liar)  # type: ignore[arg-type]
        draws = [sampler.propose({"x": X}, history, generator(0, i))["x"] for i in range(40)]
        distance[liar] = np.mean([abs(x - best) for x in draws])
    assert distance["worst"] == distance["mean"]  # the mean result is not among the best tenth
    assert distance["best"] == distance["believer"]  # the model takes trials among the best for good
    assert distance["best"] < distance["worst"]


def test_the_mean_is_good_where_few_results_are_bad() -> None:
    history = History([MIN])
    for number in range(30):
        value = -1000.0 if number == 15 else float(number)
        history.update(number, TrialState.COMPLETE, {"x": number / 29}, {"x": X}, [value])
    history.update(30, TrialState.RUNNING, {"x": 0.9}, {"x": X})
    draws = {
        liar: [TPESampler(liar=liar).propose({"x": X}, history, generator(0, i)) for i in range(9)]  # type: ignore[arg-type]
        for liar in ("worst", "mean", "best")
    }
    assert draws["mean"] == draws["best"] != draws["worst"]


def branching(trial: raystudy.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["a", "b"])
    names = ("u", "v") if kind == "a" else ("w",)
    return float(kind == "b") + sum((trial.suggest_float(name, -1.0, 1.0) - 0.5) ** 2 for name in names)


def test_groups_are_optunas() -> None:
    study = raystudy.create_study(sampler=RandomSampler(seed=0))
    study.optimize(branching, 12, executor="inline", show_progress_bar=False)
    history, peer = History([MIN]), optuna.create_study()
    for t in study.trials:
        history.update(t.number, t.state, t.params, t.distributions, t.values)
        distributions = {name: theirs(d) for name, d in t.distributions.items()}
        peer.add_trial(optuna.create_trial(params=t.params, distributions=distributions, value=t.value))
    of_them = optuna.search_space.group_decomposed._GroupDecomposedSearchSpace().calculate(peer).search_spaces
    assert history.groups() == sorted(sorted(each) for each in of_them) == [["kind"], ["u", "v"], ["w"]]
    history.update(0, TrialState.FAIL, {}, {})
    for number in range(1, 12):
        history.update(
            number, TrialState.COMPLETE, {"u": 0.0, "kind": "a"}, {"u": X, "kind": MIXED["kind"]}, [0.0]
        )
    assert history.groups() == [["kind", "u"]]


def test_parameters_that_come_together_are_drawn_jointly_where_no_trial_has_all() -> None:
    """Good trials of the branch lie on u = v: drawn jointly, so do the proposals."""
    history, space = History([MIN]), {"u": X, "v": X}
    rng = np.random.default_rng(0)
    for number in range(300):
        if number % 3 == 0:
            history.update(number, TrialState.COMPLETE, {"w": 0.5}, {"w": X}, [9.0])
            continue
        u, v = rng.random(2).tolist()
        history.update(number, TrialState.COMPLETE, {"u": u, "v": v}, space, [abs(u - v)])
    gaps = {}
    for multivariate in (True, False):
        sampler = TPESampler(multivariate=multivariate)
        proposals = []
        for i in range(60):
            known = sampler.joint_space(history)
            drawn = sampler.propose(known, history, generator(0, i)) if known else {}
            rest = {n: sampler.sample(n, X, history, generator(0, i, n)) for n in "uv" if n not in drawn}
            proposals.append({**drawn, **rest})
        gaps[multivariate] = np.mean([abs(p["u"] - p["v"]) for p in proposals])
    assert gaps[True] < 0.5 * gaps[False]
    assert set(TPESampler().joint_space(history)) == {"u", "v", "w"}


@pytest.mark.parametrize("options", [{}, {"group": True}, {"multivariate": True}])
@pytest.mark.parametrize("n_objectives", [1, 2])
def test_one_seed_gives_the_same_search_of_a_conditional_space(
    options: dict[str, Any], n_objectives: int
) -> None:
    def objective(trial: raystudy.Trial) -> list[float]:
        return [branching(trial)] * n_objectives

    runs = []
    for _ in range(2):
        sampler = TPESampler(seed=4, n_startup_trials=5, **options)
        study = raystudy.create_study(directions=["minimize"] * n_objectives, sampler=sampler)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            study.optimize(objective, 25, executor="inline", show_progress_bar=False)
        runs.append([t.params for t in study.trials])
        assert {t.state for t in study.trials} == {TrialState.COMPLETE}
    assert runs[0] == runs[1]
