"""The plot of the rungs shows what is counted by hand."""

import subprocess
import sys

import pytest

import raystudy
from raystudy.pruners import HyperbandPruner, NopPruner
from raystudy.samplers import RandomSampler
from raystudy.visualization import plot_rungs


def search(pruner, values, **options):
    """Run one trial per value, which reports it at each of four steps."""

    def objective(trial):
        for step in range(0 if trial.resume_step is None else trial.resume_step + 1, 4):
            trial.save_checkpoint({}, step=step)
            trial.report(values[trial.number], step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return values[trial.number]

    study = raystudy.create_study(sampler=RandomSampler(0), pruner=pruner, **options)
    study.optimize(objective, len(values), executor="inline", show_progress_bar=False)
    return study


@pytest.fixture
def figure():
    """Return the plot of one full bracket with rungs at 1, 2 and 4.

    By hand: of 0.4, 0.1, 0.3, 0.2 the second and the fourth go on; the fourth is the last to come to rung 0, so that
    it need not wait, and waits at rung 1; the second is better there, and so goes on at once to the last rung.
    """
    return plot_rungs(search(HyperbandPruner(1, 4, 2, mode="sync"), [0.4, 0.1, 0.3, 0.2]))


def points(figure):
    return {
        trace.name: sorted(zip(trace.x, trace.y, (c[0] for c in trace.customdata), strict=True))
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "markers" and trace.x
    }


def test_each_value_stands_at_its_budget_in_the_colour_of_its_fate(figure):
    assert points(figure) == {
        "dropped": [(1, 0.3, 2), (1, 0.4, 0), (2, 0.2, 3)],
        "went on at once": [(1, 0.2, 3), (2, 0.1, 1)],
        "promoted": [(1, 0.1, 1)],
        "complete": [(4, 0.1, 1)],
    }


def test_lines_lead_from_rung_to_rung(figure):
    (lines,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]
    segments = sorted(zip(lines.x[::3], lines.y[::3], lines.x[1::3], lines.y[1::3], strict=True))
    assert segments == [(1, 0.1, 2, 0.1), (1, 0.2, 2, 0.2), (2, 0.1, 4, 0.1)]
    assert set(lines.x[2::3]) == {None}


def test_bars_count_the_trials_of_each_rung_and_those_that_waited(figure):
    bars = {trace.name: (trace.y, trace.customdata) for trace in figure.data if trace.type == "bar"}
    assert bars == {
        "dropped": ((2, 1, 0), (2, 1, 0)),
        "waits": ((0, 0, 0), (0, 0, 0)),
        "went on at once": ((1, 1, 0), (0, 0, 0)),
        "promoted": ((1, 0, 0), (1, 0, 0)),
        "complete": ((0, 0, 1), (0, 0, 0)),
    }
    (totals,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert totals.text == ("4<br>(3)", "2<br>(1)", "1")


def test_budgets_are_on_a_logarithmic_axis_and_named(figure):
    assert (figure.layout.xaxis.type, figure.layout.xaxis.tickvals) == ("log", (1, 2, 4))


def test_each_fate_that_occurs_stands_once_in_the_legend(figure):
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == ["dropped", "went on at once", "promoted", "complete"]


def test_waiting_trials_are_shown_while_the_study_runs():
    study = raystudy.create_study(pruner=HyperbandPruner(1, 4, 2, mode="sync"))
    for value in (0.2, 0.1):
        trial = study.ask()
        trial.save_checkpoint({}, step=0)
        trial.report(value, 0)
        study.park(trial)
    assert points(plot_rungs(study)) == {"waits": [(1, 0.1, 1), (1, 0.2, 0)]}


def test_brackets_with_the_same_rungs_are_put_together():
    figure = plot_rungs(search(HyperbandPruner(1, 4, 2, mode="sync"), [i / 30 for i in range(30)]))
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert [title.split("<br>")[0] for title in titles] == ["from budget 1", "from budget 2", "from budget 4"]
    assert sum(int(title.split("<br>")[1].split()[0]) for title in titles) == 30


def test_a_thousand_trials_are_few_traces_and_spread_sideways():
    def curve(trial):
        x = trial.suggest_float("x", 0, 1)
        return [x + 1 / (step + 1) for step in range(4)]

    pruner = HyperbandPruner(1, 4, 2)
    simulated = raystudy.simulate(curve, 1000, n_workers=64, sampler=RandomSampler(0), pruner=pruner)
    figure = plot_rungs(simulated.study)
    assert len(figure.data) == 3 * 12
    at_the_lowest = [
        t.x for t in figure.data if t.type == "scatter" and t.mode == "markers" and t.xaxis == "x"
    ]
    places = [x for xs in at_the_lowest for x in xs if x < 1.5]
    assert len(places) == 445  # 4 of the 9 trials in a cycle
    assert len(set(places)) == 445
    assert all(0.8 < x < 1.25 for x in places)


@pytest.mark.parametrize(("direction", "awful"), [("minimize", 1e6), ("maximize", -1e6)])
def test_a_diverged_trial_does_not_flatten_the_others(direction, awful):
    values = [awful, *(i / 40 for i in range(40)), float("nan"), float("inf")]
    figure = plot_rungs(search(HyperbandPruner(1, 4, 2, mode="stop"), values, direction=direction))
    low, high = figure.layout.yaxis.range
    assert -0.2 < low <= 0
    assert 0.9 < high < 1.2
    assert "outside of this range" in figure.layout.yaxis.title.text


def test_study_without_rungs_is_an_error_that_names_its_pruner():
    with pytest.raises(ValueError, match=r"no trial .* has reached a rung; its pruner is NopPruner"):
        plot_rungs(search(NopPruner(), [0.1]))


def test_without_plotly_the_error_says_what_to_install():
    code = "import sys; sys.modules['plotly'] = None; from raystudy.visualization import plot_rungs"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "raystudy[plot]"' in done.stderr
