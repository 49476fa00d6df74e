"""The layouts that are read: rows of ids and times, or a column per series.

A reader knows one layout. All problems of a frame are found in one vectorised pass and raised as
one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.checks import (
    Problems,
    check_ids,
    check_index_steps,
    check_steps,
    check_times,
    check_values,
    listing,
)
from tsgen.errors import FrameError
from tsgen.frequency import Frequency, declared_frequency, inferred_frequency
from tsgen.panel import Columns, Frame, LongLayout, Panel, WideLayout

__all__ = ["Cells", "LongReader", "WideReader", "reader_of"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """Values at time stamps, wherever they stand; NaN where one is missing.

    Attributes
    ----------
    ids : Index of shape (cells,), or None
        ``None`` where the frame names no series.
    times : Index of shape (cells,)
    values : ndarray of shape (cells,)
    """

    ids: pd.Index | None
    times: pd.Index
    values: Array


def reader_of(df: Frame, columns: Columns) -> LongReader | WideReader:
    """Tell the layouts apart by names first, by the kind of the index second."""
    if isinstance(df.index, pd.MultiIndex):
        return _multiindex_reader(df, columns)
    if isinstance(df, pd.Series):
        return WideReader(pd.DataFrame({"y": df}), columns, series=df)
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
        return LongReader(ids, df[columns.time], df[columns.target], columns, order)
    if columns.time in found and columns.id in found:
        there = listing([repr(name) for name in df.columns], most=20)
        raise FrameError(
            [f"no target column {columns.target!r}; the columns are {there}; pass target_col="]
        )
    if _is_time_index(df, columns):
        return WideReader(df, columns)
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


def _multiindex_reader(df: Frame, columns: Columns) -> LongReader:
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
    return LongReader(
        pd.Series(index.get_level_values(id_name)),
        pd.Series(index.get_level_values(time_name)),
        target,
        replace(columns, id=id_name, time=time_name),
        order=(id_name, time_name, columns.target),
        multiindex="series" if isinstance(df, pd.Series) else "frame",
        level_names=tuple(names),
    )


@dataclass(frozen=True)
class LongReader:
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
        """The panel, or an error that lists all problems."""
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

    def cells(self) -> Cells:
        """Every row as it stands."""
        problems = Problems()
        times = check_times(self.times, repr(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        names = "one series" if self.ids is None else ids
        label = repr(self.columns.target)
        values = check_values(self.target, label, codes, names, times, problems, allow_missing=True)
        problems.raise_any()
        assert times is not None and values is not None
        return Cells(None if self.ids is None else pd.Index(self.ids), times, values)

    def without_empty(self) -> LongReader:
        """The same: a missing value is a problem of a long frame."""
        return self

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
class WideReader:
    """A column per series; leading and trailing NaN make it shorter."""

    frame: pd.DataFrame
    columns: Columns
    series: pd.Series | None = None

    def read(self, freq: Any) -> Panel:
        """The panel, or an error that lists all problems."""
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
                dtypes=_forecast_dtypes(self.frame),
                is_series=self.series is not None,
                series_name=None if self.series is None else self.series.name,
                has_freq=getattr(self.frame.index, "freq", None) is not None,
            ),
        )

    def cells(self) -> Cells:
        """Every cell, column by column."""
        problems = Problems()
        layouts = f". Expected one of{self.columns.both_layouts()}"
        times = check_times(self.frame.index, "the index", problems, layouts)
        matrix = self._matrix(times, problems)
        problems.raise_any()
        assert times is not None
        ids = self.frame.columns.repeat(len(times)) if self.series is None else None
        cells = np.tile(np.arange(len(times)), len(matrix))
        return Cells(ids, times[cells], matrix.ravel())

    def without_empty(self) -> WideReader:
        """Without the columns that hold nothing but NaN."""
        filled = self.frame.notna().any().to_numpy()
        if not filled.any():
            raise FrameError(["the frame has no value, only NaN"])
        return self if filled.all() else replace(self, frame=self.frame.loc[:, filled])

    def _matrix(self, times: pd.Index | None, problems: Problems) -> Array:
        whole = self._plain_numbers()
        if whole is not None:
            return whole
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

    def _plain_numbers(self) -> Array | None:
        """All columns at once if they are numpy's numbers and finite, which needs no message."""
        if not all(isinstance(d, np.dtype) and d.kind in "iuf" for d in set(self.frame.dtypes)):
            return None
        values = np.ascontiguousarray(self.frame.to_numpy(dtype=np.float64).T)
        if not values.size or np.isinf(values).any():
            return None
        return values.copy() if np.may_share_memory(values, self.frame.to_numpy()) else values

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
        if not freq.suits(times):
            raise FrameError(
                [
                    f"the time stamps are {times.dtype}, which doesn't suit the frequency "
                    f"{freq.name!r} of fit; convert them to the same kind"
                ]
            )
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
    if bool(((step == 0) <= (ticks[1:] >= ticks[:-1])).all()):
        if bool((step >= 0).all()):
            return None
        starts = np.concatenate([[0], np.flatnonzero(step) + 1])
        if len(np.unique(codes[starts])) == len(starts):  # each series in one piece
            return _order_of_pieces(starts, codes)
    return np.lexsort((ticks, codes))


def _order_of_pieces(starts: IntArray, codes: IntArray) -> IntArray:
    """The rows, piece by piece in the order of the pieces' codes: no row need be compared."""
    pieces = np.argsort(codes[starts])
    lengths = np.diff(starts, append=len(codes))[pieces]
    ends = np.cumsum(lengths)
    shift: IntArray = np.repeat(starts[pieces] - (ends - lengths), lengths)
    return np.arange(len(codes)) + shift


def _take(values: Array | None, order: IntArray) -> Array | None:
    return None if values is None else values[order]


def _appearance(codes: IntArray, order: IntArray | None, count: int) -> IntArray:
    """The series in the order in which the input first names them."""
    if order is None:
        return np.arange(count)
    first_row = np.full(count, len(codes))
    np.minimum.at(first_row, codes, order)
    return np.argsort(first_row, kind="stable")


def _forecast_dtypes(frame: pd.DataFrame) -> tuple[Any, ...]:
    known = {dtype: _forecast_dtype(dtype) for dtype in set(frame.dtypes)}
    return tuple(known[dtype] for dtype in frame.dtypes)


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
