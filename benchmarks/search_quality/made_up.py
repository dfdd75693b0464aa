"""Made-up trainings: spaces as people search them, and losses whose optimum is known by construction."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.search_quality.problem import FloatArray, Outcome, Problem, Suggester, exact

__all__ = ["many_choices", "network", "pipeline", "switches", "training"]


def training(name: str) -> Problem:
    """Return a validation error whose best learning rate depends on the kind and the depth."""
    shift = {"a": -2.0, "b": -3.0, "c": -2.5, "d": -1.5, "e": -3.5}
    penalty = {"a": 0.3, "b": 0.0, "c": 0.1, "d": 0.5, "e": 0.15}

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        kind = trial.suggest_categorical("kind", tuple(shift))
        depth = trial.suggest_int("depth", 1, 9)
        rate = math.log10(trial.suggest_float("lr", 1e-5, 1.0, log=True)) - shift[kind] + 0.1 * (depth - 4)
        size = math.log2(trial.suggest_int("units", 8, 1024, log=True)) - 8
        momentum = trial.suggest_float("momentum", 0.0, 1.0)
        drop = trial.suggest_float("drop", 0.0, 0.8, step=0.1)
        return exact(
            0.4 * rate**2
            + penalty[kind]
            + (momentum - 0.85) ** 2
            + 0.03 * (depth - 6) ** 2
            + 0.05 * size**2
            + 0.5 * (drop - 0.3) ** 2
        )

    return Problem(name, evaluate, (0.0,))


def switches(name: str) -> Problem:
    """Return a function of four categorical parameters, two of which interact, a real and an integer one."""

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        on = [
            ("off", "on", "auto").index(trial.suggest_categorical(f"s{i}", ("off", "on", "auto")))
            for i in range(4)
        ]
        x, k = trial.suggest_float("x", -5.0, 5.0), trial.suggest_int("k", 0, 20)
        return exact(
            (x - on[0]) ** 2
            + 0.1 * (k - 4 * on[1] - 3) ** 2
            + (on[0] != on[2])
            + 0.5 * (on[3] == 0)
            + 0.2 * (2 - on[1])
        )

    return Problem(name, evaluate, (0.0,))


def many_choices(name: str, seed: int) -> Problem:
    """Return a problem with three parameters of 30 choices each and two real ones whose best value depends on them.

    Each choice has a worth of its own, each pair of the first two one together, and nothing tells which choices are
    alike.
    """
    rng = np.random.default_rng(seed)
    worth: FloatArray = rng.uniform(0.0, 1.0, (3, 30))
    together: FloatArray = rng.uniform(0.0, 0.5, (30, 30))
    target: FloatArray = rng.uniform(0.2, 0.8, (2, 30))
    names = [f"choice-{i}" for i in range(30)]
    best = float((worth[0][:, None] + worth[1] + together).min() + worth[2].min())

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        a, b, c = (names.index(trial.suggest_categorical(f"c{i}", names)) for i in range(3))
        x, y = (trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(2))
        gap = (x - target[0, a]) ** 2 + (y - target[1, c]) ** 2
        return exact(float(worth[0, a] + worth[1, b] + worth[2, c] + together[a, b] + 2.0 * gap))

    return Problem(name, evaluate, (best,))


def network(name: str) -> Problem:
    """Return a network whose layers have a width and a dropout each: the deeper, the more parameters."""
    floors = (0.35, 0.12, 0.0, 0.08)
    widths = ((6.0,), (7.0, 5.5), (8.0, 6.5, 5.0), (8.0, 7.5, 6.0, 4.5))

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        depth = trial.suggest_int("n_layers", 1, 4)
        rate = math.log10(trial.suggest_float("lr", 1e-5, 1e-1, log=True)) + 1.5 + 0.5 * depth
        loss = floors[depth - 1] + 0.25 * rate**2
        for layer, width in enumerate(widths[depth - 1]):
            size = math.log2(trial.suggest_int(f"units_{layer}", 8, 1024, log=True)) - width
            drop = trial.suggest_float(f"dropout_{layer}", 0.0, 0.6) - 0.1 * (layer + 1)
            loss += (0.06 * size**2 + 1.5 * drop**2) / depth
        return exact(loss)

    return Problem(name, evaluate, (0.0,), conditional=True)


def pipeline(name: str) -> Problem:
    """Return a pipeline: a preparation and an optimiser, each with parameters of its own choice."""

    def prepared(trial: Suggester) -> float:
        kind = trial.suggest_categorical("prepare", ("none", "pca", "hash", "bins"))
        if kind == "pca":
            return 0.4 * (trial.suggest_float("pca_kept", 0.1, 1.0) - 0.6) ** 2
        if kind == "hash":
            return 0.1 + 0.02 * (math.log2(trial.suggest_int("hash_size", 16, 4096, log=True)) - 9) ** 2
        if kind == "bins":
            return 0.2 + 0.004 * (trial.suggest_int("n_bins", 2, 32) - 10) ** 2
        return 0.3

    def evaluate(trial: Suggester, _luck: np.random.Generator) -> Outcome:
        loss = prepared(trial)
        kind = trial.suggest_categorical("optimizer", ("sgd", "adam", "lbfgs"))
        if kind == "sgd":
            rate = math.log10(trial.suggest_float("sgd_lr", 1e-4, 1.0, log=True)) + 1.0
            momentum = trial.suggest_float("sgd_momentum", 0.0, 1.0) - 0.9
            return exact(loss + 0.2 * (rate + 2 * momentum) ** 2 + momentum**2)
        if kind == "adam":
            rate = math.log10(trial.suggest_float("adam_lr", 1e-5, 1e-1, log=True)) + 3.2
            decay = math.log10(trial.suggest_float("adam_decay", 1e-6, 1e-1, log=True)) + 3.0
            return exact(loss + 0.05 + 0.15 * rate**2 + 0.02 * decay**2)
        history = trial.suggest_int("lbfgs_history", 2, 64, log=True)
        return exact(loss + 0.15 + 0.03 * (math.log2(history) - 4) ** 2)

    return Problem(name, evaluate, (0.0,), conditional=True)
