"""Optuna plots and judges our studies: every figure of optuna.visualization shows our numbers."""

import datetime as dt
import itertools
import math

import optuna
import pytest

import raystudy
from raystudy.constraints import constraints_from_attrs, constraints_to_attrs, is_feasible
from raystudy.distributions import FloatDistribution
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages.base import CreateTrial

optuna.logging.set_verbosity(optuna.logging.ERROR)
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
plots = optuna.visualization

START = dt.datetime(2026, 3, 1, 8)
CONSTRAINTS = [
    {"weight": -1.0, "cost": 0.0},
    {"weight": 0.5, "cost": -2.0},
    {"weight": math.inf, "cost": 1.0},
]


def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    n = trial.suggest_int("n", 1, 64, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(9):
        trial.report(x * n + (9 - step) * (kind == "b"), step)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return x * n


@pytest.fixture
def search(rdb, tmp_path):
    """A search of ours, with pruned trials."""
    study = raystudy.create_study(
        study_name="search",
        storage=rdb,
        sampler=raystudy.samplers.TPESampler(seed=3, n_startup_trials=5),
        pruner=raystudy.pruners.HyperbandPruner(1, 9, 3),
    )
    study.optimize(objective, n_trials=20, show_progress_bar=False, storage_path=str(tmp_path))
    return study


@pytest.fixture
def their_search(search, theirs):
    return optuna.load_study(study_name="search", storage=theirs)


@pytest.fixture
def constrained(rdb, theirs):
    """Trials of ours with two objectives and two constraints, as Optuna reads them."""
    study_id = rdb.create_study("constrained", [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])
    space = FloatDistribution(0, 1)
    writes = [
        CreateTrial(
            number=None,
            state=TrialState.COMPLETE,
            datetime_start=START,
            datetime_complete=START + dt.timedelta(minutes=1),
            params={"x": (number / 10, space)},
            values=[1.0 - number, 1.0 + number],
            system_attrs=constraints_to_attrs(constraints),
        )
        for number, constraints in enumerate(CONSTRAINTS)
    ]
    rdb.commit(study_id, writes)
    return optuna.load_study(study_name="constrained", storage=theirs)


def complete(study):
    return [trial for trial in study.trials if trial.state is TrialState.COMPLETE]


def named(figure):
    return {trace.name: trace for trace in figure.data}


def test_the_curves_show_our_values(search, their_search):
    done = complete(search)
    assert 3 < len(done) < 20
    history = named(plots.plot_optimization_history(their_search))
    values = [trial.value for trial in done]
    assert list(history["Objective Value"].y) == values
    best = [value for value in history["Best Value"].y if not math.isnan(value)]
    assert sorted(set(best), reverse=True) == sorted(set(itertools.accumulate(values, min)), reverse=True)
    curves = plots.plot_intermediate_values(their_search).data
    reported = [trial.intermediate_values for trial in search.trials if trial.intermediate_values]
    shown = [dict(zip(curve.x, curve.y, strict=True)) for curve in curves]
    assert shown == reported
    (edf,) = plots.plot_edf(their_search).data
    assert max(edf.y) == 1.0
    bars = plots.plot_timeline(their_search).data
    assert sum(len(bar.y) for bar in bars) == 20
    assert {bar.name for bar in bars} == {"COMPLETE", "PRUNED"}


def test_the_parameter_plots_show_our_parameters(search, their_search):
    done = complete(search)
    (points,) = plots.plot_slice(their_search, params=["x"]).data
    assert list(points.x) == [trial.params["x"] for trial in done]
    assert list(points.y) == [trial.value for trial in done]
    lines = [line for line in plots.plot_parallel_coordinate(their_search).data if line.mode == "lines"]
    shown = [dict(line.customdata) for line in lines]
    assert sorted(line["n"] for line in shown) == sorted(str(trial.params["n"]) for trial in done)
    assert set(shown[0]) == {"Objective Value", "kind", "n", "x"}
    for plot in (plots.plot_contour, plots.plot_rank):
        figure = plot(their_search, params=["x", "n"])
        points = next(trace for trace in figure.data if trace.type == "scatter")
        axes = figure.layout.xaxis.title.text, figure.layout.yaxis.title.text
        assert sorted(axes) == ["n", "x"]
        shown = sorted(zip(points.x, points.y, strict=True))
        assert shown == sorted(tuple(trial.params[name] for name in axes) for trial in done)


def test_the_importances_of_our_parameters_are_computed(their_search):
    importances = optuna.importance.get_param_importances(their_search)
    assert set(importances) == {"x", "n", "kind"}
    assert sum(importances.values()) == pytest.approx(1.0)
    (bars,) = plots.plot_param_importances(their_search).data
    assert dict(zip(bars.y, bars.x, strict=True)) == pytest.approx(importances)
    assert their_search.best_trial.params == their_search.best_params


def test_optuna_reads_our_constraints_by_name(constrained):
    for trial, constraints in zip(constrained.trials, CONSTRAINTS, strict=True):
        shown = {name: trial.constraints[name] for name in constraints}
        assert shown == constraints
        assert all(value <= 0 for value in trial.constraints.values()) == is_feasible(constraints)
    assert [trial.number for trial in constrained.best_trials] == [0]


def test_our_infeasible_trials_are_plotted_as_such(constrained):
    front = plots.plot_pareto_front(constrained, include_dominated_trials=True)
    infeasible = next(trace for trace in front.data if trace.marker.color == "#cccccc")
    assert sorted(infeasible.x) == [-1.0, 0.0]
    volumes = plots.plot_hypervolume_history(constrained, reference_point=[2.0, 0.0])
    assert list(volumes.data[0].y) == [1.0, 1.0, 1.0]
    histories = plots.plot_optimization_history(
        constrained, target=lambda trial: trial.values[0], target_name="loss"
    )
    assert "Infeasible Trial" in named(histories)


def test_the_best_trial_of_optuna_is_our_feasible_one(rdb, theirs):
    study_id = rdb.create_study("one", [StudyDirection.MINIMIZE])
    for value, constraint in ((1.0, 5.0), (2.0, -1.0), (0.5, 1e-9)):
        attrs = constraints_to_attrs({"0": constraint})
        assert attrs == {"constraints": [constraint]}
        write = CreateTrial(None, TrialState.COMPLETE, START, {}, {}, attrs, [value], {}, START)
        rdb.commit(study_id, [write])
    study = optuna.load_study(study_name="one", storage=theirs)
    assert study.best_trial.number == 1
    assert study.best_trial.constraints == {"0": -1.0}
    study.sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert [constraints_from_attrs(t.system_attrs) for t in rdb.read_trials(study_id)][3:] == [{}, {}]


@pytest.mark.parametrize("sampler", ["TPESampler", "NSGAIISampler"])
def test_optunas_samplers_go_on_with_our_constrained_study(constrained, sampler):
    constrained.sampler = getattr(optuna.samplers, sampler)(seed=1)

    def objective(trial):
        trial.set_constraint("weight", -1.0)
        return trial.suggest_float("x", 0, 1), 0.0

    constrained.optimize(objective, n_trials=3)
    assert [trial.number for trial in constrained.trials] == list(range(6))
    assert constrained.trials[5].constraints == {"weight": -1.0}
