"""Rows that are missing in time, and values that are missing in rows: added and filled."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.frequency import Frequency
from tsgen.errors import SettingError

__all__ = [
    "Fill",
    "WholeRows",
    "add_missing_rows",
    "check_fill",
    "fill_values",
    "whole_rows",
]

Fill: TypeAlias = Literal["mask", "ffill", "interpolate"] | float

_NAMES = ("mask", "ffill", "interpolate")


def check_fill(fill: Any) -> Fill | None:
    """The argument as a name, a float or ``None``, or a `SettingError`."""
    if fill is None or (isinstance(fill, str) and fill in _NAMES):
        return fill  # type: ignore[return-value]
    is_number = isinstance(fill, Real) and not isinstance(fill, bool | np.bool_)
    if not is_number or not np.isfinite(float(fill)):
        accepted = ", ".join(map(repr, _NAMES))
        raise SettingError(f"fill={written(fill)}: expected {accepted}, a finite number, or None")
    return float(fill)


class WholeRows(NamedTuple):
    """Rows of series without gaps in time."""

    source: IntArray
    """Of shape (rows,): which of the given rows each is, -1 where it was missing."""
    times: pd.Index
    offsets: IntArray


def add_missing_rows(times: pd.Index, offsets: IntArray, frequency: Frequency) -> WholeRows:
    """Add the rows between the first and the last stamp of each series that aren't there.

    Parameters
    ----------
    times : Index of shape (rows,)
        Sorted in each series, on the grid of the frequency.
    offsets : ndarray of shape (N + 1,)
    frequency : Frequency
    """
    count = len(times)
    steps = np.ones(count, dtype=np.int64)
    inside = np.ones(max(count - 1, 0), dtype=np.bool_)
    inside[offsets[1:-1] - 1] = False
    steps[1:][inside] = frequency.advance(times)[inside]
    missing = steps - 1
    if not missing.any():
        return WholeRows(np.arange(count), times, offsets)
    position = np.arange(count) + np.cumsum(missing)
    source = np.full(position[-1] + 1, -1)
    source[position] = np.arange(count)
    after = np.flatnonzero(missing[1:])
    most = int(missing.max())
    stamps = frequency.following(times[after], most)
    lacking = missing[1:][after]
    kept = np.arange(most) < lacking[:, None]
    added = stamps[kept.ravel()].astype(times.dtype)
    order = np.empty(len(source), dtype=np.int64)
    order[source >= 0] = np.arange(count)
    order[source < 0] = count + np.arange(len(added))
    per_series = np.add.reduceat(missing, offsets[:-1])
    longer = np.concatenate([[0], np.cumsum(np.diff(offsets) + per_series)])
    return WholeRows(source, times.append(added)[order], longer)


def whole_rows(
    times: pd.Index, offsets: IntArray, order: IntArray | None, frequency: Frequency, *, gaps: bool
) -> WholeRows:
    """Rows that were sorted, and where gaps are allowed those that are missing among them.

    Parameters
    ----------
    times, offsets, frequency
        As in `add_missing_rows`.
    order : ndarray of shape (rows,), optional
        Which of the given rows each is; ``None`` where they were sorted already.
    gaps : bool
    """
    source = np.arange(len(times)) if order is None else order
    if not gaps:
        return WholeRows(source, times, offsets)
    whole = add_missing_rows(times, offsets, frequency)
    return whole._replace(source=np.where(whole.source >= 0, source[whole.source], -1))


def fill_values(
    values: FloatArray, offsets: IntArray, fill: Fill | str | None, *, ends: bool = True
) -> FloatArray:
    """Values (rows,) of series with what is missing after their first value filled.

    ``"mask"`` and ``None`` leave it missing. ``"interpolate"`` holds the last value where there
    is none to go to. Without ``ends``, what is missing after the last value is left missing too.
    """
    missing = np.isnan(values)
    if fill is None or fill == "mask" or not missing.any():
        return values
    filled = _filled(values, offsets, missing, fill)
    if ends:
        return filled
    rows = np.arange(len(values))
    last = np.maximum.reduceat(np.where(missing, -1, rows), offsets[:-1])
    return np.where(rows > np.repeat(last, np.diff(offsets)), np.nan, filled)


def _filled(
    values: FloatArray, offsets: IntArray, missing: BoolArray, fill: Fill | str
) -> FloatArray:
    rows = np.arange(len(values))
    lengths = np.diff(offsets)
    starts = np.repeat(offsets[:-1], lengths)
    before = np.maximum.accumulate(np.where(missing, -1, rows))
    begun = before >= starts
    if not isinstance(fill, str):
        return np.where(missing & begun, fill, values)
    held = values[np.where(begun, before, rows)]
    if fill == "ffill":
        return held
    stops = np.repeat(offsets[1:], lengths)
    count = len(values)
    after = np.minimum.accumulate(np.where(missing, count, rows)[::-1])[::-1]
    between = missing & begun & (after < stops)
    left, right = before[between], after[between]
    share = (rows[between] - left) / (right - left)
    held[between] = values[left] + share * (values[right] - values[left])
    return held
