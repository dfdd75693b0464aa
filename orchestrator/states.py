"""The state in a checkpoint as bytes: written by torch where torch can read it back safely, else pickled."""

from __future__ import annotations

import io
import sys
from collections import Counter, OrderedDict
from typing import Any

import cloudpickle

__all__ = ["decoded", "encoded"]

_PLAIN = (bool, int, float, str, bytes)


def encoded(state: object) -> tuple[str, bytes]:
    """Return the kind of a state's file, "pt" or "pkl", and its content."""
    torch = sys.modules.get("torch")
    if torch is None or not _is_plain(state, torch.Tensor):
        return "pkl", cloudpickle.dumps(state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return "pt", buffer.getvalue()


def decoded(kind: str, content: bytes) -> Any:
    """Return the state: tensors on the CPU; a pickled one can run code, so its file must be the study's own."""
    if kind == "pt":
        import torch  # noqa: PLC0415 - only where torch wrote the state

        return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    return cloudpickle.loads(content)


def _is_plain(state: object, tensor: type) -> bool:
    """Whether torch can read the state back with ``weights_only``."""
    if isinstance(state, dict):
        is_known = type(state) in (dict, OrderedDict, Counter)
        return is_known and all(_is_plain(k, tensor) and _is_plain(v, tensor) for k, v in state.items())
    if isinstance(state, (list, tuple)):
        return type(state) in (list, tuple) and all(_is_plain(item, tensor) for item in state)
    return state is None or type(state) in _PLAIN or isinstance(state, tensor)
