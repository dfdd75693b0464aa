"""The rivals: the samplers of both libraries under the same names, each with its library's own defaults."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import Any

from benchmarks.search_quality.race import Study

__all__ = ["OPTUNA", "OURS", "SAMPLERS", "make_study"]

#: Their packages.
OURS, OPTUNA = "raystudy", "optuna"

#: Class names, and the arguments that both are given beside the seed.
SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "TPE": ("TPESampler", {}),
    "CMA-ES": ("CmaEsSampler", {}),
    # Without scrambling all seeds would be the same search.
    "QMC": ("QMCSampler", {"scramble": True}),
    "NSGA-II": ("NSGAIISampler", {}),
    "GP": ("GPSampler", {}),
    "Random": ("RandomSampler", {}),
}


def make_study(library: str, sampler: str, seed: int, n_objectives: int) -> Study:
    """Return a new study in memory, to be minimised."""
    name, arguments = SAMPLERS[sampler]
    warnings.simplefilter("ignore")
    module: Any = importlib.import_module(library)
    if library == OURS:
        logging.getLogger("raystudy").setLevel(logging.ERROR)
    else:
        module.logging.set_verbosity(module.logging.ERROR)
    made = getattr(module.samplers, name)(seed=seed, **arguments)
    study: Study = module.create_study(directions=["minimize"] * n_objectives, sampler=made)
    return study
