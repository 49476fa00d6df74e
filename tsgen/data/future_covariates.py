"""What is known of a horizon beside the values: covariates given for it, and the calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.calendar import CalendarPart
from tsgen.data.covariate_rows import calendar_rows
from tsgen.data.covariates import ColumnSource, read_column
from tsgen.data.layouts import Frame
from tsgen.data.panel import Panel
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import Places, Problems, check_ids, check_times, listing
from tsgen.errors import FrameError

__all__ = ["read_future", "unknown_rows"]


def read_future(
    df: Frame | None, panel: Panel, horizon: int, calendar: tuple[CalendarPart, ...] = ()
) -> FloatArray | None:
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
        if calendar:  # set since fit, unless it has nothing to say at this frequency
            stamps = panel.frequency.following(panel.ends[:1], 1)
            calendar_rows(FrameSpec.like(panel, calendar), stamps, panel.frequency, Problems())
        return None
    future = unknown_rows(panel, horizon, calendar)
    known = {
        item.name: column
        for column, item in enumerate(panel.covariates.of_rows)
        if item.role == "future"
    }
    if known:
        stamps = panel.frequency.following(panel.ends[:: panel.channels], horizon)
        for name, values in _future_columns(df, panel, stamps, horizon).items():
            future[:, :, known[name]] = values
    elif df is not None:
        raise FrameError(["future_df= was given, but no covariate is known ahead: leave it out"])
    return future


def unknown_rows(panel: Panel, horizon: int, calendar: tuple[CalendarPart, ...]) -> FloatArray:
    """Rows after the ends of systems of which nothing but the calendar is known.

    Returns
    -------
    ndarray of shape (systems, H, columns)
        NaN for numbers, 0 for categories.
    """
    assert panel.covariates is not None
    ends = panel.ends[:: panel.channels]
    schema = panel.covariates.of_rows
    rows = np.full((len(ends), horizon, len(schema)), np.nan)
    for column, item in enumerate(schema):
        if item.categories is not None:
            rows[:, :, column] = 0.0
    computed = [i for i, item in enumerate(schema) if item.role in ("cycle", "calendar")]
    if computed or calendar:
        problems = Problems()
        stamps = panel.frequency.following(ends, horizon)
        _, table = calendar_rows(FrameSpec.like(panel, calendar), stamps, panel.frequency, problems)
        problems.raise_any()
        rows[:, :, computed] = table.reshape(len(ends), horizon, -1)
    return rows


def _future_columns(
    df: Frame | None, panel: Panel, stamps: pd.Index, horizon: int
) -> dict[str, FloatArray]:
    """The columns of future covariates, (systems, H) each, at the stamps of the horizon."""
    names = panel.columns.future
    listed = listing([written(name) for name in names])
    if df is None:
        raise FrameError(
            [f"the model was fitted with future_covariates {listed}: pass future_df= with their "
             f"values at the {horizon} time stamps of the forecast, from {stamps.min()}"]
        )  # fmt: skip
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"future_df= is a {type(df).__name__}: expected a DataFrame")
    if df.columns.has_duplicates:
        twice = listing([written(name) for name in df.columns[df.columns.duplicated()].unique()])
        raise FrameError([f"future_df= has columns named twice: {twice}; drop one of each"])
    table = df
    columns = panel.columns
    if isinstance(df.index, pd.MultiIndex) or columns.time not in df.columns:
        index = df.index
        if not isinstance(index, pd.MultiIndex) and index.name in df.columns:
            index = index.rename(None)
        names_of = list(index.names) if isinstance(index, pd.MultiIndex) else [columns.time]
        table = df.set_axis(index.set_names(names_of)).reset_index()
    lacking = [written(name) for name in (columns.time, *names) if name not in table.columns]
    if lacking:
        there = listing([written(name) for name in df.columns], most=20)
        raise FrameError([f"future_df= has no column {listing(lacking)}; its columns are {there}"])
    problems = Problems()
    times = check_times(table[columns.time], written(columns.time), problems)
    problems.raise_any()
    assert times is not None
    wanted = _places_wanted(table, times, panel, stamps, horizon)
    return _values_wanted(table, times, panel, wanted, horizon)


def _places_wanted(
    table: pd.DataFrame, times: pd.Index, panel: Panel, stamps: pd.Index, horizon: int
) -> IntArray:
    """The row of each system and step, ``(systems * H,)``."""
    times = _as_stamps_of(panel, times)
    stamps = stamps.astype(panel.ends.dtype)
    # A lookup: rows have keys, and so has what is wanted. Rows without ids are of all systems.
    keys: pd.Index = times
    wanted: pd.Index = stamps
    problems = Problems()
    if panel.columns.has_ids(table):
        ids = _known_ids(table[panel.columns.id], panel, problems)
        keys = pd.MultiIndex.from_arrays([ids, times])
        wanted = pd.MultiIndex.from_arrays([panel.systems.repeat(horizon), stamps])
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


def _as_stamps_of(panel: Panel, times: pd.Index) -> pd.Index:
    """The same stamps as those that follow the panel's are written."""
    if not panel.frequency.suits(times):
        raise FrameError(
            [f"the time stamps of future_df= are {times.dtype}, which doesn't suit the frequency "
             f"{panel.frequency.name!r}; convert them to the kind of the input"]
        )  # fmt: skip
    try:
        converted = times.astype(panel.ends.dtype)
    except (TypeError, ValueError) as error:
        raise FrameError(
            [f"the time stamps of future_df= are {times.dtype}, but {panel.ends.dtype} in the "
             "input; convert them"]
        ) from error  # fmt: skip
    # Coarser units round: what isn't the same any more was between two steps.
    off = np.flatnonzero(np.asarray(times != converted))
    if len(off):
        raise FrameError(
            [f"future_df= has time stamps off the frequency {panel.frequency.name!r}: "
             f"{listing([f'{times[row]} (row {row})' for row in off[:5]], total=len(off))}; align "
             "them"]
        )  # fmt: skip
    followed: pd.Index = panel.frequency.as_followed(converted)
    return followed


def _known_ids(column: pd.Series, panel: Panel, problems: Problems) -> pd.Index:
    """The ids of rows; those that the panel doesn't have are a problem."""
    check_ids(column, f"{written(panel.columns.id)} of future_df=", problems)
    problems.raise_any()
    ids: pd.Index = pd.Index(column)
    unknown = ids[panel.systems.unique().get_indexer(ids) < 0].unique()
    if len(unknown):
        problems.add(
            "future_df= has series that the forecast doesn't have",
            [written(name) for name in unknown[:5]], "drop them", total=len(unknown),
        )  # fmt: skip
    return ids


def _place(key: object) -> str:
    return f"series {written(key[0])} at {key[1]}" if isinstance(key, tuple) else f"at {key}"


def _values_wanted(
    table: pd.DataFrame, times: pd.Index, panel: Panel, rows: IntArray, horizon: int
) -> dict[str, FloatArray]:
    assert panel.covariates is not None
    problems = Problems()
    found: dict[str, FloatArray] = {}
    for item in panel.covariates.of_rows:
        if item.role != "future":
            continue
        column = table[item.name].reset_index(drop=True)
        codes, names = None, pd.Index([])
        if panel.columns.has_ids(table):
            codes, names = pd.factorize(table[panel.columns.id])
        source = ColumnSource(codes, pd.Index(names), times, " of future_df=")
        _, values = read_column(column, item, source, problems, learn=False)
        wanted = values[rows]
        missing = np.asarray(column.isna()) | np.isnan(values)
        lacking = np.unique(rows[missing[rows]])
        if len(lacking):
            places = Places(codes, source.names, times)
            where = [places.at(int(row)) for row in lacking[:5]]
            problems.add(
                f"future covariate {written(item.name)} has missing values (NaN) in the "
                "horizon", where,
                "give them, and where there is none a category that says so; what isn't known "
                "ahead belongs into past_covariates",
                total=len(lacking),
            )  # fmt: skip
        found[item.name] = wanted.reshape(-1, horizon)
    problems.raise_any()
    return found
