"""pandas in: a frame of any layout becomes a `Panel`.

Four layouts are read: a Series, a wide frame (a column per series), a long frame (a row per id
and time) and rows under a MultiIndex (id, time). All problems of a frame are found in one
vectorised pass and raised as one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal

import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen._messages import written
from tsgen._typing import IntArray
from tsgen.data.columns import Columns, output_name, suffixes_of
from tsgen.data.frequency import Frequency
from tsgen.data.history import History
from tsgen.data.layouts import Frame
from tsgen.data.native import AnyFrame, Native, opened
from tsgen.data.panel import Panel
from tsgen.data.reader import reader_of
from tsgen.data.spec import Cells, FrameSpec
from tsgen.data.validation import Problems
from tsgen.errors import FrameError, SettingError

__all__ = [
    "Short",
    "check_short",
    "curves",
    "hold_out",
    "outputs_of",
    "read_cells",
    "read_history",
    "read_panel",
    "refuse_short",
]

Short = Literal["error", "skip"]


def read_panel(
    df: AnyFrame,
    how: Columns | FrameSpec | None = None,
    *,
    freq: str | int | BaseOffset | Frequency | None = None,
    min_rows: int = 1,
    short: Short = "error",
    empty: Short = "error",
) -> Panel:
    """Read a frame of any layout, or raise one `FrameError` that lists all that is wrong with it.

    Parameters
    ----------
    df : Series or DataFrame
        A Series, a wide frame, a long frame or a MultiIndex (id, time).
    how : FrameSpec or Columns, optional
        What is read of the frame; columns alone if nothing else is to be said.
    freq : str, int, offset or Frequency, optional
        Found in the data if not given.
    min_rows : int, default 1
        Series with fewer rows are a problem, or skipped.
    short : {"error", "skip"}
        What happens to them.
    empty : {"error", "skip"}
        What happens to the columns of a wide frame that hold nothing but NaN.
    """
    spec = how if isinstance(how, FrameSpec) else FrameSpec(how or Columns())
    check_short(short)
    native = _with_rows(df)
    reader = reader_of(native, spec.columns)
    read = (reader.without_empty() if empty == "skip" else reader).read(freq, spec)
    return _without_short(read.panel.of_kind(native.kind), min_rows, short)


def read_history(df: AnyFrame, how: FrameSpec, freq: Frequency) -> History:
    """Read all rows of a frame and their stamps; holes stay what they are if they are allowed."""
    native = _with_rows(df)
    unfilled = how if how.fill is None else replace(how, fill="mask")
    read = reader_of(native, how.columns).read(freq, unfilled)
    return replace(read, panel=replace(read.panel.of_kind(native.kind), fill=how.fill))


def hold_out(
    df: AnyFrame,
    rows: int,
    *,
    id_col: str | None = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
) -> tuple[Frame, Frame]:
    """Split the last rows in time off: ``(earlier, held out)``.

    Parameters
    ----------
    df : Series or DataFrame
        Any layout that `fit` reads, of any library; rows of a long frame keep their order.
    rows : int
        How many: of each series in a long frame, of the whole frame in a wide one.
    id_col, time_col, target_col : str
        The columns of a long frame.

    Returns
    -------
    tuple of two frames in the layout of ``df``, and of its library

    Raises
    ------
    FrameError
        If a series has no more than ``rows`` rows.

    Examples
    --------
    >>> import tsgen
    >>> earlier, tail = tsgen.hold_out(tsgen.load_dataset("air_passengers"), 24)
    >>> len(earlier), len(tail)
    (120, 24)
    """
    if isinstance(rows, bool) or not isinstance(rows, Integral) or rows < 1:
        raise SettingError(f"rows={written(rows)}: expected a whole number of 1 or more")
    native = _with_rows(df)
    columns = Columns.of(id_col, time_col, target_col, frame=native.frame)
    held_out = reader_of(native, columns).last_rows(int(rows))
    return native.rows(~held_out), native.rows(held_out)


def check_short(short: Any) -> None:
    """Refuse a rule for short series that there isn't."""
    if short not in ("error", "skip"):
        raise SettingError(f"short={written(short)} is unknown; expected 'error' or 'skip'")


def _with_rows(df: Any) -> Native:
    native = opened(df)
    if len(native.frame) == 0:
        raise FrameError(["the frame has 0 rows; a forecast needs history"])
    return native


def outputs_of(forecast: Frame, columns: Columns, history: Frame) -> dict[str, Frame]:
    """Take a forecast apart: the point forecast, bounds and quantiles, each in a plain layout.

    Parameters
    ----------
    forecast : Series or DataFrame
        As a forecaster returned it.
    columns : Columns
        The names of a long frame's columns.
    history : Series or DataFrame
        What it goes on from: a Series has a frame as its forecast with levels.

    Returns
    -------
    dict of str to Series or DataFrame
        By what stands behind the target's name: ``""``, ``"-lo-80"``, ``"-hi-80"``, …
    """
    if isinstance(forecast, pd.Series):
        return {"": forecast}
    if isinstance(history, pd.Series):
        stem = str(forecast.columns[0])
        return {
            str(name).removeprefix(stem): column.rename(stem) for name, column in forecast.items()
        }
    if forecast.columns.nlevels > history.columns.nlevels:
        labels = forecast.columns.get_level_values(-1).unique()
        return {label[1:]: forecast.xs(label, axis=1, level=-1) for label in labels}
    targets = columns.targets
    own = [name for name in forecast.columns if name == columns.target or name not in targets]
    suffixes = [suffix for suffix in suffixes_of(columns.target, own) if suffix]
    if columns.target not in forecast.columns:
        return _outputs_by_name(forecast, history)
    named = [output_name(name, suffix) for name in targets for suffix in suffixes]
    plain = forecast.drop(columns=named)
    outputs: dict[str, Frame] = {"": plain}
    for suffix in suffixes:
        output = plain.copy()
        for name in targets:
            output[name] = forecast[output_name(name, suffix)]
        outputs[suffix] = output
    return outputs


def _outputs_by_name(forecast: pd.DataFrame, history: pd.DataFrame) -> dict[str, Frame]:
    """Those of a wide frame in whose columns the outputs stand behind the names of series."""
    names = [name for name in history.columns if name in forecast.columns]
    suffixes = suffixes_of(names[0], forecast.columns) if names else [""]
    if suffixes == [""]:
        return {"": forecast}
    outputs: dict[str, Frame] = {}
    for suffix in suffixes:
        of_series = [output_name(name, suffix) for name in names]
        outputs[suffix] = forecast[of_series].set_axis(names, axis=1)
    return outputs


def curves(df: AnyFrame, columns: Columns) -> dict[Any, pd.Series]:
    """Each series by its id, in the order of the frame, on an axis that can be drawn.

    Periods become their starts and local stamps lose their zone; NaN are left out.
    """
    return {
        name: _drawable(curve.dropna().sort_index())
        for name, curve in reader_of(opened(df), columns).curves()
    }


def _drawable(curve: pd.Series) -> pd.Series:
    if isinstance(curve.index, pd.PeriodIndex):
        return curve.set_axis(curve.index.to_timestamp())
    if isinstance(curve.index, pd.DatetimeIndex):
        return curve.set_axis(curve.index.tz_localize(None))
    return curve


def read_cells(df: AnyFrame, columns: Columns) -> Cells:
    """Read values at time stamps, without asking for series without gaps; NaN is allowed."""
    native = _with_rows(df)
    if isinstance(native.frame, pd.DataFrame):
        there = [name for name in columns.targets if name in native.frame.columns]
        if there and len(there) < len(columns.targets):
            columns = replace(columns, target=there[0], others=tuple(there[1:]))
    return reader_of(native, columns).cells()


def _without_short(panel: Panel, min_rows: int, short: Short) -> Panel:
    too_short = panel.lengths < min_rows
    if not too_short.any():
        return panel
    if short == "error" or too_short.all():
        refuse_short(panel.ids[too_short], panel.lengths[too_short], min_rows)
    return panel.select(~too_short)


def refuse_short(ids: pd.Index, lengths: IntArray, min_rows: int) -> None:
    """Say of some series that they are too short."""
    where = [
        f"{written(name)} ({length})" for name, length in zip(ids[:5], lengths[:5], strict=True)
    ]
    problems = Problems()
    problems.add(
        f"series with fewer than {min_rows} rows",
        where,
        "drop them, or pass short='skip'",
        total=len(ids),
    )
    problems.raise_any()
