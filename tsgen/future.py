"""Frames that go on from a panel: rows that have come, and cells of the horizon that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.calendar import CalendarPart
from tsgen.checks import Problems, listing
from tsgen.errors import FrameError
from tsgen.frame import read_cells, read_panel
from tsgen.frequency import OFF_GRID
from tsgen.layouts import Frame
from tsgen.panel import Panel
from tsgen.reading import Reading

__all__ = ["read_given", "read_new_rows"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def read_new_rows(
    df: Frame, panel: Panel, calendar: tuple[CalendarPart, ...] = ()
) -> tuple[Panel, Panel]:
    """Read rows that follow those of a panel.

    Parameters
    ----------
    df : Series or DataFrame
        Of some or all of the panel's series, in a layout of its own. In a wide frame a column of
        NaN has no new rows.
    panel : Panel
    calendar : tuple of str and callable, default ()

    Returns
    -------
    longer : Panel
        The panel with these rows after its own.
    new : Panel
        These rows alone.

    Raises
    ------
    FrameError
        For series that the panel doesn't have, rows that it has already, and gaps.
    """
    reading = Reading.like(panel, calendar, goes_on=True)
    new = read_panel(df, reading, freq=panel.frequency, empty="error" if reading.joint else "skip")
    positions = panel.ids.get_indexer(new.ids)
    if (positions < 0).any():
        unknown = [repr(name) for name in new.ids[positions < 0]]
        raise FrameError(
            [f"series that the state doesn't have: {listing(unknown)}; encode a frame with them"]
        )
    # Ids may be sorted otherwise here, as categories are.
    if (np.diff(positions) < 0).any():
        order = np.argsort(positions[:: new.channels])
        new = new.take(order)
        positions = panel.ids.get_indexer(new.ids)
    _check_whole_systems(panel, new)
    ahead = _steps_between(panel.ends[positions], new.ends, panel)
    _check_that_rows_follow(panel, new, positions, ahead)
    behind = panel.behind.copy()
    if panel.layout.shares_end:  # all columns end where the frame does
        later = max(int(ahead.max()), 0)
        behind += later
        behind[positions] = new.behind + later - ahead
        end = new.ends[[int(ahead.argmax())]].astype(panel.ends.dtype)
        ends = end.repeat(len(panel)) if later else panel.ends
    else:
        latest = np.arange(len(panel))
        latest[positions] = len(panel) + np.arange(len(new))
        ends = panel.ends.append(_own_ends(panel, new, positions))[latest]
    longer = panel.extend(new, ends, behind)
    if panel.fill in (None, "mask"):
        return longer, new
    # What is missing in the first new rows is filled from the last old ones.
    longer = longer.filled()
    systems = positions[:: panel.channels] // panel.channels
    return longer, longer.take(systems).last(new.lengths)


def _check_whole_systems(panel: Panel, new: Panel) -> None:
    """The channels of a system go on together, and so do columns that share covariates."""
    lacking = panel.ids[:0]
    shares = panel.layout.shares_end and panel.covariates is not None
    if new.channels != panel.channels or (shares and len(new) < len(panel)):
        lacking = panel.ids[new.ids.get_indexer(panel.ids) < 0]
    if len(lacking):
        raise FrameError(
            [f"new rows lack {listing([repr(name) for name in lacking])}; what shares a system or "
             "covariates goes on together: add these columns"]
        )  # fmt: skip


def _own_ends(panel: Panel, new: Panel, positions: IntArray) -> pd.Index:
    """The last stamp of each series' own: a wide frame may end after that of some of them."""
    if not new.behind.any():
        return new.ends.astype(panel.ends.dtype)
    most = int(new.lengths.max())
    steps = panel.frequency.following(panel.ends[positions], most)
    return steps[np.arange(len(new)) * most + new.lengths - 1].astype(panel.ends.dtype)


def _steps_between(ends: pd.Index, later: pd.Index, panel: Panel) -> IntArray:
    """Steps from each of the first stamps to that of the same place among the others."""
    try:
        pairs = ends.append(later.astype(ends.dtype))
    except (TypeError, ValueError) as error:
        raise FrameError(
            [f"the time stamps are {later.dtype}, but {ends.dtype} in the state; convert them"]
        ) from error
    count = len(ends)
    order = np.arange(2 * count).reshape(2, count).T.ravel()
    return panel.frequency.advance(pairs[order])[::2]


def _check_that_rows_follow(panel: Panel, new: Panel, positions: IntArray, ahead: IntArray) -> None:
    """Each series' first new row must be one step after its last own."""
    first = ahead - new.behind - new.lengths + 1 + panel.behind[positions]
    problems = Problems()
    for what, wrong, remedy in (
        ("time stamps off the frequency of the state", ahead == OFF_GRID, "align them"),
        ("rows that the state has already", (first < 1) & (ahead != OFF_GRID), "drop them"),
        (
            "rows missing before the new ones",
            (first > 1) & (ahead != OFF_GRID),
            "add them" if panel.fill is None else "add them, with NaN where a value is missing",
        ),
    ):
        if wrong.any():
            where = [
                f"series {panel.ids[positions[i]]!r}, which the state has up to "
                f"{_own_end(panel, int(positions[i]))}"
                for i in np.flatnonzero(wrong)[:5]
            ]
            problems.add(what, where, remedy, total=int(wrong.sum()))
    problems.raise_any()


def _own_end(panel: Panel, position: int) -> str:
    behind = int(panel.behind[position])
    end = str(panel.ends[position])
    return end if not behind else f"{behind} rows before {end}"


def read_given(df: Frame, panel: Panel, horizon: int) -> Array:
    """Read the cells of a horizon that are known.

    Parameters
    ----------
    df : Series or DataFrame
        Values at time stamps of the horizon, for some or all series, in any layout; NaN and what
        isn't there are unknown.
    panel : Panel
    horizon : int
        H.

    Returns
    -------
    ndarray of shape (N, H)
        NaN where the value is unknown.

    Raises
    ------
    FrameError
        For series, stamps and values that can't be used.
    """
    cells = read_cells(df, panel.columns)
    if not panel.frequency.suits(cells.times):
        raise FrameError(
            [
                f"the time stamps of given= are {cells.times.dtype}, which doesn't suit the "
                f"frequency {panel.frequency.name!r}; convert them to the kind of the input"
            ]
        )
    problems = Problems()
    shown = panel.shown
    if cells.ids is None and len(panel.systems[shown // panel.channels].unique()) > 1:
        raise FrameError(
            [f"given= names no series, but the forecast has {len(shown)}: add the ids"]
        )
    if panel.names_channels:
        ids = panel.ids[:1].get_level_values(0) if cells.ids is None else cells.ids
        ids = ids if cells.ids is not None else ids.repeat(len(cells.values))
        series = panel.ids.get_indexer(pd.MultiIndex.from_arrays([ids, cells.channels]))
    elif cells.ids is None:
        series = np.zeros(len(cells.values), dtype=np.int64)
    else:
        series = panel.ids.get_indexer(cells.ids)
    if (series < 0).any():
        unknown = cells.times[:0] if cells.ids is None else cells.ids[series < 0].unique()
        problems.add(
            "given= has series that the forecast doesn't have",
            [repr(name) for name in unknown[:5]],
            "drop them",
            total=len(unknown),
        )
        problems.raise_any()
    steps = _step_of(cells.times, series, panel, horizon, problems)
    problems.raise_any()
    given = np.full((len(panel), horizon), np.nan)
    given[series, steps] = cells.values
    return given


def _step_of(
    times: pd.Index, series: IntArray, panel: Panel, horizon: int, problems: Problems
) -> IntArray:
    """Which step of its series' forecast each stamp is, from 0."""
    ends = panel.ends[series]
    steps = _steps_between(ends, times, panel) - 1
    outside = (steps < 0) | (steps >= horizon)  # OFF_GRID too
    if outside.any():
        problems.add(
            f"given= has time stamps outside of the {horizon} steps of the forecast",
            [
                f"{times[i]} of series {panel.ids[series[i]]!r}, which starts after {ends[i]}"
                for i in np.flatnonzero(outside)[:5]
            ],
            "keep those of the horizon alone",
            total=int(outside.sum()),
        )
        problems.raise_any()
    twice = pd.Index(series * horizon + steps).duplicated()
    if twice.any():
        problems.add(
            "given= has time stamps that come twice in a series",
            [f"{times[i]} of series {panel.ids[series[i]]!r}" for i in np.flatnonzero(twice)[:5]],
            "keep one of each",
            total=int(twice.sum()),
        )
    return steps
