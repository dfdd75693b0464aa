"""Checkpoints of PyTorch trainings: models, optimisers, schedulers, scalers and random numbers, all in one.

    training = TorchTraining(model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler)
    for epoch in range(training.resume(trial), n_epochs):
        ...                                      # train one epoch
        training.save(trial, epoch)
        trial.report(loss, epoch)
        if trial.should_prune():
            raise raystudy.TrialPruned

A training that has waited at a rung, or lost its worker, goes on to the same weights, bit for bit, that it would have
had without a break: on the same kind of device, with deterministic operations.
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from raystudy.frozen import FrozenTrial
from raystudy.trial import Trial

__all__ = ["Stateful", "TorchTraining"]

_VERSION = 1


@runtime_checkable
class Stateful(Protocol):
    """What has a state: modules, optimisers, schedulers, gradient scalers, averaged models, samplers ..."""

    def state_dict(self) -> Any:
        """Return the state."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Go back to a state."""


Part = Stateful | torch.Generator | np.random.Generator


class TorchTraining:
    """The parts of a training, and its values, as one checkpoint.

    Besides the parts it holds the global random states of Python, numpy, torch and all CUDA devices, so dropout,
    augmentation and a shuffling ``DataLoader`` go on where they were.  Give generators of your own as parts.  What it
    writes holds tensors and plain values alone, and is read back with ``weights_only=True``.

    Args:
        parts: What to save, by name: anything with ``state_dict`` and ``load_state_dict``, ``torch.Generator`` and
            ``numpy.random.Generator``.  Later runs must use the same names.

    Attributes:
        values: Further numbers, texts, tensors, lists and dictionaries to save: the last loss, say.  Arrays of numpy
            come back as lists.

    Raises:
        TypeError: If a part has no state.
    """

    def __init__(self, **parts: Part) -> None:
        for name, part in parts.items():
            if not isinstance(part, (Stateful, torch.Generator, np.random.Generator)):
                raise TypeError(
                    f"TorchTraining: expected {name} to have state_dict and load_state_dict, or to be a generator of "
                    f"torch or numpy, got {type(part).__name__}; plain values go into training.values"
                )
        self._parts = parts
        self.values: dict[str, Any] = {}

    def resume(self, trial: Trial | FrozenTrial) -> int:
        """Go back to the newest checkpoint of a trial and return the step to go on with; 0 if there is none.

        Call it after all parts were made, right before the training loop: making them draws random numbers.

        Raises:
            ValueError: If the checkpoint is not one of these parts.
        """
        state = trial.load_checkpoint()
        if state is None:
            return 0
        if not isinstance(state, dict) or state.get("torch_training") != _VERSION:
            raise ValueError(
                "TorchTraining.resume: expected a checkpoint of TorchTraining.save, found another"
            )
        self._load(state)
        return int(state["step"]) + 1

    def save(self, trial: Trial | FrozenTrial, step: int) -> None:
        """Save a checkpoint of a step that is over, before the step is reported.

        Raises:
            TypeError: If a part's state or a value holds what cannot be read back with ``weights_only=True``.
        """
        state = {
            "torch_training": _VERSION,
            "step": step,
            "parts": {name: _plain(_state_of(part), name) for name, part in self._parts.items()},
            "values": _plain(self.values, "values"),
            "random": _random_states(),
        }
        trial.save_checkpoint(state, step=step)

    def _load(self, state: Mapping[str, Any]) -> None:
        saved = state["parts"]
        if saved.keys() != self._parts.keys():
            raise ValueError(
                f"TorchTraining.resume: expected the parts {sorted(self._parts)}, the checkpoint holds "
                f"{sorted(saved)}; make the same ones as the run that has saved it"
            )
        for name, part in self._parts.items():
            _restore(part, saved[name])
        self.values = dict(state["values"])
        _restore_random(state["random"])


def _state_of(part: Part) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    return part.state_dict()


def _restore(part: Part, state: Any) -> None:
    if isinstance(part, torch.Generator):
        part.set_state(state)
    elif isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    else:
        part.load_state_dict(state)


def _random_states() -> dict[str, Any]:
    version, internal, gauss = random.getstate()
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - the user's training may draw from it
    return {
        "python": [version, list(internal), gauss],
        "numpy": _plain(legacy, "the random state of numpy"),
        "torch": torch.get_rng_state(),
        # Asking a process that has not used CUDA for its states would initialise it.
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def _restore_random(state: Mapping[str, Any]) -> None:
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    np.random.set_state(state["numpy"])  # noqa: NPY002 - as above
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        for device, cuda in enumerate(state["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(cuda, device)


def _plain(value: Any, where: str) -> Any:
    """Return a value in the types that torch reads back with ``weights_only``."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        items = {_plain(key, where): _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
        if type(value) in (dict, OrderedDict, Counter) and all(items[key] is value[key] for key in value):
            return value  # as it is, since a module's state bears versions beside its items
        return items
    if type(value) in (list, tuple):
        return type(value)(_plain(item, where) for item in value)
    if value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, torch.Tensor):
        return value
    raise TypeError(
        f"TorchTraining.save: {where} holds {value!r}, of type {type(value).__name__}, which cannot be read back with "
        "weights_only=True; make it a number, a text, a tensor, or a list or dictionary of those"
    )
