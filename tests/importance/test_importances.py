"""Which parameters matter: known shares of variance, errors, warnings, and evaluators of users' own."""

import subprocess
import sys

import numpy as np
import pytest

import raystudy
from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from raystudy.importance.marginals import Tree, variance_shares

UNIT = FloatDistribution(0.0, 1.0)
EVALUATORS = [
    PedAnovaImportanceEvaluator(),
    FanovaImportanceEvaluator(n_trees=8, seed=0),
    MeanDecreaseImpurityImportanceEvaluator(n_trees=8, seed=0),
]


@pytest.fixture
def study_of(make_rows, make_pair):
    def make(n, space, values, **options):
        return make_pair(make_rows(n, space=space, values=values, **options)).ours

    return make


# ---- closed forms --------------------------------------------------------------------------------


def test_fanova_finds_the_shares_of_variance_of_a_sum(study_of):
    space = {
        "big": UNIT,
        "small": FloatDistribution(-2.0, 2.0),
        "kind": CategoricalDistribution(("a", "b", "c", "d")),
        "idle": UNIT,
    }
    study = study_of(2000, space, lambda p, rng: 2 * p["big"] + 0.25 * p["small"] + (p["kind"] == "a"))
    variances = {"big": 4 / 12, "kind": 3 / 16, "small": 1 / 12, "idle": 0.0}
    shares = {name: each / sum(variances.values()) for name, each in variances.items()}
    evaluator = FanovaImportanceEvaluator(n_trees=8, seed=0)
    found = get_param_importances(study, evaluator=evaluator, normalize=False)
    assert found == pytest.approx(shares, abs=0.02)
    assert found["idle"] < 1e-3
    assert list(found) == list(shares)


def test_fanova_gives_nothing_to_what_acts_together_alone(study_of):
    study = study_of(
        1500, {"x": FloatDistribution(-1, 1), "y": FloatDistribution(-1, 1)}, lambda p, rng: p["x"] * p["y"]
    )
    evaluator = FanovaImportanceEvaluator(n_trees=8, seed=0)
    assert sum(get_param_importances(study, evaluator=evaluator, normalize=False).values()) < 0.05


def test_variances_of_a_tree_are_those_counted_by_hand():
    # x <= 0.25: 4; else y <= 0.5: 0, else 8.  Mean 4; marginals: x: (4, 4), y: 1 and 7.
    tree = Tree(
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        feature=np.array([0, -2, 1, -2, -2]),
        threshold=np.array([0.25, -2.0, 0.5, -2.0, -2.0]),
        value=np.array([4.0, 4.0, 4.0, 0.0, 8.0]),
    )
    total, of_y = 0.75 * 16, 9.0
    shares = variance_shares(
        tree, 3, [(np.array([0]), False), (np.array([1]), False), (np.array([2]), False)]
    )
    assert shares == pytest.approx([0.0, of_y / total, 0.0], abs=1e-15)


def test_variances_of_trees_are_those_on_a_fine_grid(study_of):
    """Marginals by brute force: trees predict on all combinations of many points and three choices."""
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    features = np.column_stack([rng.integers(0, 60, 200) / 59, np.eye(3)[rng.integers(0, 3, 200)]])
    targets = np.sin(5 * features[:, 0]) * (1 + features[:, 2]) + features[:, 3]
    forest = RandomForestRegressor(n_estimators=3, random_state=0).fit(features, targets)
    fine = (np.arange(20000) + 0.5) / 20000
    for fitted in forest.estimators_:
        t = fitted.tree_
        tree = Tree(t.children_left, t.children_right, t.feature, t.threshold, t.value[:, 0, 0])
        shares = variance_shares(tree, 4, [(np.array([0]), False), (np.array([1, 2, 3]), True)])
        points = np.column_stack([np.repeat(fine, 3), np.tile(np.eye(3), (len(fine), 1))])
        table = fitted.predict(points).reshape(-1, 3)
        by_hand = [table.mean(axis=1).var() / table.var(), table.mean(axis=0).var() / table.var()]
        assert shares == pytest.approx(by_hand, rel=1e-3)


def test_a_tree_without_a_split_has_no_shares():
    leaf = Tree(np.array([-1]), np.array([-1]), np.array([-2]), np.array([-2.0]), np.array([7.0]))
    assert variance_shares(leaf, 1, [(np.array([0]), False)]) is None


def test_values_that_differ_by_little_are_told_apart_by_forests(study_of):
    space = {"tiny": FloatDistribution(1e-9, 1e-7), "idle": UNIT}
    study = study_of(200, space, lambda p, rng: p["tiny"] * 1e7)
    for evaluator in EVALUATORS[1:]:
        assert get_param_importances(study, evaluator=evaluator)["tiny"] > 0.95


def test_many_choices_take_no_time_in_fanova(study_of):
    """Optuna goes through all 2**40 combinations of the columns of 40 choices."""
    space = {"kind": CategoricalDistribution(tuple(map(str, range(40)))), "x": UNIT}
    study = study_of(300, space, lambda p, rng: int(p["kind"]) % 2 + 0.1 * p["x"])
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(n_trees=4, seed=0))
    assert found["kind"] > 0.9


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_what_does_not_matter_gets_about_nothing(study_of, evaluator):
    space = {"x": UNIT, "n": IntDistribution(0, 9), "idle": UNIT, "off": CategoricalDistribution(("a", "b"))}
    study = study_of(1000, space, lambda p, rng: p["x"] + 0.02 * p["n"])
    found = get_param_importances(study, evaluator=evaluator)
    assert next(iter(found)) == "x"
    assert found["idle"] + found["off"] < 0.02


def test_ped_anova_says_what_had_to_be_right_for_the_best_few(study_of):
    """The level of the plateau does not matter to the best tenth; whether one is on it does."""
    space = {"gate": UNIT, "fine": UNIT}
    study = study_of(800, space, lambda p, rng: p["fine"] * 0.001 if p["gate"] < 0.1 else 1 + 9 * p["fine"])
    ped = get_param_importances(study)
    assert ped["gate"] > 0.8
    assert get_param_importances(study, evaluator=FanovaImportanceEvaluator(n_trees=8, seed=0))["fine"] > 0.5


# ---- what goes in and comes out ------------------------------------------------------------------


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_only_the_named_parameters_come_back_largest_first_as_plain_floats(mixed, evaluator):
    found = get_param_importances(mixed.ours, evaluator=evaluator, params=["same", "n", "x", "n"])
    assert set(found) == {"x", "n", "same"}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(type(value) is float for value in found.values())


def test_impurity_belongs_to_its_parameter_in_whatever_order_they_are_named(study_of):
    study = study_of(100, {"a": UNIT, "z": UNIT}, lambda p, rng: p["z"])
    evaluator = MeanDecreaseImpurityImportanceEvaluator(n_trees=4, seed=0)
    assert get_param_importances(study, evaluator=evaluator, params=["z", "a"])["z"] > 0.99


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_no_parameters_no_importances(mixed, evaluator):
    assert get_param_importances(mixed.ours, evaluator=evaluator, params=[]) == {}


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_fewer_than_two_trials_give_equal_importances_and_a_warning(make_pair, make_rows, evaluator):
    study = make_pair(make_rows(1)).ours
    with pytest.warns(UserWarning, match="two COMPLETE trials"):
        found = get_param_importances(study, evaluator=evaluator, params=["x", "n"])
    assert found == {"x": 0.5, "n": 0.5}
    with pytest.warns(UserWarning, match="two COMPLETE trials"):
        found = get_param_importances(study, evaluator=evaluator, params=["x", "n"], normalize=False)
    assert found == {"x": 0.0, "n": 0.0}


def test_an_empty_study_has_no_importances():
    study = raystudy.create_study()
    for evaluator in EVALUATORS[1:]:
        assert get_param_importances(study, evaluator=evaluator) == {}
    with pytest.warns(UserWarning, match="two COMPLETE trials"):
        assert get_param_importances(study) == {}


def test_constant_parameters_have_no_importance_and_need_no_forest(make_pair):
    study = make_pair([([float(at)], {"x": (1, IntDistribution(1, 1))}, {}) for at in range(4)]).ours
    for evaluator in EVALUATORS:
        assert get_param_importances(study, evaluator=evaluator, normalize=False) == {"x": 0.0}


def test_a_target_may_be_any_number_of_a_trial(mixed):
    with pytest.warns(UserWarning, match="low targets are taken for good ones"):
        found = get_param_importances(mixed.ours, target=lambda trial: trial.params["width"])
    assert next(iter(found)) == "width"
    evaluator = FanovaImportanceEvaluator(n_trees=4, seed=0)
    found = get_param_importances(mixed.ours, evaluator=evaluator, target=lambda trial: trial.params["n"])
    assert found["n"] > 0.95


def test_trials_with_targets_that_are_not_finite_do_not_count(mixed):
    def target(trial):
        return trial.params["x"] if trial.number % 2 else float("nan")

    for evaluator in EVALUATORS[1:]:
        assert get_param_importances(mixed.ours, evaluator=evaluator, target=target)["x"] > 0.9


def test_a_single_trial_of_a_branch_is_left_out_with_a_warning(make_pair):
    rows = [([at / 9], {"x": (at / 9, UNIT)}, {}) for at in range(10)]
    rows.append(([0.0], {"x": (0.5, UNIT), "rare": (0.5, UNIT)}, {}))
    with pytest.warns(UserWarning, match="'rare'.*one trial alone"):
        found = get_param_importances(make_pair(rows).ours)
    assert found == {"x": 1.0, "rare": 0.0}


def test_ped_anova_warns_where_all_trials_are_equally_good(make_pair, make_rows):
    study = make_pair(make_rows(10, values=lambda p, rng: 1.0)).ours
    with pytest.warns(UserWarning, match="equally good"):
        found = get_param_importances(study)
    assert set(found.values()) == {1 / len(found)}


def test_a_database_gives_the_importances_of_memory(mixed, tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    study = raystudy.create_study(storage=storage)
    study.add_trials(mixed.ours.trials)
    assert get_param_importances(study) == get_param_importances(mixed.ours)


def test_a_seed_gives_the_same_forest_again(mixed):
    for evaluator in EVALUATORS[1:]:
        assert get_param_importances(mixed.ours, evaluator=evaluator) == get_param_importances(
            mixed.ours, evaluator=evaluator
        )


def test_values_enqueued_outside_of_the_domain_are_endured(make_rows, make_pair):
    log = FloatDistribution(1e-3, 1.0, log=True)
    study = make_pair(make_rows(40, space={"x": UNIT, "y": log}, values=lambda p, rng: p["x"])).ours
    for x, y in [(9.0, 0.1), (-3.0, 0.0), (0.5, -1.0)]:
        study.enqueue_trial({"x": x, "y": y})
    with pytest.warns(UserWarning, match="outside"):
        study.optimize(
            lambda t: t.suggest_float("x", 0, 1) + 0 * t.suggest_float("y", 1e-3, 1, log=True),
            n_trials=3,
            show_progress_bar=False,
        )
    for evaluator in EVALUATORS:
        found = get_param_importances(study, evaluator=evaluator)
        assert sum(found.values()) == pytest.approx(1.0)
        assert min(found.values()) >= 0.0
    assert next(iter(get_param_importances(study, evaluator=EVALUATORS[1]))) == "x"


# ---- evaluators ----------------------------------------------------------------------------------


def test_an_evaluator_of_ones_own_is_asked_and_its_answer_scaled_and_ranked(mixed):
    class Spread(BaseImportanceEvaluator):
        def evaluate(self, study, params=None, *, target=None):
            assert params == ["n", "x"]
            return {"n": 1.0, "x": 3.0}

    found = get_param_importances(mixed.ours, evaluator=Spread(), params=["n", "x"])
    assert list(found.items()) == [("x", 0.75), ("n", 0.25)]
    raw = get_param_importances(mixed.ours, evaluator=Spread(), params=["n", "x"], normalize=False)
    assert raw == {"x": 3.0, "n": 1.0}


def test_an_evaluator_needs_evaluate_and_its_base_class(mixed):
    with pytest.raises(TypeError):
        BaseImportanceEvaluator()
    for no_evaluator in (PedAnovaImportanceEvaluator, "ped", object()):
        with pytest.raises(TypeError, match="BaseImportanceEvaluator"):
            get_param_importances(mixed.ours, evaluator=no_evaluator)


@pytest.mark.parametrize(
    ("best", "near"), [(0.0, 1.0), (0.5, 0.5), (0.6, 0.5), (0.1, 1.1), (float("nan"), 1.0)]
)
def test_ped_anova_refuses_quantiles_that_are_none(best, near):
    with pytest.raises(ValueError, match="target_quantile"):
        PedAnovaImportanceEvaluator(target_quantile=best, region_quantile=near)


def test_ped_anova_says_that_a_region_does_nothing_against_a_uniform_draw():
    with pytest.warns(UserWarning, match="region_quantile does nothing"):
        PedAnovaImportanceEvaluator(region_quantile=0.5, evaluate_on_local=False)


@pytest.mark.parametrize("kind", [FanovaImportanceEvaluator, MeanDecreaseImpurityImportanceEvaluator])
def test_forests_need_trees_with_levels(kind):
    for arguments in ({"n_trees": 0}, {"max_depth": 0}):
        with pytest.raises(ValueError, match="n_trees"):
            kind(**arguments)


def test_without_scikit_learn_ped_anova_works_and_forests_say_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None; from raystudy.importance import *\n"
        "PedAnovaImportanceEvaluator(); FanovaImportanceEvaluator()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        'ImportError: importances by forests need scikit-learn: pip install "raystudy[importance]"'
        in done.stderr
    )
