"""Trains the recorded learning curves: perceptrons and Fourier features by numpy, boosted trees by scikit-learn.

    python benchmarks/hyperband.py --train        # all five tables, one after the other: minutes on one core

Each table has the configurations of a scrambled Sobol sequence over its space, each trained with several seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks.multifidelity.problem import MAX_BUDGET, FloatArray, Params
from benchmarks.multifidelity.tables import FOLDER, unit_point
from raystudy.distributions import (
    CategoricalDistribution,
    Distribution,
    FloatDistribution,
    IntDistribution,
    ParamValue,
)
from raystudy.samplers.scales import UnitScale

__all__ = ["FOURIER", "PERCEPTRON", "TABLES", "TREES", "Table", "train"]


@dataclass(frozen=True, slots=True)
class Table:
    """How one table is trained.

    Attributes:
        space: Its parameters.
        curve: Returns the losses, (n_seeds, MAX_BUDGET), and the virtual seconds of an epoch.
        n_configurations: How many points are trained.
    """

    space: Mapping[str, Distribution]
    curve: Callable[[Params], tuple[FloatArray, float]]
    n_configurations: int


@dataclass(frozen=True, slots=True)
class Data:
    """A data set, split: inputs (n, d), labels or targets (n,)."""

    x: FloatArray
    y: FloatArray
    x_held_out: FloatArray
    y_held_out: FloatArray


def _split(x: FloatArray, y: FloatArray, n_train: int, seed: int) -> Data:
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order], y[order]
    mean, spread = x[:n_train].mean(axis=0), x[:n_train].std(axis=0) + 1e-6
    x = (x - mean) / spread
    return Data(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def _digits() -> Data:
    x, y = load_digits(return_X_y=True)
    return _split(x, y, 600, seed=1)


def _clusters() -> Data:
    x, y = make_classification(
        2500, 30, n_informative=12, n_redundant=6, n_classes=5, flip_y=0.0, class_sep=1.5, random_state=3
    )
    return _split(x, y, 800, seed=3)


def _cover() -> Data:
    x, y = make_classification(
        2500,
        20,
        n_informative=10,
        n_redundant=5,
        n_classes=4,
        n_clusters_per_class=3,
        flip_y=0.0,
        class_sep=1.5,
        random_state=5,
    )
    return _split(x, y, 800, seed=5)


def _spread() -> Data:
    x, y = make_classification(
        2500, 12, n_informative=8, n_classes=6, n_clusters_per_class=2, flip_y=0.01, random_state=13
    )
    return _split(x, y, 800, seed=13)


def _shapes() -> Data:
    x, y = make_classification(
        2500,
        16,
        n_informative=7,
        n_redundant=2,
        n_classes=3,
        n_clusters_per_class=3,
        flip_y=0.08,
        random_state=9,
    )
    return _split(x, y, 500, seed=9)


#: The space of the perceptrons.
PERCEPTRON: dict[str, Distribution] = {
    "lr": FloatDistribution(1e-3, 2.0, log=True),
    "momentum": FloatDistribution(0.0, 0.98),
    "l2": FloatDistribution(1e-6, 0.1, log=True),
    "units": IntDistribution(4, 128, log=True),
    "batch": CategoricalDistribution((16, 64, 200)),
    "activation": CategoricalDistribution(("tanh", "relu")),
}

#: The space of the linear models of random Fourier features.
FOURIER: dict[str, Distribution] = {
    "width": FloatDistribution(0.3, 30.0, log=True),
    "lr": FloatDistribution(0.01, 30.0, log=True),
    "momentum": FloatDistribution(0.0, 0.98),
    "l2": FloatDistribution(1e-7, 1e-2, log=True),
    "features": IntDistribution(16, 256, log=True),
    "batch": CategoricalDistribution((16, 64, 200)),
}

#: The space of the boosted trees.
TREES: dict[str, Distribution] = {
    "rate": FloatDistribution(0.01, 1.0, log=True),
    "depth": IntDistribution(1, 8),
    "subsample": FloatDistribution(0.2, 1.0),
    "features": FloatDistribution(0.1, 1.0),
    "leaf": IntDistribution(1, 50, log=True),
}


def _perceptron(data: Data, n_seeds: int) -> Callable[[Params], tuple[FloatArray, float]]:
    """Return a trainer of networks with one hidden layer, by mini-batches with momentum; all seeds at once.

    The loss is the share of held-out points that are classified wrongly.
    """
    n_classes = int(data.y.max()) + 1
    targets = np.eye(n_classes)[data.y.astype(int)]
    held_out = data.y_held_out.astype(int)

    def losses_of(scores: FloatArray) -> FloatArray:
        wrong: FloatArray = (scores.argmax(axis=2) != held_out).mean(axis=1)
        return wrong

    def curve(params: Params) -> tuple[FloatArray, float]:
        units, batch, momentum = int(params["units"]), int(params["batch"]), float(params["momentum"])
        rate, l2, is_relu = float(params["lr"]), float(params["l2"]), params["activation"] == "relu"
        rng = np.random.default_rng(units)
        n_inputs = data.x.shape[1]
        w1 = rng.standard_normal((n_seeds, n_inputs, units)) / np.sqrt(n_inputs)
        w2 = rng.standard_normal((n_seeds, units, n_classes)) / np.sqrt(units)
        v1, v2 = np.zeros_like(w1), np.zeros_like(w2)
        losses = np.empty((n_seeds, MAX_BUDGET))

        def hidden(x: FloatArray) -> FloatArray:
            sums: FloatArray = x @ w1
            return np.maximum(sums, 0.0) if is_relu else np.tanh(sums)

        for epoch in range(MAX_BUDGET):
            order = np.argsort(rng.random((n_seeds, len(data.x))), axis=1)
            for begin in range(0, len(data.x), batch):
                rows = order[:, begin : begin + batch]
                x, y = data.x[rows], targets[rows]
                h = hidden(x)
                delta = (_softmax(h @ w2) - y) / rows.shape[1]
                back = delta @ w2.transpose(0, 2, 1) * ((h > 0) if is_relu else 1.0 - h * h)
                v2 = momentum * v2 - rate * (h.transpose(0, 2, 1) @ delta + l2 * w2)
                v1 = momentum * v1 - rate * (x.transpose(0, 2, 1) @ back + l2 * w1)
                w1 += v1
                w2 += v2
            if not np.isfinite(w1).all() or not np.isfinite(w2).all():  # diverged: it knows nothing any more
                losses[:, epoch:] = 1.0 - 1.0 / n_classes
                break
            losses[:, epoch] = losses_of(hidden(data.x_held_out) @ w2)
        return losses, 0.4 + units / 64 + 8 / batch

    return curve


def _fourier(data: Data, n_seeds: int) -> Callable[[Params], tuple[FloatArray, float]]:
    """Return a trainer of softmax regressions on random Fourier features (Rahimi and Recht 2007); all seeds at once.

    The loss is the share of held-out points that are classified wrongly.
    """
    n_classes, n_inputs = int(data.y.max()) + 1, data.x.shape[1]
    targets = np.eye(n_classes)[data.y.astype(int)]
    every_seed = np.arange(n_seeds)[:, None]

    def curve(params: Params) -> tuple[FloatArray, float]:
        n_features, batch, rate = int(params["features"]), int(params["batch"]), float(params["lr"])
        momentum, l2 = float(params["momentum"]), float(params["l2"])
        rng = np.random.default_rng(n_features)
        directions = rng.standard_normal((n_seeds, n_inputs, n_features)) * float(params["width"])
        phases = rng.random((n_seeds, 1, n_features)) * 2 * np.pi

        def features(x: FloatArray) -> FloatArray:
            waves: FloatArray = np.sqrt(2 / n_features) * np.cos(x @ directions / np.sqrt(n_inputs) + phases)
            return waves

        seen, held_out = features(data.x), features(data.x_held_out)
        w, v = np.zeros((n_seeds, n_features, n_classes)), np.zeros((n_seeds, n_features, n_classes))
        losses = np.empty((n_seeds, MAX_BUDGET))
        for epoch in range(MAX_BUDGET):
            order = np.argsort(rng.random((n_seeds, len(data.x))), axis=1)
            for begin in range(0, len(data.x), batch):
                rows = order[:, begin : begin + batch]
                x = seen[every_seed, rows]
                delta = (_softmax(x @ w) - targets[rows]) / rows.shape[1]
                v = momentum * v - rate * (x.transpose(0, 2, 1) @ delta + l2 * w)
                w += v
            losses[:, epoch] = ((held_out @ w).argmax(axis=2) != data.y_held_out).mean(axis=1)
        return losses, 0.4 + n_features / 128 + 8 / batch

    return curve


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=2, keepdims=True)
    return shares


def _trees(data: Data, n_seeds: int) -> Callable[[Params], tuple[FloatArray, float]]:
    """Return a trainer of boosted trees: an epoch is a tree, the loss the share of held-out points that are wrong."""

    def curve(params: Params) -> tuple[FloatArray, float]:
        losses = np.empty((n_seeds, MAX_BUDGET))
        for seed in range(n_seeds):
            model = GradientBoostingClassifier(
                n_estimators=MAX_BUDGET,
                learning_rate=float(params["rate"]),
                max_depth=int(params["depth"]),
                subsample=float(params["subsample"]),
                max_features=float(params["features"]),
                min_samples_leaf=int(params["leaf"]),
                random_state=seed,
            ).fit(data.x, data.y)
            losses[seed] = [np.mean(y != data.y_held_out) for y in model.staged_predict(data.x_held_out)]
        return losses, 0.2 + float(params["subsample"]) * float(params["features"]) * int(params["depth"]) / 2

    return curve


#: How each table is trained, by its name.
TABLES: dict[str, Callable[[], Table]] = {
    "perceptron-digits": lambda: Table(PERCEPTRON, _perceptron(_digits(), 3), 512),
    "fourier-cover": lambda: Table(FOURIER, _fourier(_cover(), 3), 512),
    "perceptron-clusters": lambda: Table(PERCEPTRON, _perceptron(_clusters(), 3), 512),
    "fourier-spread": lambda: Table(FOURIER, _fourier(_spread(), 3), 512),
    "trees-shapes": lambda: Table(TREES, _trees(_shapes(), 2), 300),
}


def points(space: Mapping[str, Distribution], count: int) -> list[dict[str, ParamValue]]:
    """Return points spread evenly over a space."""
    unit = qmc.Sobol(len(space), rng=np.random.default_rng(11)).random(count)
    drawn = []
    for row in unit:
        params: dict[str, ParamValue] = {}
        for (name, distribution), value in zip(space.items(), row.tolist(), strict=True):
            if isinstance(distribution, CategoricalDistribution):
                params[name] = distribution.choices[int(value * len(distribution.choices))]
            else:
                internal = UnitScale.of([distribution]).from_unit(np.array([[value]]))[0, 0]
                params[name] = distribution.to_external_repr(float(internal))
        drawn.append(params)
    return drawn


def train(name: str) -> None:
    """Train a table and write its file."""
    table = TABLES[name]()
    unit, losses, epoch_s = [], [], []
    with np.errstate(all="ignore"):
        for params in points(table.space, table.n_configurations):
            curve, seconds = table.curve(params)
            unit.append(unit_point(table.space, params))
            losses.append(curve)
            epoch_s.append(seconds)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        unit=np.array(unit, np.float32),
        losses=np.array(losses, np.float32),
        epoch_s=np.array(epoch_s, np.float32),
    )
