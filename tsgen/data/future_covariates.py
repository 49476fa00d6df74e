"""What is known of a horizon beside the values: covariates given for it, and the calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray
from tsgen.data.align import Aligned, LaterRows, align
from tsgen.data.calendar import CalendarPart
from tsgen.data.columns import Columns
from tsgen.data.covariate_rows import calendar_rows
from tsgen.data.covariates import ColumnSource, Covariate, read_column
from tsgen.data.native import AnyFrame, Native, is_frame, opened
from tsgen.data.panel import Panel
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import Places, Problems, check_ids, check_times, listing
from tsgen.errors import FrameError

__all__ = ["read_future", "unknown_rows"]


def read_future(
    df: AnyFrame | None, panel: Panel, horizon: int, calendar: tuple[CalendarPart, ...] = ()
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
    if panel.columns.future:
        for column, values in _columns_ahead(df, panel, horizon).items():
            future[:, :, column] = values
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


def _columns_ahead(df: AnyFrame | None, panel: Panel, horizon: int) -> dict[int, FloatArray]:
    """The columns of future covariates, (systems, H) each, by their position among all columns."""
    assert panel.covariates is not None
    columns, problems = panel.columns, Problems()
    stamps = panel.frequency.following(panel.ends[:: panel.channels], horizon)
    if df is None:
        listed = listing([written(name) for name in columns.future])
        raise FrameError(
            [f"the model was fitted with future_covariates {listed}: pass future_df= with their "
             f"values at the {horizon} time stamps of the forecast, from {stamps.min()}"]
        )  # fmt: skip
    table = _as_long(df, columns)
    times = check_times(table[columns.time], written(columns.time), problems)
    ids, codes, names = None, None, pd.Index([])
    if columns.has_ids(table):
        check_ids(table[columns.id], f"{written(columns.id)} of future_df=", problems)
        ids = pd.Index(table[columns.id])
    problems.raise_any()
    assert times is not None
    rows = LaterRows("future_df=", ids, times)
    there = align(rows, panel, panel.systems, stamps, problems)
    _check_places(rows, there, panel, stamps, problems)
    if ids is not None:
        codes, names = pd.factorize(ids)
    source = ColumnSource(codes, names, times, " of future_df=")
    found = {}
    for position, item in enumerate(panel.covariates.of_rows):
        if item.role == "future":
            values = _read_ahead(table[item.name], item, source, ~there.outside, problems)
            found[position] = values[there.rows].reshape(-1, horizon)
    problems.raise_any()
    return found


def _as_long(df: AnyFrame, columns: Columns) -> pd.DataFrame:
    """The same frame with its time stamps, and ids where it has them, in columns."""
    native = opened(df) if is_frame(df) else Native(df)
    df = native.frame
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"future_df= is a {type(df).__name__}: expected a DataFrame")
    if df.columns.has_duplicates:
        twice = listing([written(name) for name in df.columns[df.columns.duplicated()].unique()])
        raise FrameError([f"future_df= has columns named twice: {twice}; drop one of each"])
    table = df
    if isinstance(df.index, pd.MultiIndex):
        table = df.reset_index()
    elif columns.time not in df.columns and native.kind == "pandas":
        table = df.set_axis(df.index.set_names([columns.time])).reset_index()
    needed = (columns.time, *columns.future)
    lacking = [written(name) for name in needed if name not in table.columns]
    if lacking:
        there = listing([written(name) for name in df.columns], most=20)
        raise FrameError([f"future_df= has no column {listing(lacking)}; its columns are {there}"])
    return table


def _check_places(
    rows: LaterRows, there: Aligned, panel: Panel, stamps: pd.Index, problems: Problems
) -> None:
    """Each place has one row, and no row is between two steps."""
    if there.rounded.any():
        problems.add(
            f"future_df= has time stamps off the frequency {panel.frequency.name!r}",
            [f"{rows.times[row]} (row {row})" for row in np.flatnonzero(there.rounded)[:5]],
            "align them", total=int(there.rounded.sum()),
        )  # fmt: skip
        problems.raise_any()
    horizon, owners = len(stamps) // len(panel.systems), panel.systems
    lacking, given = stamps[there.rows < 0], there.times[there.twice]
    if rows.ids is not None:
        own = owners.repeat(horizon)[there.rows < 0]
        lacking = pd.MultiIndex.from_arrays([own, lacking])
        given = pd.MultiIndex.from_arrays([rows.ids[there.twice], given])
    for what, places, remedy in (
        ("has time stamps that come twice in a series", given, "keep one row of each"),
        (f"lacks rows of the {horizon} steps of the forecast", lacking.unique(), "add them"),
    ):
        if len(places):
            where = [_place(key) for key in places[:5]]
            problems.add(f"future_df= {what}", where, remedy, total=len(places))
        problems.raise_any()


def _place(key: object) -> str:
    return f"series {written(key[0])} at {key[1]}" if isinstance(key, tuple) else f"at {key}"


def _read_ahead(
    column: pd.Series, item: Covariate, source: ColumnSource, needed: BoolArray, problems: Problems
) -> FloatArray:
    """All rows of a column; none of those that are needed may be missing."""
    column = column.reset_index(drop=True)
    _, values = read_column(column, item, source, problems, learn=False)
    missing = (np.asarray(column.isna()) | np.isnan(values)) & needed
    if missing.any():
        problems.add(
            f"future covariate {written(item.name)} has missing values (NaN) in the horizon",
            Places(source.codes, source.names, source.times).describe(missing),
            "give them, and where there is none a category that says so; what isn't known ahead "
            "belongs into past_covariates",
            total=int(missing.sum()),
        )
    return values
