"""The cluster: how to join it, what it can run at once, and what a trial asks of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ray

__all__ = ["TaskOptions", "capacity", "connect", "require_capacity", "task_options"]

#: How long a cluster may take to bring up a node that can run a trial, in seconds.
_NODE_WAIT_S = 600.0
_SAY_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of the trial task: those fixed when it is defined, and those of each launch."""

    fixed: dict[str, Any]
    per_call: dict[str, Any]


def connect() -> None:
    """Join the cluster that is at hand, or start a local one.

    A process that has called ``ray.init`` keeps what it has.  Otherwise ``RAY_ADDRESS`` counts, then a
    cluster running on this host; without either, Ray starts here.

    Raises:
        ConnectionError: If the cluster named by ``RAY_ADDRESS`` does not answer.
    """
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "WARNING"}
    try:
        # Not address="auto": that would join a local Ray which belongs to another script, and dies with it.
        ray.init(**options)
    except ConnectionError as error:
        if "RAY_ADDRESS" in os.environ:
            raise ConnectionError(
                f"no Ray cluster answers at RAY_ADDRESS={os.environ['RAY_ADDRESS']}; is it up, and does it want a "
                "token? Then set RAY_AUTH_MODE=token and copy ~/.ray/auth_token from its head"
            ) from error
        ray.init(
            address="local", **options
        )  # the cluster of this host was killed and left its address behind


def task_options(resources: Mapping[str, float]) -> TaskOptions:
    """Translate a trial's resources, as in ``{"CPU": 4, "GPU": 1, "my_resource": 1}``.

    A task that holds a GPU gets a fresh process, which frees the GPU's memory when it ends; Ray wants that
    (``max_calls``) said when the task is defined.
    """
    own = dict(resources)
    per_call: dict[str, Any] = {"num_cpus": own.pop("CPU", 1)}
    gpus = own.pop("GPU", 0)
    if gpus:
        per_call["num_gpus"] = gpus
    if own:
        per_call["resources"] = own
    return TaskOptions({"max_calls": 1} if gpus else {}, per_call)


def capacity(resources: Mapping[str, float]) -> int:
    """Return how many trials with these resources the nodes that are alive can hold together."""
    wanted = {"CPU": 1.0, **resources}
    return sum(_fitting(node, wanted) for node in _nodes())


def require_capacity(resources: Mapping[str, float], say: Callable[[str], None]) -> None:
    """Wait for a node that can run a trial; at once or never on a lone machine.

    Raises:
        ValueError: If there is none, naming the largest node.
    """
    begun = said = time.monotonic()
    while capacity(resources) == 0:
        nodes = _nodes()
        # A head without CPUs belongs to a cluster that is still growing; a lone machine does not grow.
        lone = len(nodes) == 1 and nodes[0].get("CPU", 0) > 0
        if lone or time.monotonic() - begun > _NODE_WAIT_S:
            raise ValueError(_impossible(resources, nodes))
        if time.monotonic() - said > _SAY_EVERY_S:
            said = time.monotonic()
            say(f"waiting for a node with {dict(resources)}")
        time.sleep(1.0)


def _nodes() -> list[dict[str, float]]:
    """Return what each living node has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _fitting(available: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    shares = [available.get(name, 0.0) / amount for name, amount in wanted.items() if amount > 0]
    return int(min(shares, default=1.0) + 1e-9)


def _impossible(resources: Mapping[str, float], nodes: list[dict[str, float]]) -> str:
    largest = max(nodes, key=lambda node: (node.get("GPU", 0), node.get("CPU", 0)), default={})
    shown = {name: amount for name, amount in largest.items() if name in {"CPU", "GPU"} | resources.keys()}
    return (
        f"each trial needs {dict(resources)}, but the largest of {len(nodes)} nodes has {shown}; "
        "ask for less, or add a larger node"
    )
