"""Frames that go on from a panel: rows that have come, and cells of the horizon that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.align import LaterRows, align, steps_between
from tsgen.data.calendar import CalendarPart
from tsgen.data.frame import read_cells, read_panel
from tsgen.data.frequency import OFF_GRID
from tsgen.data.future_covariates import unknown_rows
from tsgen.data.native import AnyFrame
from tsgen.data.panel import Panel
from tsgen.data.ragged import interleaved, offsets_of
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import FILL_NUMBERS, FillHint, Problems, listing
from tsgen.errors import FrameError

__all__ = ["read_given", "read_new_rows"]


def read_new_rows(
    df: AnyFrame,
    panel: Panel,
    calendar: tuple[CalendarPart, ...] = (),
    fill_hint: FillHint = FILL_NUMBERS,
) -> tuple[Panel, Panel]:
    """Read rows that follow those of a panel.

    Parameters
    ----------
    df : Series or DataFrame
        Of some or all of the panel's series, in a layout of its own. In a wide frame a column of
        NaN has no new rows.
    panel : Panel
    calendar : tuple of str and callable, default ()
    fill_hint : FillHint
        What a message says that can be done about holes.

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
    spec = replace(FrameSpec.like(panel, calendar, goes_on=True), fill_hint=fill_hint)
    new = read_panel(df, spec, freq=panel.frequency, empty="error" if spec.joint else "skip")
    positions = panel.ids.get_indexer(new.ids)
    if (positions < 0).any():
        unknown = [written(name) for name in new.ids[positions < 0]]
        raise FrameError(
            [f"series that the state doesn't have: {listing(unknown)}; encode a frame with them"]
        )
    _check_whole_systems(panel, new)
    ahead = steps_between(panel.ends[positions], new.ends, panel)
    missing = ahead - new.behind - new.lengths + panel.behind[positions]
    _check_that_rows_follow(panel, positions, ahead, missing, Problems(fill_hint))
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
    if panel.fill not in (None, "mask"):
        # What is missing in the first new rows is filled from the last old ones.
        longer = longer.filled()
    came = (longer.lengths - panel.lengths)[np.sort(positions)]
    systems = np.unique(positions // panel.channels)
    theirs = longer if len(systems) == len(longer.keys) else longer.take(systems)
    return longer, theirs.last(came)


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


def _check_that_rows_follow(
    panel: Panel, positions: IntArray, ahead: IntArray, missing: IntArray, problems: Problems
) -> None:
    """Each series' first new row comes after its last own, and one step after it if not filled."""
    on_grid = ahead != OFF_GRID
    gap = (missing > 0) & on_grid & (panel.fill is None)
    for what, wrong, remedy in (
        ("time stamps off the frequency of the state", ~on_grid, "align them"),
        ("rows that the state has already", (missing < 0) & on_grid, "drop them"),
        ("rows missing before the new ones", gap, f"add them, or {problems.fill_hint.argument}"),
    ):
        if wrong.any():
            where = [
                f"series {written(panel.ids[i])}, which the state has up to {_own_end(panel, i)}"
                for i in positions[wrong][:5]
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
    nothing = np.full(int(missing.max()), np.nan)
    values = interleaved(
        (nothing, np.zeros_like(missing), missing), (new.values, new.offsets[:-1], new.lengths)
    )
    offsets = offsets_of(new.lengths + missing)
    own, covariates = panel.covariates, new.covariates
    if own is not None and covariates is not None:
        # From here on by system: its series are alike in all that is counted.
        first, missing = positions[:: new.channels], missing[:: new.channels]
        systems, bounds = first // panel.channels, new.covariate_offsets
        # What a wide frame said beyond the end of a column is known of the first missing rows, and
        # of the others nothing but the calendar: as many for each system as the most need.
        known = np.minimum(missing, panel.behind[first])
        beyond = panel.covariate_offsets[systems] + panel.lengths[first]
        most = max(1, int((missing - known).max()))
        unknown = unknown_rows(panel, most, calendar).reshape(len(panel.keys) * most, -1)
        rows = interleaved(
            (own.rows, beyond, known),
            (unknown, systems * most, missing - known),
            (covariates.rows, bounds[:-1], np.diff(bounds)),
        )
        covariates = replace(covariates, rows=rows)
    return replace(new, values=values, offsets=offsets, covariates=covariates)


def _own_end(panel: Panel, position: int) -> str:
    behind, end = int(panel.behind[position]), str(panel.ends[position])
    return f"{behind} rows before {end}" if behind else end


def read_given(df: AnyFrame, panel: Panel, horizon: int) -> FloatArray:
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
    shown = panel.shown
    if cells.ids is None and len(panel.systems[shown // panel.channels].unique()) > 1:
        raise FrameError(
            [f"given= names no series, but the forecast has {len(shown)}: add the ids"]
        )
    ids = panel.systems[:1].repeat(len(cells.values)) if cells.ids is None else cells.ids
    if panel.names_channels:
        ids = pd.MultiIndex.from_arrays([ids, cells.channels])
    problems = Problems()
    # Of series that are named: one that isn't found is told, and passes for the first until then.
    named = np.unique(panel.ids.get_indexer(ids).clip(min=0))
    stamps = panel.frequency.following(panel.ends[named], horizon)
    rows = LaterRows("given=", ids, cells.times)
    there = align(rows, panel, panel.ids[named], stamps, problems)
    problems.raise_any()
    wrong = there.outside if there.outside.any() else there.twice
    few = np.flatnonzero(wrong)[:5]
    where = [f"{cells.times[row]} of series {written(ids[row])}" for row in few]
    what, remedy = "that come twice in a series", "keep one of each"
    if there.outside.any():
        ends = panel.ends[panel.ids.get_indexer(ids[few])]
        where = [f"{cell}, which starts after {end}" for cell, end in zip(where, ends, strict=True)]
        what = f"outside of the {horizon} steps of the forecast"
        remedy = "keep those of the horizon alone"
    if wrong.any():
        problems.add(f"given= has time stamps {what}", where, remedy, total=int(wrong.sum()))
    problems.raise_any()
    given = np.full((len(panel), horizon), np.nan)
    values = np.where(there.rows < 0, np.nan, cells.values[there.rows])
    given[named] = values.reshape(-1, horizon)
    return given
