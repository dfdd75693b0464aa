"""Where a call runs: in this process, or on a Ray cluster."""

from __future__ import annotations

import importlib
import os
import sys

from raystudy.orchestrator.inline import optimize_inline
from raystudy.orchestrator.request import CallRequest

__all__ = ["optimize"]

_EXECUTORS = ("auto", "inline", "ray")


def optimize(request: CallRequest, executor: str) -> None:
    """Run a call where ``executor`` says.

    Raises:
        ValueError: If there is no such executor, or resources are asked of this process.
    """
    if executor not in _EXECUTORS:
        raise ValueError(f"optimize: expected one of {_EXECUTORS} as executor, got {executor!r}")
    if executor == "inline" and request.resources:
        raise ValueError('optimize: resources need Ray; leave them out, or use executor="ray"')
    if executor == "ray" or (executor == "auto" and _prefers_ray(request)):
        # By name, so that a study in this process never loads ray.
        importlib.import_module("raystudy.orchestrator.ray_client").optimize_on_ray(request)
    else:
        optimize_inline(request)


def _prefers_ray(request: CallRequest) -> bool:
    if request.resources or "RAY_ADDRESS" in os.environ:
        return True
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())
