"""Importances of the same trials by Optuna's evaluators.

PED-ANOVA has no randomness: equal to rounding.  Forests with the same seed grow from features that are scaled otherwise
(to the unit interval), which moves thresholds by rounding: numbers within 0.01.  Categoricals in fANOVA are weighted
otherwise on purpose (``docs/differences.md``): within 0.05.
"""

import numpy as np
import pytest

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

UNIT = FloatDistribution(0.0, 1.0)
PED_ARGUMENTS = [
    {},
    {"target_quantile": 0.25},
    {"target_quantile": 0.1, "region_quantile": 0.5},
    {"evaluate_on_local": False},
]


def nearly(theirs, within=1e-12):
    return pytest.approx(theirs, rel=1e-9, abs=within)


@pytest.mark.parametrize("arguments", PED_ARGUMENTS)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_ped_anova_of_all_kinds_of_parameters(make_pair, make_rows, arguments, direction):
    pair = make_pair(make_rows(120, seed=1), [direction])
    ours, theirs = pair.importances("PedAnovaImportanceEvaluator", arguments, normalize=False)
    assert ours == nearly(theirs)
    assert ours["same"] == 0.0
    assert max(ours, key=ours.get) in ("x", "lr", "n")
    assert [name for name, value in ours.items() if value > 0] == [
        name for name, value in theirs.items() if value > 0
    ]


def test_default_evaluator_is_ped_anova_and_importances_sum_to_one(mixed):
    ours, theirs = mixed.importances()
    assert ours == nearly(theirs)
    assert sum(ours.values()) == pytest.approx(1.0)
    assert list(ours.values()) == sorted(ours.values(), reverse=True)


def test_ped_anova_of_few_trials_and_few_distinct_values(make_pair, make_rows):
    for n in (2, 3, 7, 12, 30):
        ours, theirs = make_pair(make_rows(n, seed=n)).importances()
        assert ours == nearly(theirs)
        rough = make_rows(n, seed=n, values=lambda p, rng: round(p["x"]))
        ours, theirs = make_pair(rough).importances()
        assert ours == nearly(theirs)


def conditional_rows(n):
    """Trials with branches, and with ranges that change: 'depth' has two, 'momentum' is in one branch alone."""
    rng, rows = np.random.default_rng(4), []
    for number in range(n):
        kind = ["sgd", "adam"][rng.integers(2)]
        params = {"kind": (kind, CategoricalDistribution(("sgd", "adam")))}
        high = 4 if number % 3 else 9
        params["depth"] = (int(rng.integers(1, high + 1)), IntDistribution(1, high))
        value = params["depth"][0] * 0.2
        if kind == "sgd":
            params["momentum"] = (float(rng.random()), UNIT)
            value += 2 * params["momentum"][0]
        rows.append(([value], params, {}))
    return rows


@pytest.mark.parametrize("arguments", PED_ARGUMENTS)
def test_ped_anova_of_conditional_parameters_and_changing_ranges(make_pair, arguments):
    pair = make_pair(conditional_rows(90))
    ours, theirs = pair.importances("PedAnovaImportanceEvaluator", arguments, normalize=False)
    assert ours == nearly(theirs)
    assert set(ours) == {"kind", "depth", "momentum"}
    some = pair.importances(params=["momentum"], normalize=False)
    assert some[0] == nearly(some[1])


@pytest.mark.parametrize("directions", [["minimize", "maximize"], ["minimize"] * 3])
@pytest.mark.parametrize("arguments", PED_ARGUMENTS)
def test_ped_anova_of_several_objectives(make_pair, make_rows, directions, arguments):
    space = {"x": UNIT, "y": UNIT, "n": IntDistribution(0, 9), "idle": UNIT}

    def values(p, rng):
        values = [p["x"] + 0.1 * p["n"], p["y"] - 0.3 * p["x"], (p["n"] - p["y"]) ** 2]
        return [values[at] for at in range(len(directions))]

    pair = make_pair(make_rows(100, seed=2, space=space, values=values), directions)
    ours, theirs = pair.importances("PedAnovaImportanceEvaluator", arguments, normalize=False)
    assert ours == nearly(theirs)
    ours, theirs = pair.importances("PedAnovaImportanceEvaluator", arguments, target=lambda t: t.values[1])
    assert ours == nearly(theirs)


def test_trials_that_are_not_complete_or_not_finite_do_not_count(make_pair, make_rows):
    rows = make_rows(80, seed=3)
    for at, value in [(3, float("inf")), (10, float("-inf"))]:
        rows[at] = ([value], *rows[at][1:])
    plain = make_pair([row for at, row in enumerate(rows) if at not in (3, 10)])
    failed = [
        (None, row[1], {"state": state}) for row in make_rows(9) for state in ("FAIL", "PRUNED", "RUNNING")
    ]
    pair = make_pair(rows + failed)
    for evaluator in ("PedAnovaImportanceEvaluator", "MeanDecreaseImpurityImportanceEvaluator"):
        arguments = {"seed": 0, "n_trees": 4} if evaluator.startswith("Mean") else {}
        ours, theirs = pair.importances(evaluator, arguments)
        assert ours == nearly(theirs, 0.01)
        assert ours == plain.importances(evaluator, arguments)[0]


def test_constraints_do_not_matter(make_pair, make_rows):
    rows = make_rows(60, seed=5)
    bound = [(*row[:2], {"constraints": {"c": 1.0 - at % 3}}) for at, row in enumerate(rows)]
    constrained, free = make_pair(bound).importances(), make_pair(rows).importances()
    assert constrained[0] == nearly(constrained[1])
    assert constrained[0] == free[0]


NUMBERS = {
    "x": FloatDistribution(-1.0, 1.0),
    "y": FloatDistribution(0.0, 8.0),
    "n": IntDistribution(1, 12),
    "step": FloatDistribution(0.0, 2.0, step=0.25),
    "width": IntDistribution(1, 512, log=True),
    "same": IntDistribution(3, 3),
}


def of_numbers(p, rng):
    return float(
        np.sin(3 * p["x"])
        + 0.1 * p["y"] * p["step"]
        + 0.05 * p["n"]
        + 0.001 * p["width"]
        + 0.05 * rng.normal()
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_fanova_of_numbers(make_pair, make_rows, seed):
    pair = make_pair(make_rows(100, seed=6, space=NUMBERS, values=of_numbers))
    arguments = {"n_trees": 6, "seed": seed}
    ours, theirs = pair.importances("FanovaImportanceEvaluator", arguments, normalize=False)
    assert ours == nearly(theirs, 1e-6)
    assert list(ours) == list(theirs)
    assert ours["same"] == 0.0
    shallow = {"n_trees": 3, "seed": seed, "max_depth": 2}
    ours, theirs = pair.importances(
        "FanovaImportanceEvaluator", shallow, params=["x", "step"], normalize=False
    )
    assert ours == nearly(theirs, 1e-6)


def test_fanova_of_all_kinds_of_parameters(mixed):
    ours, theirs = mixed.importances("FanovaImportanceEvaluator", {"n_trees": 8, "seed": 0})
    assert ours == nearly(theirs, 0.05)
    assert next(iter(ours)) == next(iter(theirs))


def test_mean_decrease_impurity_of_all_kinds_of_parameters(mixed):
    for options in ({}, {"normalize": False}, {"params": ["kind", "lr", "x"]}):
        ours, theirs = mixed.importances(
            "MeanDecreaseImpurityImportanceEvaluator", {"n_trees": 16, "seed": 0}, **options
        )
        assert ours == nearly(theirs, 0.01)


def test_forests_explain_any_target(make_pair, make_rows):
    rows = make_rows(60, seed=8, space=NUMBERS, values=lambda p, rng: [of_numbers(p, rng), p["y"] ** 2])
    pair = make_pair(rows, ["minimize", "maximize"])
    for evaluator in ("FanovaImportanceEvaluator", "MeanDecreaseImpurityImportanceEvaluator"):
        ours, theirs = pair.importances(evaluator, {"n_trees": 4, "seed": 1}, target=lambda t: t.values[1])
        assert ours == nearly(theirs, 0.01)
        assert next(iter(ours)) == "y"


ARGUMENTS = [
    ("PedAnovaImportanceEvaluator", {}),
    ("FanovaImportanceEvaluator", {"n_trees": 2}),
    ("MeanDecreaseImpurityImportanceEvaluator", {"n_trees": 2}),
]


@pytest.mark.parametrize(("evaluator", "arguments"), ARGUMENTS)
@pytest.mark.parametrize(
    "options",
    [
        {"params": "x"},
        {"params": {"x"}},
        {"params": ["x", 1]},
        {"params": ["unknown"]},
        {"params": ["x", "unknown"]},
    ],
)
def test_errors_have_optunas_types(mixed, make_pair, evaluator, arguments, options):
    assert kinds_of_errors(mixed, evaluator, arguments, options) in ([TypeError] * 2, [ValueError] * 2)


@pytest.mark.parametrize(("evaluator", "arguments"), ARGUMENTS[1:])
def test_forests_need_a_target_with_several_objectives_and_one_distribution_each(
    make_pair, evaluator, arguments
):
    two = make_pair([([0.0, 1.0], {"x": (0.5, UNIT)}, {})] * 3, ["minimize", "minimize"])
    assert kinds_of_errors(two, evaluator, arguments, {}) == [ValueError] * 2
    branches = make_pair(conditional_rows(20))
    assert kinds_of_errors(branches, evaluator, arguments, {"params": ["depth"]}) == [ValueError] * 2
    ours, theirs = branches.importances(evaluator, {"n_trees": 2, "seed": 0})
    assert set(ours) == set(theirs) == {"kind"}


def test_fanova_of_equal_values_is_a_runtime_error_and_the_others_are_equal(make_pair, make_rows):
    flat = make_pair(make_rows(10, values=lambda p, rng: 1.0))
    assert kinds_of_errors(flat, *ARGUMENTS[1], {}) == [RuntimeError] * 2
    for evaluator, arguments in (ARGUMENTS[0], ARGUMENTS[2]):
        ours, theirs = flat.importances(evaluator, arguments)
        assert ours == nearly(theirs)
        assert len(set(ours.values())) == 1


def kinds_of_errors(pair, evaluator, arguments, options):
    """Return which errors our evaluator and Optuna's raise."""
    import optuna

    import raystudy

    found = []
    for module, study in ((raystudy.importance, pair.ours), (optuna.importance, pair.theirs)):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the type is what is compared
            module.get_param_importances(study, evaluator=getattr(module, evaluator)(**arguments), **options)
        found.append(caught.type)
    return found
