"""Frames that go on from a panel: rows that have come, and cells of the horizon that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.calendar import CalendarPart
from tsgen.checks import Problems, check_times, listing
from tsgen.covariates import read_column
from tsgen.errors import FrameError
from tsgen.frame import read_cells, read_panel
from tsgen.frequency import OFF_GRID
from tsgen.panel import Frame, Panel
from tsgen.reading import Reading, calendar_rows

__all__ = ["read_future", "read_given", "read_new_rows"]

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
    new = read_panel(df, Reading.like(panel, calendar), freq=panel.frequency, empty="skip")
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
    return panel.extend(new, ends, behind), new


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
        ("rows missing before the new ones", (first > 1) & (ahead != OFF_GRID), "add them"),
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


def read_future(
    df: Frame | None, panel: Panel, horizon: int, calendar: tuple[CalendarPart, ...] = ()
) -> Array | None:
    """Read what is known of a horizon beside the values.

    Parameters
    ----------
    df : DataFrame, optional
        The columns of future covariates at the time stamps of the horizon; more stamps may be
        there. With ids (or the index of a MultiIndex), a row per id and stamp; without, the rows
        are those of all series.
    panel : Panel
    horizon : int
        H.
    calendar : tuple of str and callable, default ()

    Returns
    -------
    ndarray of shape (systems, H, columns), or None
        By the columns of the panel's covariates; NaN (0 for a category) what is known of the past
        alone. ``None`` where the panel has no covariates.

    Raises
    ------
    FrameError
        For columns, series, stamps and values that are missing or can't be used.
    """
    if panel.covariates is None:
        if df is not None:
            raise FrameError(
                ["future_df= was given, but the model has no future covariates: leave it out, or "
                 "name its columns in fit(df, future_covariates=[...])"]
            )  # fmt: skip
        return None
    ends = panel.ends[:: panel.channels]
    count = len(ends)
    schema = panel.covariates.of_rows
    future = np.full((count, horizon, len(schema)), np.nan)
    for column, item in enumerate(schema):
        if item.categories is not None:
            future[:, :, column] = 0.0
    known = {item.name: column for column, item in enumerate(schema) if item.role == "future"}
    if panel.columns.future:
        stamps = panel.frequency.following(ends, horizon)
        for name, values in _future_columns(df, panel, stamps, horizon).items():
            future[:, :, known[name]] = values
    elif df is not None:
        raise FrameError(["future_df= was given, but no covariate is known ahead: leave it out"])
    computed = [i for i, item in enumerate(schema) if item.role in ("cycle", "calendar")]
    if computed:
        problems = Problems()
        stamps = panel.frequency.following(ends, horizon)
        _, table = calendar_rows(Reading.like(panel, calendar), stamps, panel.frequency, problems)
        problems.raise_any()
        future[:, :, computed] = table.reshape(count, horizon, -1)
    return future


def _future_columns(
    df: Frame | None, panel: Panel, stamps: pd.Index, horizon: int
) -> dict[str, Array]:
    """The columns of future covariates, (systems, H) each, at the stamps of the horizon."""
    names = panel.columns.future
    listed = listing([repr(name) for name in names])
    if df is None:
        raise FrameError(
            [f"the model was fitted with future_covariates {listed}: pass future_df= with their "
             f"values at the {horizon} time stamps of the forecast, from {stamps.min()}"]
        )  # fmt: skip
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"future_df= is a {type(df).__name__}: expected a DataFrame")
    table = df
    columns = panel.columns
    if isinstance(df.index, pd.MultiIndex) or columns.time not in df.columns:
        index = df.index
        if not isinstance(index, pd.MultiIndex) and index.name in df.columns:
            index = index.rename(None)
        names_of = list(index.names) if isinstance(index, pd.MultiIndex) else [columns.time]
        table = df.set_axis(index.set_names(names_of)).reset_index()
    lacking = [repr(name) for name in (columns.time, *names) if name not in table.columns]
    if lacking:
        there = listing([repr(name) for name in df.columns], most=20)
        raise FrameError([f"future_df= has no column {listing(lacking)}; its columns are {there}"])
    problems = Problems()
    times = check_times(table[columns.time], repr(columns.time), problems)
    problems.raise_any()
    assert times is not None
    wanted = _places_wanted(table, times, panel, stamps, horizon)
    return _values_wanted(table, times, panel, wanted, horizon)


def _places_wanted(
    table: pd.DataFrame, times: pd.Index, panel: Panel, stamps: pd.Index, horizon: int
) -> IntArray:
    """The row of each system and step, ``(systems * H,)``."""
    columns = panel.columns
    if not panel.frequency.suits(times):
        raise FrameError(
            [f"the time stamps of future_df= are {times.dtype}, which doesn't suit the frequency "
             f"{panel.frequency.name!r}; convert them to the kind of the input"]
        )  # fmt: skip
    try:
        times = times.astype(panel.ends.dtype)
    except (TypeError, ValueError) as error:
        raise FrameError(
            [f"the time stamps of future_df= are {times.dtype}, but {panel.ends.dtype} in the "
             "input; convert them"]
        ) from error  # fmt: skip
    stamps = stamps.astype(panel.ends.dtype)
    systems = panel.systems
    keys: pd.Index
    wanted: pd.Index
    by_series = columns.id in table.columns
    problems = Problems()
    if by_series:
        ids = pd.Index(table[columns.id])
        unknown = ids[systems.get_indexer_for(ids) < 0] if systems.is_unique else ids[
            ~ids.isin(systems)]  # fmt: skip
        if len(unknown):
            problems.add(
                "future_df= has series that the forecast doesn't have",
                [repr(name) for name in unknown.unique()[:5]], "drop them",
                total=len(unknown.unique()),
            )  # fmt: skip
        keys = pd.MultiIndex.from_arrays([ids, times])
        wanted = pd.MultiIndex.from_arrays([systems.repeat(horizon), stamps])
    else:
        keys, wanted = times, stamps
    twice = keys.duplicated()
    if twice.any():
        problems.add(
            "future_df= has time stamps that come twice in a series",
            [_place(keys[row]) for row in np.flatnonzero(twice)[:5]],
            "keep one row of each", total=int(twice.sum()),
        )  # fmt: skip
    problems.raise_any()
    rows: IntArray = keys.get_indexer(wanted)
    if (rows < 0).any():
        missing = wanted[rows < 0].unique()
        problems.add(
            f"future_df= lacks rows of the {horizon} steps of the forecast",
            [_place(key) for key in missing[:5]], "add them", total=len(missing),
        )  # fmt: skip
    problems.raise_any()
    return rows


def _place(key: object) -> str:
    return f"series {key[0]!r} at {key[1]}" if isinstance(key, tuple) else f"at {key}"


def _values_wanted(
    table: pd.DataFrame, times: pd.Index, panel: Panel, rows: IntArray, horizon: int
) -> dict[str, Array]:
    assert panel.covariates is not None
    problems = Problems()
    found: dict[str, Array] = {}
    for item in panel.covariates.of_rows:
        if item.role != "future":
            continue
        column = table[item.name].reset_index(drop=True)
        _, values = read_column(column, item, "future_df=", times, problems, learn=False)
        wanted = values[rows]
        lacking = np.unique(rows[np.isnan(wanted)])
        if len(lacking):
            series = panel.columns.id in table.columns
            where = [
                (f"series {table[panel.columns.id].iloc[row]!r} " if series else "")
                + f"at {times[row]} (row {row})"
                for row in lacking[:5]
            ]
            problems.add(
                f"future covariate {item.name!r} has missing values (NaN) in the horizon", where,
                "give them; what isn't known ahead belongs into past_covariates",
                total=len(lacking),
            )  # fmt: skip
        found[item.name] = wanted.reshape(-1, horizon)
    problems.raise_any()
    return found


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
