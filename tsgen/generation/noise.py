"""What random continuations are drawn with: numbers that belong to a seed, a series and a step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from tsgen._typing import FloatArray

__all__ = ["uniform_blocks", "uniform_numbers"]

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
    # A copy, lest a few paths keep the numbers of 64.
    return np.concatenate(drawn, axis=1)[:, :paths].T.copy()


def uniform_blocks(seed: int, name: object, steps: int) -> Iterator[FloatArray]:
    """The same numbers of one path without end, some steps at a time, (1, steps).

    Examples
    --------
    >>> import numpy as np
    >>> from tsgen.generation import uniform_blocks, uniform_numbers
    >>> blocks = uniform_blocks(0, "a", 2)
    >>> both = np.concatenate([next(blocks), next(blocks)], axis=1)
    >>> (both == uniform_numbers(0, "a", 1, 4)).all().item()
    True
    """
    generator = _generator(seed, name, block=0)
    while True:
        yield generator.random((steps, _PATHS_AT_ONCE))[:, :1].T.copy()


def _generator(seed: int, name: object, block: int) -> np.random.Generator:
    key = hashlib.blake2b(f"{seed}|{name}|{block}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key)))
