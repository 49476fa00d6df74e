"""pandas in: a frame of any layout becomes a `Panel`.

Four layouts are read: a Series, a wide frame (a column per series), a long frame (a row per id
and time) and rows under a MultiIndex (id, time). All problems of a frame are found in one
vectorised pass and raised as one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsgen.checks import (
    Problems,
    check_ids,
    check_index_steps,
    check_steps,
    check_times,
    check_values,
    listing,
)
from tsgen.errors import FrameError, SettingError
from tsgen.frequency import Frequency, declared_frequency, inferred_frequency
from tsgen.panel import Columns, Frame, LongLayout, Panel, WideLayout

__all__ = ["Short", "curves", "hold_out", "read_panel"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Short = Literal["error", "skip"]


def read_panel(
    df: Frame,
    columns: Columns | None = None,
    *,
    freq: str | int | BaseOffset | Frequency | None = None,
    min_rows: int = 1,
    short: Short = "error",
) -> Panel:
    """Read a frame of any layout, or raise one `FrameError` that lists all that is wrong with it.

    Parameters
    ----------
    df : Series or DataFrame
        A Series, a wide frame, a long frame or a MultiIndex (id, time).
    columns : Columns, optional
        The names of a long frame's columns.
    freq : str, int, offset or Frequency, optional
        Found in the data if not given.
    min_rows : int, default 1
        Series with fewer rows are a problem, or skipped.
    short : {"error", "skip"}
        What happens to them.
    """
    columns = columns or Columns()
    if short not in ("error", "skip"):
        raise SettingError(f"short={short!r} is unknown; expected 'error' or 'skip'")
    _checked_frame(df)
    panel = _reader_of(df, columns).read(freq)
    return _without_short(panel, min_rows, short)


def hold_out(
    df: Frame,
    rows: int,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
) -> tuple[Frame, Frame]:
    """Split the last rows in time off: ``(earlier, held out)``.

    Parameters
    ----------
    df : Series or DataFrame
        Any layout that `fit` reads; rows of a long frame keep their order.
    rows : int
        How many: of each series in a long frame, of the whole frame in a wide one.
    id_col, time_col, target_col : str
        The columns of a long frame.

    Returns
    -------
    tuple of two frames in the layout of ``df``

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
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise SettingError(f"rows={rows!r}: expected a whole number of 1 or more")
    _checked_frame(df)
    held_out = _reader_of(df, Columns(id_col, time_col, target_col)).last_rows(int(rows))
    return df.loc[~held_out], df.loc[held_out]


def _checked_frame(df: Any) -> None:
    if not isinstance(df, pd.Series | pd.DataFrame):
        raise TypeError(
            f"expected a pandas Series or DataFrame, got {type(df).__name__}; convert it with "
            "pd.Series(values, index=time stamps) or pd.DataFrame(...)"
        )
    if len(df) == 0:
        raise FrameError(["the frame has 0 rows; a forecast needs history"])


def curves(df: Frame, columns: Columns) -> dict[Any, pd.Series]:
    """Each series by its id, in the order of the frame, on an axis that can be drawn.

    Periods become their starts and local stamps lose their zone; NaN are left out.
    """
    return {
        name: _drawable(curve.dropna().sort_index())
        for name, curve in _reader_of(df, columns).curves()
    }


def _drawable(curve: pd.Series) -> pd.Series:
    if isinstance(curve.index, pd.PeriodIndex):
        return curve.set_axis(curve.index.to_timestamp())
    if isinstance(curve.index, pd.DatetimeIndex):
        return curve.set_axis(curve.index.tz_localize(None))
    return curve


# --- reading -------------------------------------------------------------------------------------


def _reader_of(df: Frame, columns: Columns) -> _LongReader | _WideReader:
    """Tell the layouts apart by names first, by the kind of the index second."""
    if isinstance(df.index, pd.MultiIndex):
        return _multiindex_reader(df, columns)
    if isinstance(df, pd.Series):
        return _WideReader(pd.DataFrame({"y": df}), columns, series=df)
    if df.columns.has_duplicates:
        twice = listing([repr(name) for name in df.columns[df.columns.duplicated()].unique()])
        raise FrameError([f"columns named twice: {twice}; rename or drop one of each"])
    found = {name for name in (columns.id, columns.time, columns.target) if name in df.columns}
    if columns.time in found and columns.target in found:
        if columns.id not in found and columns.id != Columns.id:
            there = listing([repr(name) for name in df.columns], most=20)
            raise FrameError(
                [f"no id column {columns.id!r}; the columns are {there}; pass id_col="]
            )
        ids = df[columns.id] if columns.id in found else None
        order = tuple(name for name in df.columns if name in found)
        return _LongReader(ids, df[columns.time], df[columns.target], columns, order)
    if columns.time in found and columns.id in found:
        there = listing([repr(name) for name in df.columns], most=20)
        raise FrameError(
            [f"no target column {columns.target!r}; the columns are {there}; pass target_col="]
        )
    if _is_time_index(df, columns):
        return _WideReader(df, columns)
    there = listing([repr(name) for name in df.columns], most=20)
    raise FrameError(
        [
            f"neither a long nor a wide frame: the columns are {there}, the index is a "
            f"{type(df.index).__name__} of {df.index.dtype}; expected one of"
            f"{columns.both_layouts()}"
        ]
    )


def _is_time_index(df: pd.DataFrame, columns: Columns) -> bool:
    if isinstance(df.index, pd.DatetimeIndex | pd.PeriodIndex):
        return True
    if columns.time in df.columns:
        return False
    all_numbers = all(pd.api.types.is_numeric_dtype(dtype) for dtype in df.dtypes)
    if pd.api.types.is_integer_dtype(df.index.dtype):
        return df.index.name is not None or all_numbers
    # Dates as text or objects: the time check says how to convert them.
    return all_numbers or df.index.name == columns.time


def _multiindex_reader(df: Frame, columns: Columns) -> _LongReader:
    index = df.index
    names: list[Any] = list(index.names)
    if index.nlevels != 2 or None in names:
        raise FrameError(
            [
                f"a MultiIndex needs two named levels, id and time, got {names}; name them with "
                f"df.index.set_names([{columns.id!r}, {columns.time!r}])"
            ]
        )
    # By name where the names are known, else in the order id, time.
    id_name, time_name = names if names != [columns.time, columns.id] else names[::-1]
    if isinstance(df, pd.Series):
        name: Any = df.name
        target, columns = df, replace(columns, target=name)
    elif columns.target in df.columns:
        target = df[columns.target]
    else:
        there = listing([repr(name) for name in df.columns], most=20)
        raise FrameError(
            [f"no target column {columns.target!r}; the columns are {there}; pass target_col="]
        )
    return _LongReader(
        pd.Series(index.get_level_values(id_name)),
        pd.Series(index.get_level_values(time_name)),
        target,
        replace(columns, id=id_name, time=time_name),
        order=(id_name, time_name, columns.target),
        multiindex="series" if isinstance(df, pd.Series) else "frame",
        level_names=tuple(names),
    )


@dataclass(frozen=True)
class _LongReader:
    """A row per id and time; without an id column, one series."""

    ids: pd.Series | None
    times: pd.Series
    target: pd.Series
    columns: Columns
    order: tuple[str, ...]
    """The three columns as they stand in the frame, those that there are."""
    multiindex: Literal["series", "frame"] | None = None
    level_names: tuple[Any, ...] = ()

    def read(self, freq: Any) -> Panel:
        problems = Problems()
        times = check_times(self.times, repr(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        names = "one series" if self.ids is None else ids
        values = check_values(self.target, repr(self.columns.target), codes, names, times, problems)
        if times is None or codes is None:
            problems.raise_any()
        assert times is not None and codes is not None
        order = _sorting_order(codes, times)
        if order is not None:
            codes, times, values = codes[order], times[order], _take(values, order)
        offsets = np.searchsorted(codes, np.arange(len(ids) + 1)).astype(np.int64)
        frequency = _frequency(freq, times, offsets)
        check_steps(frequency, times, offsets, names, order, problems, _origin(freq))
        problems.raise_any()
        assert values is not None
        last = offsets[1:] - 1
        return Panel(
            values=values,
            offsets=offsets,
            ids=ids,
            ends=times[last],
            behind=np.zeros(len(ids), dtype=np.int64),
            frequency=frequency,
            columns=self.columns,
            layout=LongLayout(
                columns=self.columns,
                id_dtype=None if self.ids is None else self.ids.dtype,
                time_dtype=self.times.dtype,
                target_dtype=_forecast_dtype(self.target.dtype),
                order=self.order,
                appearance=_appearance(codes, order, len(ids)),
                multiindex=self.multiindex,
                level_names=self.level_names,
            ),
        )

    def _factorize(self, problems: Problems) -> tuple[IntArray | None, pd.Index]:
        if self.ids is None:
            return np.zeros(len(self.target), dtype=np.int64), pd.Index([self.columns.target])
        if not check_ids(self.ids, repr(self.columns.id), problems):
            return None, pd.Index([])
        codes, ids = pd.factorize(self.ids, sort=True)
        return codes.astype(np.int64, copy=False), pd.Index(ids)

    def curves(self) -> Iterator[tuple[Any, pd.Series]]:
        """Each series by its id, in the order of the frame."""
        values = pd.Series(self.target.to_numpy(dtype=np.float64), index=pd.Index(self.times))
        if self.ids is None:
            yield self.columns.target, values
            return
        yield from values.groupby(self.ids.to_numpy(), sort=False)

    def last_rows(self, rows: int) -> npt.NDArray[np.bool_]:
        """Which rows are the last of their series in time."""
        times = pd.Series(np.asarray(pd.Index(self.times).argsort()).argsort())
        ids = pd.Series(np.zeros(len(times))) if self.ids is None else self.ids
        groups = times.groupby(ids.to_numpy())
        lengths = groups.size()
        if (lengths <= rows).any():
            short = [f"{name!r} ({size})" for name, size in lengths[lengths <= rows].items()]
            raise FrameError(
                [f"series with no more than the {rows} rows to hold out: {listing(short)}"]
            )
        return (groups.rank(method="first", ascending=False) <= rows).to_numpy()


@dataclass(frozen=True)
class _WideReader:
    """A column per series; leading and trailing NaN make it shorter."""

    frame: pd.DataFrame
    columns: Columns
    series: pd.Series | None = None

    def read(self, freq: Any) -> Panel:
        problems = Problems()
        layouts = f". Expected one of{self.columns.both_layouts()}"
        times = check_times(self.frame.index, "the index", problems, layouts)
        matrix = self._matrix(times, problems)
        if times is None:
            problems.raise_any()
        assert times is not None
        order = None if times.is_monotonic_increasing else np.argsort(times, kind="stable")
        if order is not None:
            times, matrix = times[order], matrix[:, order]
        frequency = _frequency(freq, times, np.array([0, len(times)]))
        check_index_steps(frequency, times, order, problems, _origin(freq))
        position = np.argsort(pd.factorize(self.frame.columns, sort=True)[0], kind="stable")
        matrix, ids = matrix[position], self.frame.columns[position]
        first, stop = _observed_span(matrix, ids, times, problems)
        problems.raise_any()
        offsets = np.concatenate([[0], np.cumsum(stop - first)]).astype(np.int64)
        rows = np.arange(matrix.shape[1])
        inside = (rows >= first[:, None]) & (rows < stop[:, None])
        return Panel(
            values=matrix[inside],
            offsets=offsets,
            ids=ids,
            ends=times[np.full(len(ids), len(times) - 1)],
            behind=len(times) - stop,
            frequency=frequency,
            columns=self.columns,
            layout=WideLayout(
                columns=self.frame.columns,
                index_name=self.frame.index.name,
                time_dtype=self.frame.index.dtype,
                dtypes=tuple(_forecast_dtype(dtype) for dtype in self.frame.dtypes),
                is_series=self.series is not None,
                series_name=None if self.series is None else self.series.name,
                has_freq=getattr(self.frame.index, "freq", None) is not None,
            ),
        )

    def _matrix(self, times: pd.Index | None, problems: Problems) -> Array:
        columns = []
        for position, name in enumerate(self.frame.columns):
            label = repr(name) if self.series is None else repr(self.series.name or "y")
            column = self.frame.iloc[:, position]
            values = check_values(column, label, None, "wide", times, problems)
            # A refused column has its problem already: zeros keep it from the check for holes.
            columns.append(np.zeros(len(self.frame)) if values is None else values)
        if not columns:
            raise FrameError(["the frame has no columns; a wide frame has a column per series"])
        return np.stack(columns)

    def curves(self) -> Iterator[tuple[Any, pd.Series]]:
        """Each column by its name."""
        for name, column in self.frame.items():
            yield name if self.series is None else self.series.name or "y", column

    def last_rows(self, rows: int) -> npt.NDArray[np.bool_]:
        """Which rows are the last in time."""
        if len(self.frame) <= rows:
            raise FrameError([f"the frame has {len(self.frame)} rows, not more than {rows}"])
        ranks = np.asarray(self.frame.index.argsort()).argsort()
        return np.asarray(ranks >= len(ranks) - rows)


def _observed_span(
    matrix: Array, ids: pd.Index, times: pd.Index, problems: Problems
) -> tuple[IntArray, IntArray]:
    """First observed row and one past the last, ``(N,)`` each; NaN between them is a problem."""
    observed = ~np.isnan(matrix)
    empty = np.asarray(~observed.any(axis=1))
    first: IntArray = observed.argmax(axis=1)
    stop = matrix.shape[1] - observed[:, ::-1].argmax(axis=1)
    if empty.any():
        problems.add(
            "series without any value",
            [repr(name) for name in ids[empty]],
            "drop these columns",
        )
    rows = np.arange(matrix.shape[1])
    holes = ~observed & (rows >= first[:, None]) & (rows < stop[:, None]) & ~empty[:, None]
    if holes.any():
        where = [f"series {ids[i]!r} at {times[t]} (row {t})" for i, t in np.argwhere(holes)[:5]]
        problems.add(
            "missing values between observed ones",
            where,
            "fill them first, for instance with df.interpolate()",
            total=int(holes.sum()),
        )
    return first.astype(np.int64), stop.astype(np.int64)


def _frequency(freq: Any, times: pd.Index, offsets: IntArray) -> Frequency:
    if isinstance(freq, Frequency):
        return freq
    if freq is not None:
        return declared_frequency(freq, times)
    longest = int(np.argmax(np.diff(offsets)))
    return inferred_frequency(times[offsets[longest] : offsets[longest + 1]])


def _origin(freq: Any) -> str:
    """Where a frequency comes from, for messages."""
    if freq is None:
        return "found in the longest series"
    return "that of fit" if isinstance(freq, Frequency) else "declared"


def _sorting_order(codes: IntArray, times: pd.Index) -> IntArray | None:
    """A stable order by id and time; ``None`` if the rows are in it, which is the usual case."""
    ticks = times.asi8 if hasattr(times, "asi8") else times.to_numpy()
    step = np.diff(codes)
    if bool(((step > 0) | ((step == 0) & (ticks[1:] >= ticks[:-1]))).all()):
        return None
    return np.lexsort((ticks, codes))


def _take(values: Array | None, order: IntArray) -> Array | None:
    return None if values is None else values[order]


def _appearance(codes: IntArray, order: IntArray | None, count: int) -> IntArray:
    """The series in the order in which the input first names them."""
    if order is None:
        return np.arange(count)
    first_row = np.full(count, len(codes))
    np.minimum.at(first_row, codes, order)
    return np.argsort(first_row, kind="stable")


def _without_short(panel: Panel, min_rows: int, short: Short) -> Panel:
    lengths = panel.lengths
    too_short = lengths < min_rows
    if not too_short.any():
        return panel
    where = [
        f"{name!r} ({length})"
        for name, length in zip(panel.ids[too_short][:5], lengths[too_short][:5], strict=True)
    ]
    if short == "error" or too_short.all():
        problems = Problems()
        problems.add(
            f"series with fewer than {min_rows} rows",
            where,
            "drop them, or pass short='skip'",
            total=int(too_short.sum()),
        )
        problems.raise_any()
    return panel.select(~too_short)


def _forecast_dtype(dtype: Any) -> Any:
    """Floats stay what they are; whole numbers become floats of the same family."""
    if pd.api.types.is_float_dtype(dtype):
        return dtype
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        return pd.ArrowDtype(pa.float64())
    if pd.api.types.is_extension_array_dtype(dtype) and pd.api.types.is_integer_dtype(dtype):
        return pd.Float64Dtype()
    return np.dtype(np.float64)
