"""The same trials as a study of ours and one of Optuna's."""

import warnings
from dataclasses import dataclass
from typing import Any

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

optuna.logging.set_verbosity(optuna.logging.ERROR)

MIXED = {
    "x": FloatDistribution(-1.0, 1.0),
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "step": FloatDistribution(0.0, 2.0, step=0.25),
    "n": IntDistribution(1, 12),
    "width": IntDistribution(1, 512, log=True),
    "by": IntDistribution(0, 100, step=10),
    "kind": CategoricalDistribution(("a", "b", "c", None)),
    "flag": CategoricalDistribution((True, False)),
    "same": FloatDistribution(0.5, 0.5),
}


@dataclass
class Pair:
    """The two studies."""

    ours: Any
    theirs: Any

    def importances(self, evaluator=None, arguments=None, **options):
        """Return our importances and Optuna's, by the evaluators of this name."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [
                module.get_param_importances(
                    study,
                    evaluator=evaluator and getattr(module, evaluator)(**(arguments or {})),
                    **options,
                )
                for module, study in ((raystudy.importance, self.ours), (optuna.importance, self.theirs))
            ]


def paired(rows, directions=("minimize",)):
    """Return both studies of the same trials, given as (values, {name: (value, distribution)}, more arguments)."""
    pair = Pair(
        raystudy.create_study(directions=list(directions)), optuna.create_study(directions=list(directions))
    )
    known = {}
    for values, params, options in rows:
        for name, (_, distribution) in params.items():
            if (name, distribution) not in known:
                text = distribution_to_json(distribution)
                known[name, distribution] = optuna.distributions.json_to_distribution(text)
        for study, module in ((pair.ours, raystudy), (pair.theirs, optuna)):
            own = {name: d if module is raystudy else known[name, d] for name, (_, d) in params.items()}
            state = module.trial.TrialState[options.get("state", "COMPLETE")]
            study.add_trial(
                module.trial.create_trial(
                    state=state,
                    values=values,
                    params={name: value for name, (value, _) in params.items()},
                    distributions=own,
                    **{key: value for key, value in options.items() if key != "state"},
                )
            )
    return pair


def draw(distribution, rng):
    """Draw a value uniformly on the scale of a distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[rng.integers(len(distribution.choices))]
    if distribution.step:
        steps = round((distribution.high - distribution.low) / distribution.step)
        if distribution.log:
            return int(np.exp(rng.uniform(0.0, np.log(distribution.high))))
        return distribution.low + int(rng.integers(steps + 1)) * distribution.step
    if distribution.log:
        return float(np.exp(rng.uniform(np.log(distribution.low), np.log(distribution.high))))
    return float(rng.uniform(distribution.low, distribution.high))


def mixed_value(p, rng):
    """An objective of the mixed space, with some noise."""
    value = 3 * p["x"] ** 2 + np.log10(p["lr"]) + 0.2 * p["n"] + (p["kind"] == "b") + p["step"] * p["flag"]
    return float(value + 0.1 * rng.normal())


def mixed_rows(n, seed=0, space=None, values=mixed_value):
    """Return n random trials of a space (default: all kinds of parameters)."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(n):
        params = {name: (draw(d, rng), d) for name, d in (space or MIXED).items()}
        value = values({name: each for name, (each, _) in params.items()}, rng)
        rows.append((value if isinstance(value, list) else [value], params, {}))
    return rows


@pytest.fixture(scope="session")
def make_pair():
    return paired


@pytest.fixture(scope="session")
def make_rows():
    return mixed_rows


@pytest.fixture(scope="session")
def mixed():
    return paired(mixed_rows(150))
