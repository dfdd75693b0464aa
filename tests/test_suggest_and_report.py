"""What ``trial.suggest_*`` and ``trial.report`` promise to an objective."""

import itertools
import warnings

import pytest

import raystudy
from raystudy.samplers import RandomSampler, TPESampler


def run(study, objective, n_trials=1, **options):
    study.optimize(objective, n_trials, show_progress_bar=False, executor="inline", **options)
    return study


@pytest.fixture(params=["memory", "sqlite"])
def study(request, tmp_path):
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return raystudy.create_study(storage=storage, sampler=TPESampler(seed=1))


# ---- suggest -----------------------------------------------------------------------------------------


def test_parameter_suggested_twice_keeps_its_value(study):
    def objective(trial):
        return float(len({trial.suggest_float("x", 0, 1) for _ in range(3)}))

    assert run(study, objective).best_value == 1.0


def test_other_bounds_within_a_trial_warn_and_keep_the_value(study):
    def objective(trial):
        first = trial.suggest_float("x", 0, 1)
        with pytest.warns(RuntimeWarning, match="'x' was suggested before"):
            return trial.suggest_float("x", 10, 20) - first

    assert run(study, objective).best_value == 0.0


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda trial: trial.suggest_int("p", 0, 1), "another kind"),
        (lambda trial: trial.suggest_float("p", 0.1, 1, log=True), "another log scale"),
        (lambda trial: trial.suggest_categorical("p", ["a"]), "another kind"),
    ],
)
@pytest.mark.parametrize("same_trial", [True, False])
def test_other_distribution_of_a_parameter_is_an_error_naming_both(study, other, what, same_trial):
    def objective(trial):
        if same_trial or trial.number == 0:
            trial.suggest_float("p", 0, 1)
        return 0.0 if trial.number == 0 and not same_trial else float(other(trial))

    with pytest.raises(ValueError, match=f"'p' has .*{what}.*FloatDistribution"):
        run(study, objective, 2)


def test_other_choices_are_an_error(study):
    choices = itertools.cycle([("a", "b"), ("b", "a")])
    with pytest.raises(ValueError, match="'p' has other choices"):
        run(study, lambda trial: len(trial.suggest_categorical("p", next(choices))), 2)


def test_bounds_may_change_from_trial_to_trial(study):
    def objective(trial):
        x = trial.suggest_float("x", trial.number, trial.number + 1)
        assert trial.number <= x <= trial.number + 1
        return x

    assert len(run(study, objective, 15).trials) == 15


def test_parameter_with_one_value_has_it(study):
    def objective(trial):
        return (
            trial.suggest_float("x", 2, 2)
            + trial.suggest_int("n", 3, 3)
            + trial.suggest_categorical("c", [4])
        )

    assert run(study, objective).best_params == {"x": 2.0, "n": 3, "c": 4}


@pytest.mark.parametrize(
    "suggest",
    [
        lambda trial: trial.suggest_float("lr", 1, 0),
        lambda trial: trial.suggest_float("lr", "low", 1),
        lambda trial: trial.suggest_float("lr", 0, None),
        lambda trial: trial.suggest_int("lr", 0, [9]),
        lambda trial: trial.suggest_float("lr", 0, 1, log=True),
        lambda trial: trial.suggest_int("lr", 1, 9, step=2, log=True),
        lambda trial: trial.suggest_categorical("lr", []),
    ],
)
def test_wrong_bounds_name_the_parameter(study, suggest):
    with pytest.raises(ValueError, match="parameter 'lr'"):
        run(study, suggest)


# ---- report ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "step", "error"),
    [
        ("low", 0, TypeError),
        (None, 0, TypeError),
        (1.0, "first", TypeError),
        (1.0, None, TypeError),
        (1.0, -1, ValueError),
        (1.0, 2**31, ValueError),
        (1.0, float("inf"), TypeError),
    ],
)
def test_report_that_is_no_number_is_an_error(study, value, step, error):
    with pytest.raises(error, match=r"trial\.report"):
        run(study, lambda trial: trial.report(value, step))
    assert study.trials[0].intermediate_values == {}


@pytest.mark.parametrize(
    ("name", "error"), [("k" * 513, ValueError), ("a\0b", ValueError), ("\ud800", ValueError), (5, TypeError)]
)
@pytest.mark.parametrize(
    "use",
    [lambda trial, name: trial.set_user_attr(name, 1), lambda trial, name: trial.suggest_int(name, 0, 1)],
)
def test_name_that_no_database_holds_fails_its_trial_alone(study, name, error, use):
    with pytest.raises(error, match="the name of a"):
        run(study, lambda trial: use(trial, name))
    assert [trial.state for trial in study.trials] == [raystudy.trial.TrialState.FAIL]


def test_step_reported_twice_warns_and_keeps_the_first_value(study):
    def objective(trial):
        trial.report(1.0, 0)
        with pytest.warns(UserWarning, match="step 0 already"):
            trial.report(2.0, 0)
        return 3.0

    assert run(study, objective).trials[0].intermediate_values == {0: 1.0}


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_reports_need_not_be_finite(study, value):
    def objective(trial):
        trial.report(value, 0)
        return 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(study, objective)
    assert repr(study.trials[0].intermediate_values[0]) == repr(value)


def test_report_needs_one_objective():
    study = raystudy.create_study(directions=["minimize", "maximize"], sampler=RandomSampler(1))
    with pytest.raises(NotImplementedError, match="one objective"):
        run(study, lambda trial: trial.report(1.0, 0))
