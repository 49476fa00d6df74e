"""Tables that hold segments of rows, one after the other: their positions, and rows of several.

A segment is what one series has. With lengths ``[2, 3]`` the offsets are ``[0, 2, 5]``: segment i
is rows ``offsets[i]`` to ``offsets[i + 1]`` of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from tsgen._typing import FloatArray, IntArray

__all__ = ["Segments", "chunks", "interleaved", "offsets_of", "ranges", "scattered"]

Segments: TypeAlias = tuple[FloatArray, IntArray, IntArray]
"""A table, where the segments begin in it, and how long they are."""


def offsets_of(lengths: IntArray) -> IntArray:
    """Where each of several segments begins, and the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """The positions of several segments of rows, one after the other."""
    # Positions in the result count from 0 throughout; row k of segment i is at offsets[i] + k there
    # and at starts[i] + k in the table. What is added is the same for all rows of a segment.
    offsets = offsets_of(lengths)
    positions: IntArray = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return positions


def chunks(offsets: IntArray, rows: int) -> Iterator[slice]:
    """Groups of segments beside one another, of about so many rows each; a longer one is alone."""
    group = offsets[:-1] // rows
    bounds = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    yield from (slice(first, end) for first, end in pairwise(bounds.tolist()))


def interleaved(*parts: Segments) -> FloatArray:
    """Segment 0 of each part, then segment 1 of each, and so on.

    Parameters
    ----------
    *parts : tuple of table, starts and lengths
        As many segments in each part; one that isn't there has length 0.
    """
    # All tables become one, in which those of a part begin after the tables before it. Rows of
    # ``starts`` are segments and columns are parts, so that ravel() names them in the order wanted.
    tables = [table for table, _, _ in parts]
    before = offsets_of(np.array([len(table) for table in tables]))[:-1]
    starts = np.stack([start for _, start, _ in parts], axis=1) + before
    lengths = np.stack([length for _, _, length in parts], axis=1)
    rows: FloatArray = np.concatenate(tables)[ranges(starts.ravel(), lengths.ravel())]
    return rows


def scattered(values: IntArray, positions: IntArray, count: int) -> IntArray:
    """Numbers (positions,) at their positions among ``count``; 0 everywhere else."""
    everywhere = np.zeros(count, dtype=np.int64)
    everywhere[positions] = values
    return everywhere
