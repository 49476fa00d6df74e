"""Frames that go on from a panel: rows that have come, and cells of the horizon that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.calendar import CalendarPart
from tsgen.data.frame import read_cells, read_panel
from tsgen.data.frequency import OFF_GRID
from tsgen.data.future_covariates import unknown_rows
from tsgen.data.layouts import Frame
from tsgen.data.panel import Panel
from tsgen.data.ragged import interleaved, offsets_of
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import FILL_HINT, Problems, listing
from tsgen.errors import FrameError

__all__ = ["read_given", "read_new_rows", "steps_between"]


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
    spec = FrameSpec.like(panel, calendar, goes_on=True)
    new = read_panel(df, spec, freq=panel.frequency, empty="error" if spec.joint else "skip")
    positions = panel.ids.get_indexer(new.ids)
    if (positions < 0).any():
        unknown = [written(name) for name in new.ids[positions < 0]]
        raise FrameError(
            [f"series that the state doesn't have: {listing(unknown)}; encode a frame with them"]
        )
    # Ids may be sorted otherwise here, as categories are.
    if (np.diff(positions) < 0).any():
        order = np.argsort(positions[:: new.channels])
        new = new.take(order)
        positions = panel.ids.get_indexer(new.ids)
    _check_whole_systems(panel, new)
    ahead = steps_between(panel.ends[positions], new.ends, panel)
    missing = ahead - new.behind - new.lengths + panel.behind[positions]
    _check_that_rows_follow(panel, positions, ahead, missing)
    if missing.any():
        new = _with_missing_rows(panel, new, positions, missing, calendar)
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
    """The channels of a system go on together, and its static covariates stay what they were."""
    if new.channels != panel.channels:
        lacking = panel.ids[new.ids.get_indexer(panel.ids) < 0]
        raise FrameError(
            [f"new rows lack {listing([written(name) for name in lacking])}; the channels of a "
             "system go on together: add these columns"]
        )  # fmt: skip
    if panel.covariates is None or new.covariates is None:
        return
    systems = panel.keys.get_indexer(new.keys)
    known = panel.covariates.static[systems]
    for item, before, now in zip(
        panel.covariates.of_series, known.T, new.covariates.static.T, strict=True
    ):
        changed = [written(name) for name in new.systems[before != now]]
        if changed:
            raise FrameError(
                [f"static covariate {written(item.name)} changes within series: "
                 f"{listing(changed)}; name it in future_covariates or past_covariates"]
            )  # fmt: skip


def _own_ends(panel: Panel, new: Panel, positions: IntArray) -> pd.Index:
    """The last stamp of each series' own: a wide frame may end after that of some of them."""
    if not new.behind.any():
        return new.ends.astype(panel.ends.dtype)
    most = int(new.lengths.max())
    steps = panel.frequency.following(panel.ends[positions], most)
    return steps[np.arange(len(new)) * most + new.lengths - 1].astype(panel.ends.dtype)


def steps_between(ends: pd.Index, later: pd.Index, panel: Panel) -> IntArray:
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


def _check_that_rows_follow(
    panel: Panel, positions: IntArray, ahead: IntArray, missing: IntArray
) -> None:
    """Each series' first new row comes after its last own, and one step after it if not filled."""
    on_grid = ahead != OFF_GRID
    gap = (missing > 0) & on_grid & (panel.fill is None)
    problems = Problems()
    for what, wrong, remedy in (
        ("time stamps off the frequency of the state", ~on_grid, "align them"),
        ("rows that the state has already", (missing < 0) & on_grid, "drop them"),
        ("rows missing before the new ones", gap, f"add them, or {FILL_HINT}"),
    ):
        if wrong.any():
            where = [
                f"series {written(panel.ids[positions[i]])}, which the state has up to "
                f"{_own_end(panel, int(positions[i]))}"
                for i in np.flatnonzero(wrong)[:5]
            ]
            problems.add(what, where, remedy, total=int(wrong.sum()))
    problems.raise_any()


def _with_missing_rows(
    panel: Panel,
    new: Panel,
    positions: IntArray,
    missing: IntArray,
    calendar: tuple[CalendarPart, ...],
) -> Panel:
    """New rows with those before them that nobody gave, (N,) of them: holes to be filled."""
    holes = np.full(int(missing.max()), np.nan)
    values = interleaved(
        (holes, np.zeros_like(missing), missing), (new.values, new.offsets[:-1], new.lengths)
    )
    covariates = new.covariates
    if covariates is not None:
        every = slice(None, None, new.channels)
        rows = _with_missing_covariates(panel, new, positions[every], missing[every], calendar)
        covariates = replace(covariates, rows=rows)
    return replace(
        new, values=values, offsets=offsets_of(new.lengths + missing), covariates=covariates
    )


def _with_missing_covariates(
    panel: Panel,
    new: Panel,
    positions: IntArray,
    missing: IntArray,
    calendar: tuple[CalendarPart, ...],
) -> FloatArray:
    """Their covariates; ``positions`` and ``missing`` are of each system's first series, (S,)."""
    assert panel.covariates is not None and new.covariates is not None
    systems = positions // panel.channels
    # What a wide frame said beyond the end of a column is known of the first of them.
    known = np.minimum(missing, panel.behind[positions])
    beyond = panel.covariate_offsets[systems] + panel.lengths[positions]
    # Of the others nothing but the calendar: as many rows for every system as the most need.
    blank = missing - known
    most = int(blank.max())
    width = panel.covariates.rows.shape[1]
    unknown = unknown_rows(panel, most, calendar) if most else np.empty((len(panel.keys), 0, width))
    bounds = new.covariate_offsets
    return interleaved(
        (panel.covariates.rows, beyond, known),
        (unknown.reshape(-1, width), systems * most, blank),
        (new.covariates.rows, bounds[:-1], np.diff(bounds)),
    )


def _own_end(panel: Panel, position: int) -> str:
    behind = int(panel.behind[position])
    end = str(panel.ends[position])
    return end if not behind else f"{behind} rows before {end}"


def read_given(df: Frame, panel: Panel, horizon: int) -> FloatArray:
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
            [written(name) for name in unknown[:5]],
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
    steps = steps_between(ends, times, panel) - 1
    outside = (steps < 0) | (steps >= horizon)  # OFF_GRID too
    if outside.any():
        problems.add(
            f"given= has time stamps outside of the {horizon} steps of the forecast",
            [
                f"{times[i]} of series {written(panel.ids[series[i]])}, which starts after "
                f"{ends[i]}"
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
            [
                f"{times[i]} of series {written(panel.ids[series[i]])}"
                for i in np.flatnonzero(twice)[:5]
            ],
            "keep one of each",
            total=int(twice.sum()),
        )
    return steps
