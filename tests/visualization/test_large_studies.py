"""Plots of 10,000 trials stay small enough for a browser, and say which trials they do not draw."""

import datetime as dt

import numpy as np
import pytest

import raystudy
from raystudy import visualization as plots
from raystudy.distributions import CategoricalDistribution, FloatDistribution
from raystudy.frozen import TrialState
from raystudy.trial import create_trial

N = 10_000
SPACE = {
    "x": FloatDistribution(0.0, 1.0),
    "lr": FloatDistribution(1e-5, 1e-1, log=True),
    "kind": CategoricalDistribution(("a", "b")),
}


def made(n_objectives):
    rng = np.random.default_rng(0)
    study = raystudy.create_study(directions=["minimize"] * n_objectives)
    trials = []
    for number in range(N):
        values = rng.random(n_objectives).tolist()
        params = {"x": values[0], "lr": float(10 ** rng.uniform(-5, -1)), "kind": "ab"[number % 2]}
        reports = {step: values[0] + 1 / (step + 1) for step in range(3)} if n_objectives == 1 else {}
        trial = create_trial(
            values=values,
            params=params,
            distributions=SPACE,
            intermediate_values=reports,
            state=TrialState.COMPLETE,
        )
        trial.datetime_start = dt.datetime(2026, 1, 1) + dt.timedelta(seconds=number)
        trial.datetime_complete = trial.datetime_start + dt.timedelta(seconds=30)
        trials.append(trial)
    study.add_trials(trials)
    return study


@pytest.fixture(scope="module")
def one():
    return made(1)


@pytest.fixture(scope="module")
def two():
    return made(2)


def note(figure):
    return figure.layout.title.subtitle.text


@pytest.mark.parametrize(
    "name",
    [
        "plot_cluster_timeline",
        "plot_contour",
        "plot_edf",
        "plot_epochs_saved",
        "plot_intermediate_values",
        "plot_optimization_history",
        "plot_parallel_coordinate",
        "plot_rank",
        "plot_slice",
        "plot_timeline",
    ],
)
def test_ten_thousand_trials_are_few_traces_and_megabytes(one, name):
    figure = getattr(plots, name)(one)
    assert len(figure.data) <= 50
    assert len(figure.to_json()) < 15e6
    points = [trace for trace in figure.data if trace.type == "scatter" and trace.x is not None]
    assert max((len(trace.x) for trace in points), default=0) <= 2_001, "so many points are drawn by WebGL"


@pytest.mark.parametrize(
    "name", ["plot_hypervolume_history", "plot_pareto_front", "plot_parallel_coordinate"]
)
def test_ten_thousand_trials_with_two_objectives(two, name):
    figure = getattr(plots, name)(two, *([[1.0, 1.0]] if "hypervolume" in name else []))
    assert len(figure.data) <= 50
    assert len(figure.to_json()) < 15e6


def test_every_trial_is_drawn_where_that_is_possible(one):
    assert len(plots.plot_optimization_history(one).data[0].x) == N
    assert sum(len(trace.x) for trace in plots.plot_slice(one, ["x"]).data) == N


def test_trials_that_are_not_drawn_are_counted(one):
    assert note(plots.plot_intermediate_values(one)) == (
        "600 of 10,000 trials drawn: the 100 best, and others evenly"
    )
    assert note(plots.plot_parallel_coordinate(one)) == (
        "1,000 of 10,000 trials drawn: the 100 best, and others evenly"
    )
    assert note(plots.plot_rank(one)) == "6,666 of 10,000 trials drawn, evenly over their ranks"


def test_the_best_curves_are_always_drawn(one):
    best = {trial.number for trial in sorted(one.trials, key=lambda trial: trial.value)[:100]}
    for figure in (plots.plot_intermediate_values(one), plots.plot_parallel_coordinate(one)):
        drawn = {number for trace in figure.data if trace.mode == "lines" for number in trace.customdata}
        assert best <= drawn


def test_contours_of_many_values_are_cells_with_their_best_value(one):
    contour = next(trace for trace in plots.plot_contour(one, ["x", "kind"]).data if trace.type == "contour")
    z = np.array(contour.z)
    assert z.shape in ((64, 2), (2, 64))
    by_x = z if z.shape == (2, 64) else z.T
    values = np.array([trial.value for trial in one.trials])
    for kind, row in zip("ab", by_x, strict=True):
        expected = values[[trial.params["kind"] == kind for trial in one.trials]].min()
        assert np.nanmin(row) == expected
