"""What random continuations are drawn with: numbers that belong to a seed, a series and a step."""

from __future__ import annotations

import hashlib

import numpy as np

from tsgen._typing import FloatArray

__all__ = ["uniform_numbers"]

_PATHS_AT_ONCE = 64


def uniform_numbers(seed: int, name: object, paths: int, horizon: int) -> FloatArray:
    """Numbers from 0 to below 1 for each step of some paths of a series, (S, H).

    They depend on the seed, the name of the series and the step alone: neither its company nor the
    horizon nor the number of paths changes them.

    Examples
    --------
    >>> from tsgen.generation import uniform_numbers
    >>> uniform_numbers(0, "a", 3, 5)[:2, :4].tolist() == uniform_numbers(0, "a", 2, 4).tolist()
    True
    """
    blocks = range(-(-paths // _PATHS_AT_ONCE))
    drawn = [_generator(seed, name, block).random((horizon, _PATHS_AT_ONCE)) for block in blocks]
    return np.concatenate(drawn, axis=1)[:, :paths].T


def _generator(seed: int, name: object, block: int) -> np.random.Generator:
    key = hashlib.blake2b(f"{seed}|{name}|{block}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key)))
