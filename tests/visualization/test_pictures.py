"""Every plot becomes a picture in which no text hides another."""

import datetime as dt
import shutil
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import plotly.io
import pytest
from matplotlib.image import imread

import raystudy
from raystudy import visualization
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.terminator import BestValueStagnationEvaluator
from raystudy.visualization import matplotlib as drawn

mpl.use("Agg")

PLOTS = {
    "plot_cluster_timeline": (),
    "plot_contour": (),
    "plot_edf": (),
    "plot_epochs_saved": (),
    "plot_hypervolume_history": ((2.0, -2.0),),
    "plot_intermediate_values": (),
    "plot_optimization_history": (),
    "plot_parallel_coordinate": (),
    "plot_param_importances": (),
    "plot_pareto_front": (),
    "plot_rank": (),
    "plot_rungs": (),
    "plot_slice": (),
    "plot_terminator_improvement": (False, BestValueStagnationEvaluator()),
    "plot_timeline": (),
}
SEVERAL = ("plot_hypervolume_history", "plot_pareto_front")


@pytest.fixture(scope="module")
def search():
    """Return 100 trials of a Hyperband search, as a simulation has run them."""

    def curve(trial):
        x = trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)
        y = trial.suggest_int("n_layers", 1, 8)
        trial.suggest_int("width", 30, 250, log=True)
        kind = trial.suggest_categorical("optimizer", ["adam", "sgd", "lion"])
        for step in range(9):
            yield abs(np.log10(x) + 3) + 0.1 * abs(y - 4) + (kind == "lion") + 1 / (step + 1)

    pruner = HyperbandPruner(1, 9, 3)
    return raystudy.simulate(curve, 100, n_workers=8, sampler=RandomSampler(0), pruner=pruner, epoch_s=60)


@pytest.fixture(scope="module")
def fronts():
    """Return 100 trials with two objectives."""
    study = raystudy.create_study(directions=["minimize", "maximize"], sampler=RandomSampler(0))

    def objective(trial):
        x, y = (trial.suggest_float(name, 0, 1) for name in "xy")
        return x + y / 2, -((1 - x) ** 2) - y

    study.optimize(objective, 100, executor="inline", show_progress_bar=False)
    return study


def source_of(name, search, fronts):
    if name == "plot_cluster_timeline":
        return search
    return fronts if name in SEVERAL else search.study


@pytest.mark.parametrize("name", PLOTS)
def test_matplotlib_draws_it_without_texts_over_each_other(name, search, fronts, tmp_path):
    axes = getattr(drawn, name)(source_of(name, search, fronts), *PLOTS[name])
    figure = np.ravel(axes)[0].figure
    figure.savefig(tmp_path / "plot.png", dpi=100)
    picture = imread(tmp_path / "plot.png")
    hidden = list(overlaps(figure))
    outside = [text for text, box in texts_of(figure) if not inside(box, figure.bbox)]
    plt.close(figure)
    assert (picture[..., :3].min(axis=2) < 0.9).mean() > 0.005, "nearly nothing is drawn"
    assert hidden == []
    assert outside == []


def texts_of(figure):
    """Return each text that is shown, with its box in pixels."""
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        found = [axes.title, axes.xaxis.label, axes.yaxis.label]
        for side in (axes.xaxis, axes.yaxis):
            low, high = sorted(side.get_view_interval())
            for minor in (False, True):
                ticks = zip(side.get_ticklocs(minor=minor), side.get_ticklabels(minor=minor), strict=False)
                found += [label for place, label in ticks if low <= place <= high]
        for text in found:
            if text.get_visible() and text.get_text().strip():
                yield text.get_text(), text.get_window_extent(renderer)
    for text in (figure._suptitle, figure._supxlabel):
        if text is not None:
            yield text.get_text(), text.get_window_extent(renderer)


def overlaps(figure):
    found = list(texts_of(figure))
    for at, (text, box) in enumerate(found):
        for other, other_box in found[at + 1 :]:
            width = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            height = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            if min(width, height) > 2:
                yield text, other


def inside(box, bounds):
    return box.x0 >= -1 and box.y0 >= -1 and box.x1 <= bounds.x1 + 1 and box.y1 <= bounds.y1 + 1


def test_the_user_s_settings_of_matplotlib_stay_as_they_are(search):
    before = dict(mpl.rcParams)
    plt.close(drawn.plot_slice(search.study)[0].figure)
    assert dict(mpl.rcParams) == before


@pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    reason="plotly draws pictures with a browser",
)
def test_plotly_draws_every_plot(search, fronts, tmp_path):
    pytest.importorskip("kaleido")
    figures = {n: getattr(visualization, n)(source_of(n, search, fronts), *args) for n, args in PLOTS.items()}
    files = [tmp_path / f"{name}.png" for name in figures]
    plotly.io.write_images(list(figures.values()), files)
    for file in files:
        picture = imread(file)
        assert (picture[..., :3].min(axis=2) < 0.9).mean() > 0.005, file.name


def test_both_kinds_of_plots_draw_the_same_points(search):
    figure = visualization.plot_slice(search.study, ["n_layers"])
    axes = drawn.plot_slice(search.study, ["n_layers"])
    points = axes.collections[0].get_offsets()
    plt.close(axes.figure)
    np.testing.assert_array_equal(points[:, 0], figure.data[0].x)
    np.testing.assert_array_equal(points[:, 1], figure.data[0].y)


@pytest.mark.parametrize("module", [visualization, drawn])
def test_both_modules_have_the_same_plots(module):
    assert module.is_available()
    assert {name for name in dir(module) if name.startswith("plot_")} >= PLOTS.keys()
    assert all(callable(getattr(module, name)) for name in PLOTS)
    with pytest.raises(AttributeError, match="plot_nothing"):
        module.plot_nothing  # noqa: B018


@pytest.mark.parametrize(("package", "module"), [("plotly", ""), ("matplotlib", ".matplotlib")])
def test_without_the_package_it_says_what_to_install(package, module):
    code = f"""
import sys
sys.modules["{package}"] = None
import raystudy.visualization{module} as plots
assert not plots.is_available()
plots.plot_slice
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f'ImportError: plots need {package}: pip install "raystudy[plot]"'


@pytest.mark.parametrize("hours", [0.001, 0.07, 0.8, 2.9, 3.1, 60, 1900])
def test_times_of_any_length_have_a_few_ticks(hours):
    study = raystudy.create_study()
    for number in range(3):
        trial = raystudy.create_trial(value=1.0)
        trial.datetime_start = dt.datetime(2026, 1, 1) + number * dt.timedelta(hours=hours / 3)
        trial.datetime_complete = trial.datetime_start + dt.timedelta(hours=hours / 3)
        study.add_trial(trial)
    axes = drawn.plot_timeline(study)
    axes.figure.canvas.draw()
    low, high = axes.get_xlim()
    n_ticks = sum(low <= place <= high for place in axes.get_xticks())
    hidden = list(overlaps(axes.figure))
    plt.close(axes.figure)
    assert 2 <= n_ticks <= 9
    assert hidden == []
