"""Columns of a table as the channels of systems, whichever layout the table was read from."""

from __future__ import annotations

import numpy as np

from tsgen._typing import FloatArray, IntArray
from tsgen.data.ragged import offsets_of, ranges

__all__ = ["channels_of", "values_of"]


def channels_of(targets: int, rolled: int, *, joint: bool) -> IntArray:
    """Which columns of a table are the channels of each system, (systems, C).

    Parameters
    ----------
    targets, rolled : int
        Columns: those of the targets come first, those that are forecast along after them.
    joint : bool
        Whether all of them are one system; else each target is one, and shares the rolled ones.
    """
    columns = np.arange(targets + rolled)
    if joint:
        return columns[None]
    own, shared = columns[:targets, None], columns[targets:]
    return np.concatenate([own, np.broadcast_to(shared, (targets, rolled))], axis=1)


def values_of(
    table: FloatArray, channels: IntArray, first: IntArray, lengths: IntArray
) -> tuple[FloatArray, IntArray]:
    """Some consecutive rows of each system, one channel after the other, and their offsets.

    Parameters
    ----------
    table : ndarray of shape (columns, rows)
    channels : ndarray of shape (systems, C)
        Columns of the table.
    first, lengths : ndarray of shape (systems,)
        The first of the rows, and their number.
    """
    # Row r of column c is at c · rows + r once the columns of the table stand one after the other.
    starts = (channels * table.shape[1] + first[:, None]).ravel()
    per_channel = np.repeat(lengths, channels.shape[1])
    offsets = offsets_of(per_channel)
    flat = table.ravel()
    if offsets[-1] == len(flat) and np.array_equal(starts, offsets[:-1]):
        return flat, offsets  # every row in its place, which is the usual case: no copy
    return flat[ranges(starts, per_channel)], offsets
