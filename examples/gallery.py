"""Make docs/gallery.md: run four small studies, and draw every plot of them.

    python examples/gallery.py             # needs raystudy[plot] and scikit-learn; about a minute

The studies train networks of one hidden layer on scikit-learn's handwritten digits: by Hyperband, by TPE and by
random search, and with two objectives, the error and the size of the network.  The cluster's timeline is a simulation.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import raystudy
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler, TPESampler
from raystudy.terminator import BestValueStagnationEvaluator
from raystudy.visualization import matplotlib as plots

DOCS = Path(__file__).parent.parent / "docs"
N_EPOCHS = 27
N_COLOURS = 32
DOTS_PER_INCH = 80

images, labels = load_digits(return_X_y=True)
TRAIN_X, TEST_X, TRAIN_Y, TEST_Y = train_test_split(images / 16, labels, test_size=0.5, random_state=0)


def model_of(trial: raystudy.Trial) -> MLPClassifier:
    """Return an untrained network with what the trial suggests."""
    optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd"])
    momentum = trial.suggest_float("momentum", 0.5, 0.99) if optimizer == "sgd" else 0.9
    return MLPClassifier(
        hidden_layer_sizes=trial.suggest_int("width", 4, 256, log=True),
        learning_rate_init=trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        activation=trial.suggest_categorical("activation", ["relu", "tanh", "logistic"]),
        batch_size=trial.suggest_categorical("batch", [16, 64, 256]),
        solver=optimizer,
        momentum=momentum,
        random_state=0,
    )


def error_after(model: MLPClassifier) -> float:
    """Train for an epoch and return the error on the test half."""
    model.partial_fit(TRAIN_X, TRAIN_Y, classes=np.arange(10))
    return 1.0 - float(model.score(TEST_X, TEST_Y))


def objective(trial: raystudy.Trial) -> float:
    """Train a network from its checkpoint on, as far as it is let."""
    model, first, error = model_of(trial), 0, 1.0
    saved = trial.load_checkpoint()
    if saved is not None:
        model, first = pickle.loads(saved["model"]), saved["epoch"] + 1
    for epoch in range(first, N_EPOCHS):
        error = error_after(model)
        trial.save_checkpoint({"model": pickle.dumps(model), "epoch": epoch}, step=epoch)
        trial.report(error, epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return error


def error_and_size(trial: raystudy.Trial) -> tuple[float, float]:
    """Train for three epochs; return the error and the number of weights."""
    model = model_of(trial)
    error = [error_after(model) for _ in range(3)][-1]
    return error, float(sum(each.size for each in model.coefs_))


def constrained(trial: raystudy.Trial) -> tuple[float, float]:
    """Return the same; more than 10,000 weights are not allowed."""
    error, n_weights = error_and_size(trial)
    trial.set_constraint("weights", n_weights - 10_000)
    return error, n_weights


def curve(trial: raystudy.Trial) -> Any:
    """Yield the learning curve of an imagined training."""
    lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
    for epoch in range(N_EPOCHS):
        yield 0.1 + 0.05 * abs(np.log10(lr) + 2.5) + 0.5 / (epoch + 1) ** 0.7


def searched(
    name: str, function: Callable[[raystudy.Trial], Any], n_trials: int, **options: Any
) -> raystudy.Study:
    """Return a study in memory after so many trials in this process."""
    study = raystudy.create_study(study_name=name, **options)
    study.optimize(function, n_trials, executor="inline")
    return study


@dataclass(frozen=True)
class Picture:
    """A plot, the arguments that it is drawn with, and what to say of it."""

    name: str
    args: tuple[Any, ...]
    text: str


def pictures() -> list[Picture]:
    """Run the studies and return what to draw of them."""
    pruner = HyperbandPruner(1, N_EPOCHS, 3)
    band = searched("Hyperband", objective, 120, sampler=TPESampler(seed=0), pruner=pruner)
    tpe = searched("TPE", lambda trial: error_and_size(trial)[0], 100, sampler=TPESampler(seed=0))
    random = searched("random", lambda trial: error_and_size(trial)[0], 100, sampler=RandomSampler(0))
    both = searched("both", constrained, 100, sampler=TPESampler(seed=0), directions=["minimize"] * 2)
    both.set_metric_names(["error", "weights"])
    plan = raystudy.simulate(curve, 120, n_workers=12, pruner=pruner, seed=0, epoch_s=60, start_s=20)
    count = BestValueStagnationEvaluator(40)
    pairs = ["batch", "lr", "width"]
    return [
        Picture("optimization_history", (tpe,), "The value of each complete trial, and the best until then."),
        Picture("intermediate_values", (band,), "What the trials have reported, by what became of them."),
        Picture("rungs", (band,), "The rungs of Hyperband: who went on, who waited, who was dropped."),
        Picture("epochs_saved", (band,), "Epochs trained, and what they would have been without a pruner."),
        Picture("cluster_timeline", (plan,), "Each worker of a simulated cluster, or each slot of a study."),
        Picture("timeline", (band,), "When each trial began and ended."),
        Picture(
            "parallel_coordinate", (tpe,), "Each trial as a line over its parameters; better ones are darker."
        ),
        Picture("param_importances", (both,), "How important each parameter is, for each objective."),
        Picture("slice", (tpe,), "The value over each parameter; later trials are darker."),
        Picture("contour", (tpe, ["lr", "width"]), "The value over pairs of parameters."),
        Picture("rank", (tpe, pairs), "Pairs of parameters, coloured by the rank of the value."),
        Picture("edf", ([tpe, random],), "How the values of two studies are distributed."),
        Picture(
            "terminator_improvement", (tpe, False, count), "How many trials may still bring a better one."
        ),
        Picture(
            "pareto_front",
            (both,),
            "Two or three objectives, with the Pareto front; grey trials are infeasible.",
        ),
        Picture("hypervolume_history", (both, [1.0, 20_000.0]), "How the front of several objectives grows."),
    ]


def draw(picture: Picture, folder: Path) -> None:
    """Save a plot as a small PNG."""
    axes = getattr(plots, f"plot_{picture.name}")(*picture.args)
    buffer = io.BytesIO()
    figure = np.ravel(axes)[0].figure
    figure.savefig(buffer, dpi=DOTS_PER_INCH)
    plt.close(figure)
    Image.open(buffer).convert("RGB").quantize(N_COLOURS).save(folder / f"{picture.name}.png", optimize=True)


HEAD = """# Gallery

Every plot of `raystudy.visualization`, drawn by `raystudy.visualization.matplotlib`, which has the same names; the
functions of `raystudy.visualization` return plotly figures of the same numbers. `pip install "raystudy[plot]"`
installs both. The studies train small networks on handwritten digits: `python examples/gallery.py` makes this page.

```python no-test
from raystudy.visualization import plot_slice

plot_slice(study).show()
```
"""


def main() -> None:
    """Write the page and its pictures."""
    mpl.use("Agg")
    warnings.filterwarnings("ignore", module="sklearn")
    folder = DOCS / "gallery"
    folder.mkdir(exist_ok=True)
    parts = [HEAD]
    for picture in pictures():
        draw(picture, folder)
        parts.append(f"## plot_{picture.name}\n\n{picture.text}\n\n![](gallery/{picture.name}.png)\n")
    (DOCS / "gallery.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
