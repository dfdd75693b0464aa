"""What our plotly figures hold is what Optuna's hold, of the same trials."""

import datetime as dt
import json
import re
import warnings

import numpy as np
import optuna
import optuna.terminator
import pytest
from plotly.colors import label_rgb, sample_colorscale, unlabel_rgb

import raystudy
from raystudy import visualization as ours
from raystudy.visualization.data.coordinates import coordinates

SPACE = range(6)
MIXED = ("minimize", "maximize")


def theirs(name, *args, **options):
    """Return Optuna's figure; some of its plots warn that they are experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(optuna.visualization, name)(*args, **options)


def numbers(values):
    return [] if values is None else [float("nan") if x is None else x for x in list(values)]


def assert_same_trace(mine, other, *, names=True):
    for part in ("x", "y", "z"):
        if hasattr(other, part):
            found, expected = numbers(getattr(mine, part)), numbers(getattr(other, part))
            assert len(found) == len(expected), (part, mine.name)
            if expected and isinstance(expected[0], str):
                assert found == expected
            else:
                np.testing.assert_allclose(
                    np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-12
                )
    if names:
        assert mine.name == other.name


def assert_same_figure(mine, other, **options):
    assert len(mine.data) == len(other.data)
    for trace, expected in zip(mine.data, other.data, strict=True):
        assert_same_trace(trace, expected, **options)
    assert mine.layout.title.text == other.layout.title.text
    assert mine.layout.xaxis.title.text == other.layout.xaxis.title.text
    assert mine.layout.yaxis.title.text == other.layout.yaxis.title.text


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("constraints", [False, True])
def test_history(pair, direction, constraints):
    mine, other = pair(40, (direction,), constraints=constraints)
    name = "plot_optimization_history"
    assert_same_figure(ours.plot_optimization_history(mine), theirs(name, other))


def test_history_of_a_target_shows_no_best_value(pair):
    mine, other = pair(40, MIXED)
    options = {"target": lambda trial: trial.values[1], "target_name": "speed"}
    figure = ours.plot_optimization_history(mine, **options)
    assert_same_figure(figure, theirs("plot_optimization_history", other, **options))
    assert [trace.name for trace in figure.data] == ["speed", "Infeasible Trial"]


@pytest.mark.parametrize("error_bar", [False, True])
def test_histories_of_several_studies(pair, error_bar):
    pairs = [pair(n, seed=seed, name=f"study {seed}") for seed, n in enumerate((30, 25, 20))]
    mine = ours.plot_optimization_history([each[0] for each in pairs], error_bar=error_bar)
    other = theirs("plot_optimization_history", [each[1] for each in pairs], error_bar=error_bar)
    if error_bar:  # Optuna's last trace has numbers of infeasible trials without values, which draws nothing
        other.data[-1].update(x=[])
    assert_same_figure(mine, other)
    if error_bar:
        np.testing.assert_allclose(mine.data[0].error_y.array, other.data[0].error_y.array)


def test_distribution_functions(pair):
    pairs = [pair(n, seed=seed, name=f"study {seed}") for seed, n in enumerate((30, 25))]
    mine = ours.plot_edf([each[0] for each in pairs])
    assert_same_figure(mine, theirs("plot_edf", [each[1] for each in pairs]))
    assert list(mine.layout.yaxis.range) == [0, 1]


@pytest.mark.parametrize(
    ("directions", "reference"), [(MIXED, (0.9, 0.1)), ((*MIXED, "minimize"), (1, 0, 0.8))]
)
@pytest.mark.parametrize("constraints", [False, True])
def test_hypervolumes(pair, directions, reference, constraints):
    mine, other = pair(120, directions, constraints=constraints)
    figure = ours.plot_hypervolume_history(mine, reference)
    assert_same_figure(figure, theirs("plot_hypervolume_history", other, reference))


def test_intermediate_values(pair):
    mine, other = pair(60, constraints=True)
    figure = ours.plot_intermediate_values(mine)
    assert_same_figure(figure, theirs("plot_intermediate_values", other))


@pytest.mark.parametrize(
    ("directions", "options"),
    [
        (("minimize",), {}),
        (("maximize",), {"params": ["momentum", "lr"]}),
        (MIXED, {}),
        (MIXED, {"target": lambda trial: trial.values[0], "target_name": "loss"}),
    ],
)
@pytest.mark.parametrize("constraints", [False, True])
def test_parallel_coordinates(pair, directions, options, constraints):
    """Optuna has a trace per trial, we have one per shade: the lines are compared, whatever their order."""
    mine, other = pair(40, directions, constraints=constraints)
    figure, expected = (
        ours.plot_parallel_coordinate(mine, **options),
        theirs("plot_parallel_coordinate", other, **options),
    )
    n = len(figure.layout.xaxis.ticktext)

    def lines(fig):
        found = []
        for trace in fig.data:
            if trace.mode == "lines" and len(trace.x) > 1:
                y = np.array(numbers(trace.y), dtype=float).reshape(-1, n + (len(trace.x) > n))[:, :n]
                shown = (
                    trace.text
                    if trace.customdata is None or trace.text is not None
                    else [f"{label}: {text}" for label, text in trace.customdata]
                )
                texts = np.array(shown, dtype=object).reshape(len(y), -1)[:, :n]
                found += [
                    (tuple(row.round(9)), tuple(text), trace.line.dash)
                    for row, text in zip(y, texts, strict=True)
                ]
        return sorted(found)

    assert lines(figure) == lines(expected)
    assert figure.layout.xaxis.ticktext == expected.layout.xaxis.ticktext
    ticks = [[(a.x, a.text) for a in fig.layout.annotations] for fig in (figure, expected)]
    assert set(ticks[0]) <= set(ticks[1])
    bars = [fig.data[-1].marker for fig in (figure, expected)]
    assert (bars[0].cmin, bars[0].cmax, bars[0].reversescale) == (
        bars[1].cmin,
        bars[1].cmax,
        bars[1].reversescale,
    )
    assert bars[0].colorbar.title.text == bars[1].colorbar.title.text


def test_better_lines_are_darker_and_on_top(pair):
    mine, _ = pair(40)
    figure = ours.plot_parallel_coordinate(mine)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    brightness = [sum(map(int, re.findall(r"\d+", trace.line.color))) for trace in lines]
    best_first = [min(y for y in list(trace.y)[:: len(figure.layout.xaxis.ticktext) + 1]) for trace in lines]
    assert brightness == sorted(brightness, reverse=True)
    assert best_first == sorted(best_first, reverse=True)


@pytest.mark.parametrize(
    "options", [{}, {"params": ["lr"]}, {"params": ["optimizer", "momentum", "lr", "layers"]}]
)
@pytest.mark.parametrize("constraints", [False, True])
def test_slices(pair, options, constraints):
    mine, other = pair(40, constraints=constraints)
    figure, expected = ours.plot_slice(mine, **options), theirs("plot_slice", other, **options)
    if constraints:  # Optuna draws no infeasible trials over categorical parameters
        figure.data = [t for t in figure.data if t.name == "Feasible Trial" or not isinstance(t.x[0], str)]
    assert_same_figure(figure, expected)
    colours = [
        [list(t.marker.color) for t in fig.data if t.name == "Feasible Trial"] for fig in (figure, expected)
    ]
    assert colours[0] == colours[1]
    axes = [
        [(axis.title.text, axis.type, axis.categoryarray) for axis in fig.select_xaxes()]
        for fig in (figure, expected)
    ]
    assert axes[0] == axes[1]
    assert figure.layout.width == expected.layout.width


@pytest.mark.parametrize(
    "options", [{}, {"params": ["lr", "optimizer"]}, {"params": ["layers", "batch", "dropout"]}]
)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_contours(pair, options, direction):
    mine, other = pair(40, (direction,), constraints=True)
    figure, expected = ours.plot_contour(mine, **options), theirs("plot_contour", other, **options)
    if len(options.get("params", SPACE)) > 2:  # Optuna draws infeasible trials over a single pair only
        figure.data = [trace for trace in figure.data if trace.name != "Infeasible Trial"]
    assert len(figure.data) == len(expected.data)
    in_place = [
        sorted(fig.data, key=lambda trace: (trace.xaxis or "x", trace.yaxis or "y"))
        for fig in (figure, expected)
    ]
    for trace, theirs_ in zip(*in_place, strict=True):
        assert numbers(trace.x) == pytest.approx(numbers(theirs_.x)) or list(trace.x) == list(theirs_.x)
        assert numbers(trace.y) == pytest.approx(numbers(theirs_.y)) or list(trace.y) == list(theirs_.y)
        if theirs_.type == "contour" and theirs_.z is not None:
            np.testing.assert_array_equal(np.array(trace.z), np.array(theirs_.z))
            assert trace.reversescale == theirs_.reversescale
    ranges = [[pytest.approx(axis.range) for axis in fig.select_xaxes()] for fig in (figure, expected)]
    assert [tuple(axis.range) for axis in figure.select_xaxes()] == ranges[1]


@pytest.mark.parametrize("options", [{}, {"params": ["optimizer", "lr"]}, {"params": ["lr"]}])
@pytest.mark.parametrize("constraints", [False, True])
def test_ranks(pair, options, constraints):
    mine, other = pair(40, constraints=constraints)
    figure, expected = ours.plot_rank(mine, **options), theirs("plot_rank", other, **options)

    def dots(fig):
        """Return (subplot, x, y, colour, text) of each point."""
        found = []
        for trace in fig.data:
            if not trace.hovertext:
                continue
            colour = trace.marker.color
            if isinstance(colour, str):
                colour = ["rgb(204, 204, 204)"] * len(trace.x)  # the grey of infeasible trials
            elif not isinstance(colour[0], str):
                sampled = sample_colorscale("RdYlBu_r", list(colour))
                colour = [label_rgb(unlabel_rgb(each)) for each in sampled]
            colour = [re.sub(r"\.\d+", "", re.sub(" ", "", each)) for each in colour]
            places = zip(map(str, trace.x), map(str, trace.y), colour, trace.hovertext, strict=True)
            found += [(trace.xaxis or "x", trace.yaxis or "y", *each) for each in places]
        return sorted(found)

    assert dots(figure) == dots(expected)
    assert figure.data[-1].marker.colorbar.ticktext == expected.data[-1].marker.colorbar.ticktext


@pytest.mark.parametrize("directions", [MIXED, (*MIXED, "minimize")])
@pytest.mark.parametrize("constraints", [False, True])
@pytest.mark.parametrize("include", [False, True])
def test_pareto_fronts(pair, directions, constraints, include):
    mine, other = pair(60, directions, constraints=constraints)
    figure = ours.plot_pareto_front(mine, include_dominated_trials=include)
    expected = theirs("plot_pareto_front", other, include_dominated_trials=include)
    assert_same_figure(figure, expected, names=False)
    for trace, theirs_ in zip(figure.data, expected.data, strict=True):
        assert list(trace.text) == list(theirs_.text)
        assert trace.hovertemplate == theirs_.hovertemplate


def test_pareto_front_of_chosen_targets(pair):
    mine, other = pair(60, (*MIXED, "minimize", "minimize"))
    options = {"targets": lambda trial: trial.values[1:3], "target_names": ["a", "b"]}
    figure, expected = ours.plot_pareto_front(mine, **options), theirs("plot_pareto_front", other, **options)
    assert_same_figure(figure, expected, names=False)


def test_pareto_front_with_constraints_of_a_function(pair):
    mine, other = pair(60, MIXED)
    options = {"constraints_func": lambda trial: [0.3 - trial.values[0]]}
    figure, expected = ours.plot_pareto_front(mine, **options), theirs("plot_pareto_front", other, **options)
    assert_same_figure(figure, expected, names=False)


@pytest.mark.parametrize(
    ("direction", "options"),
    [("minimize", {}), ("maximize", {"params": ["lr", "momentum"]}), ("minimize", {"target_name": "loss"})],
)
def test_importances(pair, direction, options):
    mine, other = pair(60, (direction,))
    figure = ours.plot_param_importances(mine, **options)
    assert_same_bars(figure.data, theirs("plot_param_importances", other, **options).data)
    assert list(figure.data[0].x) == sorted(figure.data[0].x), "the most important one is on top"


def test_importances_of_several_objectives(pair):
    """Optuna asks what makes each value low; we ask what makes it good."""
    mine, other = pair(60, MIXED)
    figure = ours.plot_param_importances(mine)
    targets = (lambda trial: trial.values[0], lambda trial: -trial.values[1])
    names = ("Objective Value 0", "Objective Value 1")
    expected = [
        theirs("plot_param_importances", other, target=target, target_name=name).data[0]
        for target, name in zip(targets, names, strict=True)
    ]
    assert_same_bars(figure.data, expected)


def assert_same_bars(bars, expected):
    assert len(bars) == len(expected)
    for trace, theirs_ in zip(bars, expected, strict=True):
        assert trace.name == theirs_.name
        np.testing.assert_allclose(sorted(trace.x), sorted(theirs_.x), atol=1e-9)
        assert dict(zip(trace.y, trace.text, strict=True)) == dict(zip(theirs_.y, theirs_.text, strict=True))
        hover, their_hover = (
            sorted(text.partition(":")[0] for text in each.hovertemplate) for each in (trace, theirs_)
        )
        assert hover == their_hover


def test_importances_are_named_after_the_metrics(pair):
    mine, _ = pair(30, MIXED)
    mine.set_metric_names(["loss", "speed"])
    assert [trace.name for trace in ours.plot_param_importances(mine).data] == ["loss", "speed"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("plot_error", [False, True])
@pytest.mark.parametrize("min_n_trials", [10, 20, 60])
def test_improvements_of_a_terminator(pair, direction, plot_error, min_n_trials):
    mine, other = pair(50, (direction,))
    figures = []
    for library, study, call in ((raystudy, mine, ours.plot_terminator_improvement), (optuna, other, None)):
        evaluators = (
            library.terminator.BestValueStagnationEvaluator(7),
            library.terminator.StaticErrorEvaluator(1.5),
        )
        arguments = (study, plot_error, *evaluators, min_n_trials)
        figures.append(call(*arguments) if call else theirs("plot_terminator_improvement", *arguments))
    figure, expected = figures
    expected.data = [
        trace for trace in expected.data if trace.x is not None
    ]  # a trace without points for no errors
    assert_same_figure(figure, expected)
    assert [t.showlegend for t in figure.data[:2]] == [t.showlegend for t in expected.data[:2]]
    assert list(figure.layout.yaxis.range) == pytest.approx(list(expected.layout.yaxis.range))


def test_improvements_by_the_default_evaluator_are_finite(pair):
    mine, _ = pair(24)
    (early, later) = ours.plot_terminator_improvement(mine, min_n_trials=12).data
    assert [*early.x, *later.x[1:]] == list(range(24))
    assert np.isfinite([*early.y, *later.y]).all()


def test_a_terminator_is_asked_two_hundred_times_at_the_most(pair):
    mine, _ = pair(500)
    count = raystudy.terminator.BestValueStagnationEvaluator()
    figure = ours.plot_terminator_improvement(mine, improvement_evaluator=count)
    assert figure.layout.title.subtitle.text == "asked after 200 of 500 trials"
    assert figure.data[-1].x[-1] == 499


@pytest.mark.parametrize("n_recent_trials", [None, 7])
def test_timelines(pair, n_recent_trials):
    mine, other = pair(40, constraints=True)
    figure = ours.plot_timeline(mine, n_recent_trials)
    expected = theirs("plot_timeline", other, n_recent_trials)
    assert_same_figure(figure, expected)
    for trace, theirs_ in zip(figure.data, expected.data, strict=True):
        assert list(trace.base) == list(theirs_.base)
        assert list(trace.text) == list(theirs_.text)


def test_a_running_trial_is_drawn_until_now(pair):
    mine, _ = pair(12)
    mine.ask()
    (running,) = [trace for trace in ours.plot_timeline(mine).data if trace.name == "RUNNING"]
    begun = dt.datetime.fromisoformat(running.base[0])
    assert 1000 <= running.x[0] <= 1000 + (dt.datetime.now() - begun).total_seconds() * 1000


def test_the_trials_of_a_study_made_by_optuna_in_the_same_database(tmp_path):
    url = f"sqlite:///{tmp_path}/both.db"
    other = optuna.create_study(storage=url, study_name="theirs", sampler=optuna.samplers.RandomSampler(0))

    def objective(trial):
        x = trial.suggest_float("x", 1e-3, 1, log=True)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        for step in range(3):
            trial.report(x + step, step)
        return x + (kind == "a")

    other.optimize(objective, n_trials=15)
    mine = raystudy.load_study(study_name="theirs", storage=url)
    for name in (
        "plot_optimization_history",
        "plot_slice",
        "plot_edf",
        "plot_intermediate_values",
        "plot_timeline",
    ):
        assert_same_figure(getattr(ours, name)(mine), theirs(name, other))
    for trace, expected in zip(ours.plot_contour(mine).data, theirs("plot_contour", other).data, strict=True):
        assert list(trace.x) == list(expected.x)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("plot_optimization_history", ()),
        ("plot_slice", ()),
        ("plot_contour", ()),
        ("plot_rank", ()),
        ("plot_edf", ()),
        ("plot_hypervolume_history", ((1.0,),)),
    ],
)
def test_what_several_objectives_need_is_an_error_in_both(pair, name, args):
    mine, other = pair(5, MIXED)
    with pytest.raises(ValueError, match=r"target|reference_point"):
        getattr(ours, name)(mine, *args)
    with pytest.raises(ValueError, match=r"target|reference point"):
        theirs(name, other, *args)


@pytest.mark.parametrize("name", ["plot_slice", "plot_contour", "plot_rank", "plot_parallel_coordinate"])
def test_an_unknown_parameter_is_an_error_that_names_it(pair, name):
    mine, other = pair(5)
    for call, study in ((getattr(ours, name), mine), (lambda s, p: theirs(name, s, p), other)):
        with pytest.raises(ValueError, match="nosuch"):
            call(study, ["lr", "nosuch"])


def test_a_target_without_a_name_is_warned_of(pair):
    mine, _ = pair(5)
    with pytest.warns(UserWarning, match="target_name"):
        ours.plot_slice(mine, target=lambda trial: 1.0)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("plot_optimization_history", ()),
        ("plot_slice", ()),
        ("plot_terminator_improvement", ()),
        ("plot_contour", ()),
        ("plot_rank", ()),
        ("plot_edf", ()),
        ("plot_intermediate_values", ()),
        ("plot_parallel_coordinate", ()),
        ("plot_param_importances", ()),
        ("plot_timeline", ()),
    ],
)
def test_an_empty_study_is_an_empty_figure_that_says_so(name, args):
    figure = getattr(ours, name)(raystudy.create_study(), *args)
    assert len(figure.data) == len(theirs(name, optuna.create_study(), *args).data) == 0
    assert re.search("no trial", figure.layout.title.subtitle.text)


def test_infinite_values_are_left_out_and_counted():
    study = raystudy.create_study()
    for value in (1.0, float("inf"), 2.0):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, value)
    figure = ours.plot_slice(study)
    assert list(figure.data[0].y) == [1.0, 2.0]
    assert figure.layout.title.subtitle.text == "1 trial without a finite value left out"
    assert coordinates(study, None, None, "v").numbers.tolist() == [0, 2]


def test_hover_texts_are_json(pair):
    mine, _ = pair(12, MIXED)
    texts = [text for trace in ours.plot_pareto_front(mine).data for text in trace.text]
    decoded = [json.loads(text.replace("<br>", "\n")) for text in texts]
    assert {each["number"] for each in decoded} == {
        t.number for t in mine.trials if t.state.name == "COMPLETE"
    }
