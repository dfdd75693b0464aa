"""The same trials in a study of Optuna and in one of ours."""

import datetime as dt

import numpy as np
import optuna
import pytest

import raystudy
from raystudy.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from raystudy.frozen import TrialState

BEGIN = dt.datetime(2026, 1, 1)
SPACE = {
    "lr": FloatDistribution(1e-5, 1e-1, log=True),
    "dropout": FloatDistribution(0.0, 0.6),
    "layers": IntDistribution(1, 8),
    "batch": CategoricalDistribution((32, 64, 128)),
    "optimizer": CategoricalDistribution(("sgd", "adam", None)),
    "momentum": FloatDistribution(0.5, 0.99),
}


@pytest.fixture
def pair():
    """Return a function that makes our study and Optuna's with the same trials."""
    return make_pair


def make_pair(n, directions=("minimize",), *, seed=0, constraints=False, name="s"):
    """Return our study and Optuna's with the same n trials, of several states."""
    ours = raystudy.create_study(directions=directions, study_name=name)
    theirs = optuna.create_study(directions=directions, study_name=name)
    rng = np.random.default_rng(seed)
    made = [_trial(rng, number, len(directions), constraints) for number in range(n)]
    ours.add_trials([_made(raystudy, each) for each in made])
    theirs.add_trials([_made(optuna, each) for each in made])
    return ours, theirs


def _trial(rng, number, n_objectives, constraints):
    params = {
        "lr": float(10 ** rng.uniform(-5, -1)),
        "dropout": float(rng.uniform(0, 0.6)),
        "layers": int(rng.integers(1, 9)),
        "batch": int(rng.choice([32, 64, 128])),
        "optimizer": ("sgd", "adam", None)[rng.integers(3)],
    }
    if params["optimizer"] == "sgd":
        params["momentum"] = float(rng.uniform(0.5, 0.99))
    values = [float(x) for x in rng.uniform(0, 1, n_objectives).round(2)]
    state = TrialState.COMPLETE
    if n_objectives == 1 and number % 4 == 1:
        state = TrialState.PRUNED
    if number % 11 == 5:
        state, values = TrialState.FAIL, None
    reports = {step: float(rng.random()) for step in range(1 + number % 5)} if n_objectives == 1 else {}
    violations = {"memory": float(rng.normal(-1, 1))} if constraints and number % 5 else {}
    start = BEGIN + dt.timedelta(seconds=10 * number)
    attrs = {"note": number, "tags": ["a", {"b": 1}]} if number % 3 == 0 else {}
    return {
        "state": state.name,
        "values": values,
        "params": params,
        "intermediate_values": reports,
        "constraints": violations,
        "user_attrs": attrs,
        "times": (start, start + dt.timedelta(seconds=float(rng.uniform(1, 40)))),
    }


def _made(module, each):
    options = dict(each)
    start, end = options.pop("times")
    options["state"] = module.trial.TrialState[options["state"]]
    load = module.distributions.json_to_distribution
    options["distributions"] = {name: load(distribution_to_json(SPACE[name])) for name in each["params"]}
    trial = module.trial.create_trial(**options)
    trial.datetime_start, trial.datetime_complete = start, end
    return trial
