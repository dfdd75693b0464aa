"""Samplers: what to try next.

Names are loaded when they are first used, so that a study with random search does not import scipy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from raystudy.samplers.base import Sampler

__all__ = [
    "BaseGASampler",
    "BaseSampler",
    "BruteForceSampler",
    "CmaEsSampler",
    "GPSampler",
    "GridSampler",
    "HistorySampler",
    "MOTPESampler",
    "NSGAIIISampler",
    "NSGAIISampler",
    "PartialFixedSampler",
    "QMCSampler",
    "RandomSampler",
    "Sampler",
    "SamplerStudy",
    "TPESampler",
    "nsgaii",
    "sampler_from_spec",
]

_SAMPLERS = {
    "BruteForceSampler": "raystudy.samplers.brute_force",
    "CmaEsSampler": "raystudy.samplers.cmaes",
    "GPSampler": "raystudy.samplers.gp",
    "GridSampler": "raystudy.samplers.grid",
    "NSGAIIISampler": "raystudy.samplers.nsga3",
    "NSGAIISampler": "raystudy.samplers.nsga2",
    "PartialFixedSampler": "raystudy.samplers.partial_fixed",
    "QMCSampler": "raystudy.samplers.qmc",
    "RandomSampler": "raystudy.samplers.random",
    "TPESampler": "raystudy.samplers.tpe",
}
_MODULES = {
    **_SAMPLERS,
    "BaseGASampler": "raystudy.samplers.base_ga",
    "BaseSampler": "raystudy.samplers.hooks",
    "HistorySampler": "raystudy.samplers.hooks",
    "MOTPESampler": "raystudy.samplers.motpe",
    "SamplerStudy": "raystudy.samplers.sampler_study",
}


def sampler_from_spec(spec: dict[str, Any]) -> Sampler:
    """Return the sampler that ``sampler.spec()`` describes; for a user's own, one that says that it is missing.

    Raises:
        ValueError: If the name is unknown, or the arguments are not those of that sampler.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if arguments.get("custom"):
        return cast("Sampler", import_module("raystudy.samplers.custom").MissingSampler(str(name)))
    if name not in _SAMPLERS:
        raise ValueError(
            f"expected the spec of one of {sorted(_SAMPLERS)}, got name={name!r}; give a sampler instead"
        )
    # A sampler that uses another one has that one's spec among its arguments.
    for wrapped in ("base_sampler", "independent_sampler"):
        if isinstance(arguments.get(wrapped), dict):
            arguments[wrapped] = sampler_from_spec(arguments[wrapped])
    try:
        return cast("Sampler", __getattr__(name)(**arguments))
    except TypeError as error:
        raise ValueError(f"{name}: these are not its arguments: {arguments!r} ({error})") from error


def __getattr__(name: str) -> Any:
    if name == "nsgaii":
        return import_module("raystudy.samplers.nsgaii")
    if name not in _MODULES:
        raise AttributeError(f"expected one of {', '.join(_MODULES)} in {__name__}, got {name!r}")
    return getattr(import_module(_MODULES[name]), name)
