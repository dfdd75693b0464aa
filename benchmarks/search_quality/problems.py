"""The problems that are reported, and those on which samplers are tuned; they share nothing but code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.search_quality.cash import cash_problem
from benchmarks.search_quality.coco import coco_problem
from benchmarks.search_quality.functions import (
    ackley,
    branin,
    dtlz2,
    ellipsoid,
    few_matter,
    hartmann,
    levy,
    on_cube,
    rosenbrock,
    zdt1,
)
from benchmarks.search_quality.hpo_tables import table_problem, trade_offs
from benchmarks.search_quality.made_up import many_choices, network, pipeline, switches, training
from benchmarks.search_quality.problem import Draw, Problem

__all__ = ["REPORTED", "TUNING", "Problems", "fingerprint", "problem_of"]

_MAKERS: dict[str, Callable[[str], Problem]] = {
    # Reported.
    "rosenbrock-5": lambda name: coco_problem(name, "bbob", 8, 5, 1),
    "rastrigin-5": lambda name: coco_problem(name, "bbob", 15, 5, 1),
    "gallagher-10": lambda name: coco_problem(name, "bbob", 21, 10, 1),
    "mixed-rosenbrock-10": lambda name: coco_problem(name, "bbob-mixint", 8, 10, 1),
    "mixed-rastrigin-10": lambda name: coco_problem(name, "bbob-mixint", 15, 10, 1),
    "perceptron-phoneme": lambda name: table_problem(name, "hpobench", "phoneme"),
    "perceptron-vehicle-noisy": lambda name: table_problem(name, "hpobench", "vehicle", noisy=True),
    "network-protein": lambda name: table_problem(name, "hpolib", "protein_structure"),
    "cells-cifar100": lambda name: table_problem(name, "nasbench201", "cifar100"),
    "cash-digits": lambda name: cash_problem(name, "digits"),
    "cash-cancer": lambda name: cash_problem(name, "cancer"),
    "layers": network,
    "hartmann-6-noisy": lambda name: hartmann(name, 6, noise=0.1),
    "branin-in-20": lambda name: few_matter(name, 20, "branin"),
    "choices-30": lambda name: many_choices(name, 0),
    "hartmann-6": lambda name: hartmann(name, 6),
    "levy-5": lambda name: on_cube(name, levy, 5, -10.0, 10.0),
    "cells-cifar100-latency": lambda name: trade_offs(name, "nasbench201", "cifar100", "latency"),
    "network-protein-time": lambda name: trade_offs(name, "hpolib", "protein_structure", "train_time"),
    "dtlz2-7": lambda name: dtlz2(name, 7),
    # For tuning.
    "ellipsoid-5": lambda name: coco_problem(name, "bbob", 10, 5, 2),
    "schaffers-5": lambda name: coco_problem(name, "bbob", 17, 5, 1),
    "schwefel-5": lambda name: coco_problem(name, "bbob", 20, 5, 2),
    "mixed-sector-10": lambda name: coco_problem(name, "bbob-mixint", 6, 10, 2),
    "mixed-schwefel-10": lambda name: coco_problem(name, "bbob-mixint", 20, 10, 2),
    "perceptron-car": lambda name: table_problem(name, "hpobench", "car"),
    "perceptron-segment-noisy": lambda name: table_problem(name, "hpobench", "segment", noisy=True),
    "network-naval": lambda name: table_problem(name, "hpolib", "naval_propulsion"),
    "cells-cifar10": lambda name: table_problem(name, "nasbench201", "cifar10"),
    "cash-wine": lambda name: cash_problem(name, "wine"),
    "cash-diabetes": lambda name: cash_problem(name, "diabetes"),
    "pipeline": pipeline,
    "ellipsoid-4-noisy": lambda name: on_cube(name, ellipsoid, 4, -2.0, 2.0, noise=2.0),
    "hartmann-3-in-20": lambda name: few_matter(name, 20, "hartmann"),
    "choices-30-other": lambda name: many_choices(name, 1),
    "hartmann-3": lambda name: hartmann(name, 3),
    "rosenbrock-4": lambda name: on_cube(name, rosenbrock, 4, -2.0, 2.0),
    "ackley-5": lambda name: on_cube(name, ackley, 5, -5.0, 5.0),
    "branin": lambda name: on_cube(name, branin, 2, 0.0, 1.0, 0.39788735772973816),
    "switches": switches,
    "training": training,
    "cells-imagenet-latency": lambda name: trade_offs(name, "nasbench201", "imagenet", "latency"),
    "network-slice-time": lambda name: trade_offs(name, "hpolib", "slice_localization", "train_time"),
    "zdt1-5": lambda name: zdt1(name, 5),
}
_NAMES = tuple(_MAKERS)


@dataclass(frozen=True, slots=True)
class Problems:
    """A set of problems by what they are for.

    Attributes:
        single: With one objective.
        several: With several objectives.
        smooth: For the Gaussian process, whose asks are dear.
    """

    single: tuple[str, ...]
    several: tuple[str, ...]
    smooth: tuple[str, ...]


REPORTED = Problems(
    _NAMES[:15],
    _NAMES[17:20],
    (
        "hartmann-6",
        "levy-5",
        "hartmann-6-noisy",
        "branin-in-20",
        "network-protein",
        "mixed-rosenbrock-10",
    ),
)
TUNING = Problems(
    _NAMES[20:35],
    _NAMES[41:],
    ("hartmann-3", "rosenbrock-4", "ackley-5", "ellipsoid-4-noisy", "switches", "branin", "training"),
)


@cache
def problem_of(name: str) -> Problem:
    """Return a problem by its name."""
    return _MAKERS[name](name)


@cache
def fingerprint(name: str) -> str:
    """Return a digest of a problem's values: results of another problem under its name do not count."""
    problem, rng = problem_of(name), np.random.default_rng(5)
    outcomes = [problem.evaluate(Draw(rng), rng) for _ in range(20)]
    numbers = [*problem.best, *problem.typical, problem.floor]
    numbers += [value for each in outcomes for value in (*each.told, *each.expected)]
    # Six digits: the rest differs between machines.
    return hashlib.sha256(" ".join(f"{number:.6g}" for number in numbers).encode()).hexdigest()[:12]
