"""The user's end of a call on Ray: starts the actors, shows progress, runs callbacks, raises what failed."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from dataclasses import replace
from typing import Any, cast

import cloudpickle
import ray
from ray.actor import ActorHandle, ActorProxy
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raystudy.exceptions import StudyError
from raystudy.frozen import FrozenTrial
from raystudy.orchestrator.progress import ProgressLine
from raystudy.orchestrator.ray_cluster import connect, require_capacity
from raystudy.orchestrator.ray_driver import StudyDriver, StudyDriverActor
from raystudy.orchestrator.ray_manager import BracketManagerActor
from raystudy.orchestrator.ray_messages import RayCall
from raystudy.orchestrator.request import CallRequest
from raystudy.samplers.custom import adopt_state
from raystudy.samplers.hooks import BaseSampler, uses_hooks
from raystudy.storages.memory import InMemoryStorage

__all__ = ["optimize_on_ray"]

#: How often a call survives the death of its driver.
_MAX_DRIVERS = 4
#: How long a driver may take to store what is left and to give up its lease, in seconds.
_GIVE_UP_S = 20.0
_SMALL_BYTES = 50_000
_LARGE_CLOSURE_BYTES = 10_000_000


def optimize_on_ray(request: CallRequest) -> None:
    """Run a call of ``optimize`` on Ray.

    Raises:
        TypeError: If the objective cannot be pickled.
        ValueError: If no node can ever run a trial.
        Exception: What the objective or a callback raised.
    """
    blob = _pickled(request)
    connect()
    require_capacity(request.resources, request.say)
    client = _Client(request, blob)
    for _ in range(_MAX_DRIVERS):
        try:
            if client.run():
                return
        except ray.exceptions.RayActorError as error:
            if error.actor_init_failed:
                raise StudyError(
                    "the driver of this call cannot start, since it cannot load what the call needs: "
                    f"{str(error).strip().splitlines()[-1]}; the modules of the storage, the sampler and the pruner "
                    "must be importable on the node that runs this script, from any working directory"
                ) from error
            request.say(f"the driver of this call died: {str(error).splitlines()[0]}")
        if isinstance(request.storage, InMemoryStorage):
            raise StudyError(
                "the driver of a study in memory died: its finished trials are kept, the others are lost; "
                "keep the study in a database, storage='sqlite:///study.db', to have the call go on"
            )
        request.say("another driver takes this call over")
        if isinstance(request.sampler, BaseSampler) and uses_hooks(request.sampler):
            request.sampler.reseed_rng()  # what it has drawn in the dead driver it would draw again
    raise StudyError(f"the driver of this call died {_MAX_DRIVERS} times; see Ray's logs of the head node")


class _Client:
    def __init__(self, request: CallRequest, blob: bytes) -> None:
        self._request = request
        self._line = ProgressLine(enabled=request.show_progress)
        self._ended = False
        self._call = RayCall(
            study=request.study,
            storage=request.storage,
            study_id=request.study_id,
            sampler=request.sampler,
            seed=request.seed,
            pruner=request.pruner,
            # In a list, a reference itself reaches the driver, not what it refers to.  A small objective goes
            # along with each task: looking up a reference costs a third of a short trial's time.
            objective=[blob if len(blob) < _SMALL_BYTES else ray.put(blob)],
            digest=hashlib.sha256(blob).hexdigest(),
            n_trials=request.n_trials,
            timeout_s=request.timeout_s,
            n_jobs=request.n_jobs,
            resources={"CPU": 1, **request.resources},
            study_folder=request.study_folder,
            keep_checkpoints=request.keep_checkpoints,
        )

    def run(self) -> bool:
        """Run one driver; return whether the call has ended, else another driver has to take it over."""
        # Where this process runs, so that a database file on this host can be opened.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # Without a record of every call at the head node, reports cost less.
        quiet = BracketManagerActor.options(num_cpus=0, scheduling_strategy=here, enable_task_events=False)
        manager = quiet.remote()
        call = replace(self._call, timeout_s=self._request.time_left())
        driver = StudyDriverActor.options(num_cpus=0, scheduling_strategy=here).remote(call, manager)
        running = driver.run.remote(driver)
        try:
            self._follow(driver)
            ray.get(running)
        finally:
            if not self._ended:
                # Ctrl-C, say: the next call goes on from here at once.
                with contextlib.suppress(ray.exceptions.RayError):
                    if note := ray.get(driver.abandon.remote(), timeout=_GIVE_UP_S):
                        self._line.say(note)
            for actor in (driver, manager):
                ray.kill(cast(ActorHandle[Any], actor))
        return self._ended

    def _follow(self, driver: ActorProxy[StudyDriver]) -> None:
        stopping = False
        while True:
            update = ray.get(driver.updates.remote())
            for note in update.notes:
                self._line.say(note)
            for trial in update.finished:
                self._take(trial)
            if self._request.stop_asked.is_set() and not stopping:
                stopping = True
                driver.stop.remote()
            if update.progress is not None:
                self._line.show(update.progress, last=update.ended)
            if update.ended:
                self._ended = not update.lost
                adopt_state(self._request.sampler, update.state)
                if self._request.callback_failure is not None:
                    raise self._request.callback_failure
                if update.failure is not None:
                    raise update.failure.exception()
                return

    def _take(self, trial: FrozenTrial) -> None:
        if isinstance(self._request.storage, InMemoryStorage):
            self._request.storage.adopt(self._request.study_id, [trial])
        self._request.call_back(trial)


def _pickled(request: CallRequest) -> bytes:
    """Return the objective with the exceptions to catch, as bytes."""
    try:
        blob: bytes = cloudpickle.dumps((request.objective, request.catch))
    except (TypeError, AttributeError, ValueError, pickle.PicklingError) as error:
        raise TypeError(
            f"the objective must be picklable to run on Ray, but: {error}; create what cannot travel (locks, "
            "sockets, open files, database connections) inside the objective"
        ) from error
    if len(blob) > _LARGE_CLOSURE_BYTES:
        request.say(
            f"the objective carries {len(blob) / 1e6:.0f} MB with it; "
            "load large data inside it, or pass a ray.put reference"
        )
    return blob
