"""Where a call runs: in this process, or on a Ray cluster."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from raystudy.orchestrator.files import open_folder
from raystudy.orchestrator.inline import optimize_inline
from raystudy.orchestrator.keeping import keep_of
from raystudy.orchestrator.request import CallRequest

__all__ = ["optimize"]

_EXECUTORS = ("auto", "inline", "ray")


def optimize(request: CallRequest, executor: str) -> None:
    """Run a call where ``executor`` says.

    Raises:
        ValueError: If there is no such executor or kind of checkpoints to keep, resources are asked of this process,
            or the study's folder is in the memory of one process and trials run in others.
        StudyError: If nobody can open the URL of the study's folder.
    """
    if executor not in _EXECUTORS:
        raise ValueError(f"optimize: expected one of {_EXECUTORS} as executor, got {executor!r}")
    if executor == "inline" and request.resources:
        raise ValueError('optimize: resources need Ray; leave them out, or use executor="ray"')
    keep_of(request.keep_checkpoints)
    open_folder(request.study_folder)
    on_ray = executor == "ray" or (executor == "auto" and _prefers_ray(request))
    if executor == "auto" and request.show_progress:
        here, there = ("on Ray", "inline") if on_ray else ("in this process", "ray")
        request.say(f'trials run {here}; executor="{there}" would change that')
    if on_ray:
        if request.study_folder.startswith("memory://"):
            raise ValueError(
                f"optimize: {request.study_folder} is in the memory of one process, but under Ray each trial has its "
                'own; give a path or URL that all nodes can write, or use executor="inline"'
            )
        # By name, so that a study in this process never loads ray.
        importlib.import_module("raystudy.orchestrator.ray_client").optimize_on_ray(request)
    else:
        optimize_inline(request)


def _prefers_ray(request: CallRequest) -> bool:
    if request.resources or "RAY_ADDRESS" in os.environ:
        return True
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        return True
    # Where `ray start` notes the address of this host's cluster.
    return (Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster").is_file()
