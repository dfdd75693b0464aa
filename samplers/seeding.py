"""Random generators by trial: a draw depends on seed, number and name, never on who asks or when."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["generator"]


def generator(seed: int, number: int, name: str | None = None) -> np.random.Generator:
    """Return the generator of one trial, or of one parameter of it (about 10 us).

    Streams of different numbers and names are independent (``numpy.random.SeedSequence`` spawn keys).

    Args:
        seed: Seed of the study, >= 0.
        number: Number of the trial, >= 0.
        name: Name of a parameter that is drawn on its own, or None for the joint proposal.

    Raises:
        ValueError: If seed or number is negative.
    """
    if seed < 0 or number < 0:
        raise ValueError(f"expected seed >= 0 and trial number >= 0, got seed={seed}, number={number}")
    key = (number,) if name is None else (number, zlib.crc32(name.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
