"""Positions of several stretches of rows in one table."""

from __future__ import annotations

import numpy as np

from tsgen._typing import IntArray

__all__ = ["alternate", "offsets_of", "ranges"]


def ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """The positions of several stretches of rows, one after the other."""
    offsets = offsets_of(lengths)
    positions: IntArray = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return positions


def offsets_of(lengths: IntArray) -> IntArray:
    """Where each of several stretches begins, and the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def alternate(*stretches: tuple[IntArray, IntArray]) -> IntArray:
    """The positions of the first stretch of each kind, then of the second of each, and so on."""
    starts = np.stack([start for start, _ in stretches], axis=1)
    lengths = np.stack([length for _, length in stretches], axis=1)
    return ranges(starts.ravel(), lengths.ravel())
