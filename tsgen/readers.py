"""The layouts that are read: rows of ids and times, or a column per series.

A reader knows one layout. All problems of a frame are found in one vectorised pass and raised as
one `FrameError`; the caller's frame is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.checks import (
    FILL_HINT,
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
from tsgen.gaps import WholeRows, add_missing_rows, fill_values
from tsgen.panel import Columns, Frame, LongLayout, Panel, WideLayout, ranges
from tsgen.reading import Reading, RowTable

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
    channels : ndarray of shape (cells,)
        The name of the column, or of the target in a wide frame.
    times : Index of shape (cells,)
    values : ndarray of shape (cells,)
    """

    ids: pd.Index | None
    channels: npt.NDArray[np.object_]
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
    if columns.time in df.columns and any(name in df.columns for name in columns.targets):
        if columns.id not in df.columns and columns.id != Columns.id:
            raise FrameError(
                [f"no id column {columns.id!r}; the columns are {_names(df)}; pass id_col="]
            )
        ids = df[columns.id] if columns.id in df.columns else None
        named = {columns.id, columns.time, *columns.targets}
        return LongReader(
            ids,
            df[columns.time],
            _targets(df, columns),
            columns,
            order=tuple(name for name in df.columns if name in named),
            covariates=_covariates(df, columns),
        )
    if columns.time in df.columns and columns.id in df.columns:
        _targets(df, columns)
    if _is_time_index(df.drop(columns=list(columns.covariates), errors="ignore"), columns):
        return _wide_reader(df, columns)
    raise FrameError(
        [
            f"neither a long nor a wide frame: the columns are {_names(df)}, the index is a "
            f"{type(df.index).__name__} of {df.index.dtype}; expected one of"
            f"{columns.both_layouts()}"
        ]
    )


def _wide_reader(df: pd.DataFrame, columns: Columns) -> WideReader:
    if columns.others:
        raise FrameError(
            [
                f"target_col= names columns of a long frame, and this one is wide (its columns are "
                f"{_names(df)}): leave it out; with multivariate=True all columns are one system"
            ]
        )
    covariates = _covariates(df, columns)
    return WideReader(df.drop(columns=covariates.columns), columns, covariates=covariates)


def _names(df: pd.DataFrame) -> str:
    return listing([repr(name) for name in df.columns], most=20)


def _targets(df: pd.DataFrame, columns: Columns) -> tuple[pd.Series, ...]:
    for name in columns.targets:
        if name not in df.columns:
            raise FrameError(
                [f"no target column {name!r}; the columns are {_names(df)}; pass target_col="]
            )
    return tuple(df[name] for name in columns.targets)


def _covariates(df: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Those columns of covariates that there are."""
    return df[[name for name in columns.covariates if name in df.columns]]


def _check_covariates(there: pd.DataFrame, needed: list[str]) -> None:
    lacking = [repr(name) for name in needed if name not in there.columns]
    if lacking:
        raise FrameError(
            [
                f"no column for the covariates {listing(lacking)}; add them to the frame, or leave "
                "them out of future_covariates=, past_covariates= and static_covariates="
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
    covariates = pd.DataFrame(index=index)
    targets: tuple[pd.Series, ...] = ()
    if isinstance(df, pd.Series):
        name: Any = df.name
        targets, columns = (df,), replace(columns, target=name)
    else:
        targets, covariates = _targets(df, columns), _covariates(df, columns)
    columns = replace(columns, id=id_name, time=time_name)
    return LongReader(
        pd.Series(index.get_level_values(id_name)),
        pd.Series(index.get_level_values(time_name)),
        targets,
        columns,
        order=(id_name, time_name, *columns.targets),
        covariates=covariates,
        multiindex="series" if isinstance(df, pd.Series) else "frame",
        level_names=tuple(names),
    )


@dataclass(frozen=True)
class LongReader:
    """A row per id and time; without an id column, one series."""

    ids: pd.Series | None
    times: pd.Series
    targets: tuple[pd.Series, ...]
    columns: Columns
    order: tuple[str, ...]
    """The columns of ids, times and targets as they stand in the frame, those that there are."""
    multiindex: Literal["series", "frame"] | None = None
    level_names: tuple[Any, ...] = ()
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)

    def read(self, freq: Any, reading: Reading) -> Panel:
        """The panel, or an error that lists all problems."""
        _check_covariates(self.covariates, _needed(reading))
        problems = Problems()
        times = check_times(self.times, repr(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        table = self._values(reading, codes, ids, times, problems)
        if times is None or codes is None:
            problems.raise_any()
        assert times is not None and codes is not None
        names = self._series_names(ids)
        order = _sorting_order(codes, times)
        stamps, grouped = (times, codes) if order is None else (times[order], codes[order])
        offsets = np.searchsorted(grouped, np.arange(len(ids) + 1)).astype(np.int64)
        frequency = _frequency(freq, stamps, offsets)
        gaps = reading.fill is not None
        check_steps(frequency, stamps, offsets, names, order, problems, _origin(freq), gaps=gaps)
        problems.raise_any()
        if gaps:
            whole = add_missing_rows(stamps, offsets, frequency)
            source = whole.source if order is None else np.where(
                whole.source >= 0, order[whole.source], -1
            )  # fmt: skip
            whole = WholeRows(source, whole.times, whole.offsets)
        else:
            whole = WholeRows(np.arange(len(stamps)) if order is None else order, stamps, offsets)
        values = table if order is None and not gaps else _rows_of_table(table, whole.source)
        panel, rows = self._systems(values, whole, ids, frequency, reading)
        rows_table = RowTable(self.covariates, codes, names, times)
        first_rows = np.repeat(offsets[:-1], len(panel) // panel.channels // len(ids))
        panel = replace(
            panel,
            layout=self._layout(codes, order, len(ids)),
            covariates=rows_table.covariates(
                reading, whole.source[rows], _offsets_of(panel), whole.times[rows], frequency,
                panel.systems, first_rows if order is None else order[first_rows], problems,
            ),
        )  # fmt: skip
        problems.raise_any()
        return panel

    def _values(
        self,
        reading: Reading,
        codes: IntArray | None,
        ids: pd.Index,
        times: pd.Index | None,
        problems: Problems,
    ) -> Array:
        """Targets and rolled covariates, (columns, rows); rows as they stand in the frame."""
        names = self._series_names(ids)
        missing: Literal["refused", "holes"] = "refused" if reading.fill is None else "holes"
        pairs = [
            *zip(self.columns.targets, self.targets, strict=True),
            *((name, self.covariates[name]) for name in reading.rolled),
        ]
        columns = []
        for name, column in pairs:
            values = check_values(column, repr(name), codes, names, times, problems,
                                  missing=missing)  # fmt: skip
            columns.append(np.zeros(len(column)) if values is None else values)
        return columns[0][None] if len(columns) == 1 else np.stack(columns)

    def _systems(
        self,
        table: Array,
        whole: WholeRows,
        ids: pd.Index,
        frequency: Frequency,
        reading: Reading,
    ) -> tuple[Panel, IntArray]:
        """The panel without covariates, and the row of each row of its systems."""
        targets = range(len(self.columns.targets))
        rolled = tuple(range(len(targets), len(table)))
        groups = [(*targets, *rolled)] if reading.joint else [(i, *rolled) for i in targets]
        channels = len(groups[0])
        count, length = len(ids), table.shape[1]
        starts = np.empty((count, len(groups)), dtype=np.int64)
        for position, group in enumerate(groups):
            starts[:, position] = _first_observed(table[list(group)], whole.offsets)
        lengths = whole.offsets[1:, None] - starts
        columns = np.array(groups)[None] * length + starts[:, :, None]
        per_series = np.repeat(lengths.ravel(), channels)
        if len(table) == 1 and np.array_equal(starts.ravel(), whole.offsets[:-1]):
            values = table[0]
        else:
            values = table.ravel()[ranges(columns.ravel(), per_series)]
        offsets = np.concatenate([[0], np.cumsum(per_series)]).astype(np.int64)
        last = np.repeat(whole.offsets[1:] - 1, len(groups) * channels)
        panel = Panel(
            values=fill_values(values, offsets, reading.fill),
            offsets=offsets,
            ids=_channel_ids(ids, [*self.columns.targets, *reading.rolled], groups)
            if reading.names_channels
            else ids,
            ends=whole.times[last],
            behind=np.zeros(len(last), dtype=np.int64),
            frequency=frequency,
            columns=self.columns,
            layout=None,  # type: ignore[arg-type]
            channels=channels,
            rolled=len(rolled),
            fill=reading.fill,
        )
        return panel, ranges(starts.ravel(), lengths.ravel())

    def _layout(self, codes: IntArray, order: IntArray | None, count: int) -> LongLayout:
        dtypes = [_forecast_dtype(target.dtype) for target in self.targets]
        return LongLayout(
            columns=self.columns,
            id_dtype=None if self.ids is None else self.ids.dtype,
            time_dtype=self.times.dtype,
            target_dtype=dtypes[0],
            order=self.order,
            appearance=_appearance(codes if order is None else codes[order], order, count),
            multiindex=self.multiindex,
            level_names=self.level_names,
            other_dtypes=tuple(dtypes[1:]),
        )

    def _series_names(self, ids: pd.Index) -> pd.Index | str:
        return "one series" if self.ids is None else ids

    def cells(self) -> Cells:
        """Every row as it stands."""
        problems = Problems()
        times = check_times(self.times, repr(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        names = self._series_names(ids)
        columns = [
            check_values(target, repr(name), codes, names, times, problems, missing="allowed")
            for name, target in zip(self.columns.targets, self.targets, strict=True)
        ]
        problems.raise_any()
        assert times is not None
        count, rows = len(columns), len(times)
        return Cells(
            None if self.ids is None else pd.Index(self.ids).take(np.tile(np.arange(rows), count)),
            np.repeat(np.array(self.columns.targets, dtype=object), rows),
            times[np.tile(np.arange(rows), count)],
            np.concatenate([values for values in columns if values is not None]),
        )

    def without_empty(self) -> LongReader:
        """The same: a missing value is a problem of a long frame."""
        return self

    def _factorize(self, problems: Problems) -> tuple[IntArray | None, pd.Index]:
        if self.ids is None:
            return np.zeros(len(self.times), dtype=np.int64), pd.Index([self.columns.target])
        if not check_ids(self.ids, repr(self.columns.id), problems):
            return None, pd.Index([])
        codes, ids = pd.factorize(self.ids, sort=True)
        return codes.astype(np.int64, copy=False), pd.Index(ids)

    def curves(self) -> Iterator[tuple[Any, pd.Series]]:
        """Each series by its id, in the order of the frame."""
        for name, target in zip(self.columns.targets, self.targets, strict=True):
            values = pd.Series(
                target.to_numpy(dtype=np.float64, na_value=np.nan), index=pd.Index(self.times)
            )
            if self.ids is None:
                yield name, values
                continue
            for series, curve in values.groupby(self.ids.to_numpy(), sort=False):
                yield (series, name) if self.columns.others else series, curve

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
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)

    def read(self, freq: Any, reading: Reading) -> Panel:
        """The panel, or an error that lists all problems."""
        _check_covariates(self.covariates, _needed(reading))
        problems = Problems()
        layouts = f". Expected one of{self.columns.both_layouts()}"
        times = check_times(self.frame.index, "the index", problems, layouts)
        matrix = self._matrix(times, problems)
        rolled = self._rolled(reading, times, problems)
        if times is None:
            problems.raise_any()
        assert times is not None
        order = None if times.is_monotonic_increasing else np.argsort(times, kind="stable")
        stamps = times if order is None else times[order]
        frequency = _frequency(freq, stamps, np.array([0, len(stamps)]))
        gaps = reading.fill is not None
        check_index_steps(frequency, stamps, order, problems, _origin(freq), gaps=gaps)
        whole = WholeRows(
            np.arange(len(stamps)) if order is None else order, stamps, np.array([0, len(stamps)])
        )
        if gaps:
            problems.raise_any()
            added = add_missing_rows(stamps, whole.offsets, frequency)
            source = np.where(added.source >= 0, whole.source[added.source], -1)
            whole = WholeRows(source, added.times, added.offsets)
        if order is not None or gaps:
            matrix, rolled = (_rows_of_table(part, whole.source) for part in (matrix, rolled))
        position = np.argsort(pd.factorize(self.frame.columns, sort=True)[0], kind="stable")
        matrix, ids = matrix[position], self.frame.columns[position]
        panel, rows = _wide_systems(
            matrix, rolled, ids, whole, frequency, self.columns, reading, problems
        )
        names = "wide"
        table = RowTable(self.covariates, np.zeros(len(times), dtype=np.int64), names, times)
        count = len(panel) // panel.channels
        panel = replace(
            panel,
            layout=WideLayout(
                columns=self.frame.columns,
                index_name=self.frame.index.name,
                time_dtype=self.frame.index.dtype,
                dtypes=_forecast_dtypes(self.frame),
                is_series=self.series is not None,
                series_name=None if self.series is None else self.series.name,
                has_freq=getattr(self.frame.index, "freq", None) is not None,
            ),
            covariates=table.covariates(
                reading, whole.source[rows], panel._covariate_offsets, whole.times[rows],
                frequency, panel.systems, np.zeros(count, dtype=np.int64), problems,
            ),
        )  # fmt: skip
        problems.raise_any()
        return panel

    def _rolled(self, reading: Reading, times: pd.Index | None, problems: Problems) -> Array:
        """Past covariates that are channels, (columns, rows)."""
        columns = []
        for name in reading.rolled:
            column = self.covariates[name]
            values = check_values(column, repr(name), None, "wide", times, problems)
            columns.append(np.zeros(len(column)) if values is None else values)
        return np.stack(columns) if columns else np.empty((0, len(self.frame)))

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
        channels = np.full(len(cells), self.columns.target, dtype=object)
        return Cells(ids, channels, times[cells], matrix.ravel())

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


def _wide_systems(
    matrix: Array,
    rolled: Array,
    ids: pd.Index,
    whole: WholeRows,
    frequency: Frequency,
    columns: Columns,
    reading: Reading,
    problems: Problems,
) -> tuple[Panel, IntArray]:
    """The panel without covariates, and the row of each row of its systems, those behind too."""
    if reading.joint:
        systems = np.concatenate([matrix, rolled])[None]
    else:
        shared = np.broadcast_to(rolled, (len(matrix), *rolled.shape))
        systems = np.concatenate([matrix[:, None], shared], axis=1)
    count, channels, length = systems.shape
    if reading.names_channels:
        labels = [*ids, *reading.rolled] if reading.joint else None
        ids = _wide_channel_ids(ids, labels, columns.target, reading.rolled)
    first, stop = _observed_span(systems, ids, whole.times, reading, problems)
    problems.raise_any()
    lengths = np.repeat(stop - first, channels)
    starts = np.arange(count * channels) * length + np.repeat(first, channels)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = systems.ravel()[ranges(starts, lengths)]
    filled = _fill_inside(values, offsets, reading)
    panel = Panel(
        values=filled,
        offsets=offsets,
        ids=ids,
        ends=whole.times[np.full(len(ids), length - 1)],
        behind=np.repeat(length - stop, channels),
        frequency=frequency,
        columns=columns,
        layout=None,  # type: ignore[arg-type]
        channels=channels,
        rolled=len(rolled),
        fill=reading.fill,
    )
    return panel, ranges(first, length - first)


def _fill_inside(values: Array, offsets: IntArray, reading: Reading) -> Array:
    """Holes filled, but not what is missing after the last value of a channel."""
    filled = fill_values(values, offsets, reading.fill)
    if filled is values:
        return values
    rows = np.arange(len(values))
    last = np.maximum.reduceat(np.where(np.isnan(values), -1, rows), offsets[:-1])
    return np.where(rows > np.repeat(last, np.diff(offsets)), np.nan, filled)


def _observed_span(
    systems: Array, ids: pd.Index, times: pd.Index, reading: Reading, problems: Problems
) -> tuple[IntArray, IntArray]:
    """First observed row of each system and one past the last, ``(N,)`` each.

    Between the first value and the last of a channel, NaN is a problem unless holes are filled.
    """
    channels = systems.shape[1]
    observed = ~np.isnan(systems).reshape(-1, systems.shape[2])
    empty = np.asarray(~observed.any(axis=1))
    first: IntArray = observed.argmax(axis=1)
    stop = observed.shape[1] - observed[:, ::-1].argmax(axis=1)
    if empty.any():
        problems.add(
            "series without any value",
            [repr(name) for name in ids[empty]],
            "drop these columns",
        )
    rows = np.arange(observed.shape[1])
    holes = ~observed & (rows >= first[:, None]) & (rows < stop[:, None]) & ~empty[:, None]
    if holes.any() and reading.fill is None:
        where = [f"series {ids[i]!r} at {times[t]} (row {t})" for i, t in np.argwhere(holes)[:5]]
        problems.add(
            "missing values between observed ones",
            where,
            f"fill them first, for instance with df.interpolate(), or {FILL_HINT}",
            total=int(holes.sum()),
        )
    of_system = first.reshape(-1, channels).min(axis=1), stop.reshape(-1, channels).max(axis=1)
    return of_system[0].astype(np.int64), of_system[1].astype(np.int64)


def _channel_ids(ids: pd.Index, names: list[str], groups: list[tuple[int, ...]]) -> pd.MultiIndex:
    """Series of id and channel; in each system's own order."""
    # A rolled covariate comes in each system of an id: its name says of which.
    labels = [
        name if len(groups) == 1 or position == 0 else f"{names[group[0]]}: {name}"
        for group in groups
        for position, name in enumerate(names[i] for i in group)
    ]
    channels = pd.Index(np.tile(np.array(labels, dtype=object), len(ids)))
    return pd.MultiIndex.from_arrays([ids.repeat(len(labels)), channels])


def _wide_channel_ids(
    ids: pd.Index, labels: list[Any] | None, target: str, rolled: tuple[str, ...]
) -> pd.MultiIndex:
    """The same of a wide frame, whose columns are ids."""
    if labels is not None:  # one system, of which each column is a channel
        kinds = [target] * len(ids) + list(rolled)
        return pd.MultiIndex.from_arrays([pd.Index(labels, dtype=object), pd.Index(kinds)])
    kinds = [target, *rolled]
    channels = pd.Index(np.tile(np.array(kinds, dtype=object), len(ids)))
    return pd.MultiIndex.from_arrays([ids.repeat(len(kinds)), channels])


def _needed(reading: Reading) -> list[str]:
    """The columns of covariates that a frame must have."""
    static = () if reading.static is not None or not reading.learns else reading.columns.static
    return [*reading.columns.future, *reading.columns.past, *static]


def _first_observed(columns: Array, offsets: IntArray) -> IntArray:
    """The first row of each id at which one of some columns is known, ``(ids,)``."""
    known = np.asarray(~np.isnan(columns).all(axis=0))
    if known.all():
        return offsets[:-1]
    rows = np.where(known, np.arange(len(known)), len(known))
    first: IntArray = np.minimum.reduceat(rows, offsets[:-1])
    return np.minimum(first, offsets[1:] - 1)


def _rows_of_table(table: Array, source: IntArray) -> Array:
    """Columns (columns, rows) in another order of rows; NaN for those that are added."""
    return np.where(source >= 0, table[:, source], np.nan)


def _offsets_of(panel: Panel) -> IntArray:
    return np.concatenate([[0], np.cumsum(panel.lengths[:: panel.channels])])


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
