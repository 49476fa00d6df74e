"""Local time where clocks change: what the wall clock was meant to show, and what it showed.

Days, weeks and months advance by the wall clock. Where clocks go forward over such a stamp, it
doesn't exist: a day of Chile starts at 01:00 once a year, as pandas and databases write it. The
stamp that was meant is found by the times of day that the other stamps have, the `clock` of the
data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsgen._typing import IntArray

__all__ = ["clock_of", "localise", "wall_times"]


_LONGEST_CHANGE = pd.Timedelta(hours=1)
"""How long after a change of clocks a stamp may have been moved by it."""


def localise(wall: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """Stamps in a zone: the first of a repeated hour, the end of a skipped one."""
    stamps = _existing(wall, zone)
    skipped = np.flatnonzero(stamps.isna())
    if not len(skipped):
        return stamps
    instants = stamps.asi8.copy()
    instants[skipped] = _ends_of_skipped(wall[skipped], zone)
    return _instants(instants, wall.unit, zone)


def _existing(wall: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """The same with NaT for those that don't exist."""
    return wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="NaT")


def _ends_of_skipped(wall: pd.DatetimeIndex, zone: Any) -> IntArray:
    """The instants at which clocks pass local times that they skip, by bisection.

    pandas' own ``shift_forward`` errs by an hour or more in some zones, in Anchorage for one.
    """
    day = _nanoseconds("D") // _nanoseconds(wall.unit)
    before, after = wall.asi8 - day, wall.asi8 + day
    while (after - before > 1).any():
        middle = (before + after) // 2
        passed = _instants(middle, wall.unit, zone).tz_localize(None).asi8 >= wall.asi8
        before, after = np.where(passed, before, middle), np.where(passed, middle, after)
    return after


def _instants(ticks: IntArray, unit: str, zone: Any) -> pd.DatetimeIndex:
    stamps = pd.DatetimeIndex(ticks.view(f"datetime64[{unit}]"))
    return stamps.tz_localize("UTC").tz_convert(zone)


def clock_of(stamps: pd.DatetimeIndex) -> tuple[int, ...]:
    """The times of day of stamps that no change of clocks has moved, in nanoseconds, sorted."""
    if stamps.tz is None:
        return ()
    stamps = stamps.unique()
    stamps = stamps[_change_before(stamps) == 0]
    return tuple(np.unique(_time_of_day(stamps.tz_localize(None))).tolist())


def wall_times(stamps: pd.DatetimeIndex, clock: tuple[int, ...]) -> pd.DatetimeIndex:
    """Naive local stamps, those that a change of clocks has moved put back to what was meant.

    Parameters
    ----------
    stamps : DatetimeIndex
        Naive ones are returned as they are.
    clock : tuple of int
        As `clock_of` returns it. A stamp at one of these times of day was not moved.
    """
    wall = stamps.tz_localize(None)
    if stamps.tz is None or not clock:
        return wall
    rows = np.flatnonzero(~np.isin(_time_of_day(wall), clock))
    rows = rows[_change_before(stamps[rows]) > 0]
    if not len(rows):
        return wall
    meant = wall.asi8.copy()
    meant[rows] = _meant(stamps[rows], clock)
    return pd.DatetimeIndex(meant.view(f"datetime64[{wall.unit}]"))


def _meant(stamps: pd.DatetimeIndex, clock: tuple[int, ...]) -> IntArray:
    """For each stamp soon after a change, the skipped one that it stands for; itself if none."""
    wall = stamps.tz_localize(None)
    tick = _nanoseconds(wall.unit)
    midnights = wall.normalize().asi8
    days = np.stack([midnights, midnights - _nanoseconds("D") // tick])
    # (stamps, candidates): each time of day, on the stamp's day and on the one before.
    candidates = (days.T[:, :, None] + np.array(clock) // tick).reshape(len(wall), -1)
    flat = pd.DatetimeIndex(candidates.ravel().view(f"datetime64[{wall.unit}]"))
    existing = _existing(flat, stamps.tz)
    # pandas moves to the end of the skipped hour, Python's datetime by the length of the change.
    to_end = localise(flat, stamps.tz).asi8.reshape(candidates.shape) == stamps.asi8[:, None]
    by_length = candidates + _change_before(stamps)[:, None] == wall.asi8[:, None]
    fits = np.asarray(existing.isna()).reshape(candidates.shape) & (to_end | by_length)
    first = candidates[np.arange(len(wall)), fits.argmax(axis=1)]
    return np.where(fits.any(axis=1), first, wall.asi8)


def _change_before(stamps: pd.DatetimeIndex) -> IntArray:
    """By how many ticks clocks went forward within the hour before each stamp."""
    ticks = _LONGEST_CHANGE // pd.Timedelta(1, unit=stamps.unit)
    hour_ago = (stamps - _LONGEST_CHANGE).as_unit(stamps.unit).tz_localize(None)
    passed = stamps.tz_localize(None).asi8 - hour_ago.asi8
    return np.asarray(np.maximum(passed - ticks, 0))


def _time_of_day(wall: pd.DatetimeIndex) -> IntArray:
    """Nanoseconds since midnight."""
    tick = _nanoseconds(wall.unit)
    return np.asarray(wall.asi8 % (_nanoseconds("D") // tick) * tick)


def _nanoseconds(unit: str) -> int:
    return int(np.timedelta64(1, unit) // np.timedelta64(1, "ns"))  # type: ignore[call-overload]
