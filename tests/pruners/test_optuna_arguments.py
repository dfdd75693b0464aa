"""Names, arguments, defaults and errors of pruners are Optuna's."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import optuna
import pytest

from raystudy import pruners


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's about experimental classes
        yield


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("PercentilePruner", {"percentile": -1}, ValueError),
        ("PercentilePruner", {"percentile": 100.5}, ValueError),
        ("MedianPruner", {"n_startup_trials": -1}, ValueError),
        ("MedianPruner", {"n_warmup_steps": -1}, ValueError),
        ("MedianPruner", {"interval_steps": 0}, ValueError),
        ("MedianPruner", {"n_min_trials": 0}, ValueError),
        ("PatientPruner", {"wrapped_pruner": None, "patience": -1}, ValueError),
        ("PatientPruner", {"wrapped_pruner": None, "patience": 1, "min_delta": -0.1}, ValueError),
        ("ThresholdPruner", {}, TypeError),
        ("ThresholdPruner", {"lower": "low"}, TypeError),
        ("ThresholdPruner", {"lower": 2, "upper": 1}, ValueError),
        ("ThresholdPruner", {"lower": 2, "n_warmup_steps": -1}, ValueError),
        ("ThresholdPruner", {"lower": 2, "interval_steps": 0}, ValueError),
        ("WilcoxonPruner", {"p_threshold": 1.1}, ValueError),
        ("WilcoxonPruner", {"n_startup_steps": -1}, ValueError),
        ("SuccessiveHalvingPruner", {"min_resource": "many"}, ValueError),
        ("SuccessiveHalvingPruner", {"min_resource": 0}, ValueError),
        ("SuccessiveHalvingPruner", {"reduction_factor": 1}, ValueError),
        ("SuccessiveHalvingPruner", {"min_early_stopping_rate": -1}, ValueError),
        ("SuccessiveHalvingPruner", {"bootstrap_count": -1}, ValueError),
        ("SuccessiveHalvingPruner", {"bootstrap_count": 1}, ValueError),
        ("HyperbandPruner", {"max_resource": "many"}, ValueError),
        ("HyperbandPruner", {"bootstrap_count": 1}, ValueError),
    ],
)
def test_wrong_arguments_raise_what_optuna_raises(
    name: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    for module in (optuna.pruners, pruners):
        with pytest.raises(error):
            getattr(module, name)(**arguments)


@pytest.mark.parametrize(
    "name", [n for n in dir(optuna.pruners) if n.endswith("Pruner") and n != "BasePruner"]
)
def test_arguments_and_defaults_are_optunas(name: str) -> None:
    def parameters(module: Any) -> list[tuple[str, Any, Any]]:
        found = inspect.signature(getattr(module, name)).parameters.values()
        return [(each.name, each.kind, each.default) for each in found]

    ours = [each for each in parameters(pruners) if each[0] != "mode"]
    assert ours == parameters(optuna.pruners)
    assert issubclass(getattr(pruners, name), pruners.BasePruner)
