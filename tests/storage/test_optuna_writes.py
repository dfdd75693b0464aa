"""We read and continue whatever Optuna has written, old rows included, and Optuna reads what we have added."""

import contextlib
import json
import math

import optuna
import pytest
import sqlalchemy as sa

import raystudy
from raystudy import distributions as ours
from raystudy.constraints import constraints_from_attrs, is_feasible
from raystudy.frozen import TrialState
from raystudy.storages.tables import trial_params

optuna.logging.set_verbosity(optuna.logging.ERROR)
# Optuna warns of its own old distributions, constraints in both of its encodings, and young features.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:optuna"),
    pytest.mark.filterwarnings("ignore::FutureWarning:.*distributions"),
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
]

SPACE = {
    "lr": optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True),
    "drop": optuna.distributions.FloatDistribution(0.0, 0.9, step=0.1),
    "depth": optuna.distributions.IntDistribution(1, 9, step=2),
    "width": optuna.distributions.IntDistribution(1, 512, log=True),
    "kind": optuna.distributions.CategoricalDistribution(["a", 1, True, None, 0.5, math.inf]),
}
PARAMS = {"lr": 2e-4, "drop": 0.3, "depth": 3, "width": 64, "kind": None}
STATES = optuna.trial.TrialState


def make_trial(state, **parts):
    return optuna.trial.create_trial(state=state, params=PARAMS, distributions=SPACE, **parts)


def write_study(theirs):
    """A study with trials of every state and with every kind of value."""
    study = optuna.create_study(study_name="shared", storage=theirs, direction="maximize")
    reports = {0: math.nan, 1: math.inf, 2: -math.inf, 5: 0.25}
    for value in (0.1 + 0.2, math.inf, -math.inf, 5e-324, -1.7e308):
        study.add_trial(make_trial(STATES.COMPLETE, value=value, intermediate_values=reports))
    study.add_trial(make_trial(STATES.PRUNED, value=0.5))
    study.add_trial(make_trial(STATES.PRUNED, intermediate_values=reports))
    study.add_trial(make_trial(STATES.FAIL, user_attrs={"why": "ü\n'", "deep": {"a": [1, None, 2.5]}}))
    study.add_trial(make_trial(STATES.RUNNING, system_attrs={"completed_rung_0": math.inf}))
    study.add_trial(make_trial(STATES.WAITING))
    study.enqueue_trial({"lr": 0.01, "kind": "a"}, user_attrs={"by": "hand"})
    study.enqueue_trial({})
    study.set_user_attr("team", {"a": math.nan})
    study.set_metric_names(["accuracy"])
    return study


def test_we_read_every_state_and_value_of_optuna(theirs, rdb, assert_same_study):
    write_study(theirs)
    assert_same_study(theirs, rdb)
    states = [trial.state.name for trial in rdb.read_trials(rdb.find_study("shared"))]
    assert states == ["COMPLETE"] * 5 + ["PRUNED"] * 2 + ["FAIL", "RUNNING"] + ["WAITING"] * 3


def test_we_continue_a_study_of_optuna_and_optuna_continues_after_us(theirs, rdb, assert_same_study):
    theirs_study = write_study(theirs)
    study = raystudy.load_study(study_name="shared", storage=rdb)
    assert study.best_trial.number == theirs_study.best_trial.number == 1
    given = study.ask()  # the first one waiting has its parameters already
    assert given.suggest_float("lr", 1e-5, 1e-1, log=True) == PARAMS["lr"]
    study.tell(given, 0.5)

    def objective(trial):
        trial.set_user_attr("from", "either")
        trial.report(0.5, 0)
        return trial.suggest_float("lr", 1e-5, 1e-1, log=True)

    study.enqueue_trial({"lr": 0.02})
    study.optimize(objective, n_trials=5, show_progress_bar=False)
    assert_same_study(theirs, rdb)
    assert [study.trials[i].params["lr"] for i in (10, 12)] == [0.01, 0.02]
    theirs_study.optimize(objective, n_trials=2)
    study.tell(study.ask(), state=TrialState.FAIL)
    assert_same_study(theirs, rdb)
    assert [trial.number for trial in study.trials] == list(range(18))


def test_several_objectives_are_read_and_continued(theirs, rdb, assert_same_study):
    directions = ["minimize", "maximize", "minimize"]
    multi = optuna.create_study(study_name="shared", storage=theirs, directions=directions)
    multi.set_metric_names(["loss", "accuracy", "seconds"])
    sampler = optuna.samplers.NSGAIISampler(population_size=2, seed=1)
    multi.sampler = sampler
    multi.optimize(lambda trial: (trial.suggest_float("x", 0, 1), math.inf, -1.0), n_trials=5)
    multi.add_trial(make_trial(STATES.FAIL))
    assert_same_study(theirs, rdb)
    sampler = raystudy.samplers.RandomSampler(seed=1)
    study = raystudy.load_study(study_name="shared", storage=rdb, sampler=sampler)
    study.tell(study.ask(), [1.0, 2.0, -math.inf])
    study.optimize(
        lambda trial: (trial.suggest_float("x", 0, 1), 0.0, 1.0), n_trials=2, show_progress_bar=False
    )
    assert_same_study(theirs, rdb)
    assert [direction.name.lower() for direction in study.directions] == directions


def test_both_encodings_of_constraints_are_understood(theirs, rdb, assert_same_study):
    study = optuna.create_study(study_name="shared", storage=theirs)
    for number, value in enumerate((-1.0, 0.0, 1e-9, -math.inf)):
        trial = study.ask()
        trial.set_constraint("weight", value)
        trial.set_constraint("0", -1.0)
        if number == 1:
            theirs.set_trial_system_attr(trial._trial_id, "constraints", [-2.0, 3.0])
        study.tell(trial, float(number))
    theirs.set_trial_system_attr(study.ask()._trial_id, "constraints", [0.5, -0.5])
    assert_same_study(theirs, rdb)
    trials = rdb.read_trials(1)
    for our, their in zip(trials, study.trials, strict=True):
        expects_warning = our.number == 1
        with pytest.warns(UserWarning, match="Overwrite") if expects_warning else contextlib.nullcontext():
            expected = their.constraints
        assert constraints_from_attrs(our.system_attrs) == expected
    feasible = [is_feasible(constraints_from_attrs(trial.system_attrs)) for trial in trials]
    assert feasible == [True, False, False, True, False]


OLD = {
    "UniformDistribution": ({"low": 0.0, "high": 1.0}, 0.25, ours.FloatDistribution(0, 1)),
    "LogUniformDistribution": ({"low": 1e-3, "high": 1.0}, 0.5, ours.FloatDistribution(1e-3, 1, log=True)),
    "DiscreteUniformDistribution": (
        {"low": 0.0, "high": 1.0, "q": 0.25},
        0.75,
        ours.FloatDistribution(0, 1, step=0.25),
    ),
    "IntUniformDistribution": ({"low": 0, "high": 9, "step": 3}, 6.0, ours.IntDistribution(0, 9, step=3)),
    "IntLogUniformDistribution": (
        {"low": 1, "high": 8, "step": 1},
        4.0,
        ours.IntDistribution(1, 8, log=True),
    ),
}


def test_rows_of_before_optuna_3_are_read_and_continued(theirs, rdb, assert_same_study):
    study = optuna.create_study(study_name="shared", storage=theirs)
    study.tell(study.ask(), 1.0)
    with theirs.engine.begin() as connection:
        for name, (attributes, value, _) in OLD.items():
            text = json.dumps({"name": name, "attributes": attributes})
            row = {"trial_id": 1, "param_name": name, "param_value": value, "distribution_json": text}
            connection.execute(sa.insert(trial_params), row)
    assert_same_study(theirs, rdb)
    (trial,) = rdb.read_trials(1)
    assert trial.distributions == {name: distribution for name, (_, _, distribution) in OLD.items()}
    assert repr(trial.params["IntLogUniformDistribution"]) == "4"

    def objective(trial):
        low, high = OLD["LogUniformDistribution"][0].values()
        x = trial.suggest_float("LogUniformDistribution", low, high, log=True)
        return x + trial.suggest_int("IntUniformDistribution", 0, 9, step=3)

    raystudy.load_study(study_name="shared", storage=rdb).optimize(objective, 3, show_progress_bar=False)
    # Optuna 5 reads such rows, but takes their parameters for ones of another kind; other parameters go on.
    study.optimize(lambda trial: trial.suggest_float("new", 0, 1), n_trials=3)
    assert_same_study(theirs, rdb)
    assert len(rdb.read_trials(1)) == 7


def test_a_study_that_optuna_has_optimised_with_every_kind_of_pruner_attribute_is_read(
    theirs, rdb, assert_same_study
):
    study = optuna.create_study(
        study_name="shared",
        storage=theirs,
        sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=3),
        pruner=optuna.pruners.HyperbandPruner(1, 9, 3),
    )

    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        for step in range(9):
            trial.report(math.nan if trial.number == 3 else x, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=12)
    assert_same_study(theirs, rdb)
    assert any("completed_rung_0" in trial.system_attrs for trial in rdb.read_trials(1))
