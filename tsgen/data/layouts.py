"""The layouts of frames: they turn a forecast back into what its panel was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray, Label
from tsgen.data.columns import Columns, check_names, output_name
from tsgen.data.dtypes import as_dtype, fitting
from tsgen.data.frequency import Frequency
from tsgen.data.native import Kind

__all__ = [
    "Frame",
    "Layout",
    "LongLayout",
    "Output",
    "Shown",
    "WideLayout",
    "as_stamps",
    "time_dtype_of",
]

Frame: TypeAlias = pd.DataFrame | pd.Series
Output: TypeAlias = FloatArray | BoolArray

DATE_OBJECTS = "date"
"""Stands for a dtype where time stamps are objects of `datetime.date`."""


class Shown(NamedTuple):
    """The series that a forecast is written for, in the order of the panel."""

    ids: pd.Index
    """One for each id of the input, whatever it has of targets."""
    ends: pd.Index
    """One for each series."""
    frequency: Frequency


@dataclass(frozen=True)
class LongLayout:
    """Rows of id, time and target, series in the order of the input."""

    columns: Columns
    id_dtype: Any
    time_dtype: Any
    target_dtype: Any
    order: tuple[Label, ...]
    appearance: IntArray
    multiindex: Literal["series", "frame"] | None
    level_names: tuple[Any, ...]
    other_dtypes: tuple[Any, ...] = ()
    kind: Kind = "pandas"

    @property
    def count(self) -> int:
        """How many ids there are."""
        return len(self.appearance)

    @property
    def shares_end(self) -> bool:
        """Whether the forecasts of all series start at one time stamp."""
        return False

    @property
    def ids_in_order(self) -> IntArray:
        """The positions of the ids in the order of the input."""
        return self.appearance

    @property
    def in_order(self) -> IntArray:
        """The positions of the returned series in the order of the input."""
        targets = len(self.columns.targets)
        return (self.appearance[:, None] * targets + np.arange(targets)).ravel()

    @property
    def names_series(self) -> bool:
        """Whether the input had ids."""
        return self.id_dtype is not None

    @property
    def target_dtypes(self) -> tuple[Any, ...]:
        """Of the values of each target in a long frame."""
        return (self.target_dtype, *self.other_dtypes)

    def select(self, kept: BoolArray) -> LongLayout:
        """The layout without the series that were skipped."""
        new_position = np.cumsum(kept) - 1
        remaining = self.appearance[kept[self.appearance]]
        return replace(self, appearance=new_position[remaining])

    def check_names(self, suffixes: Iterable[str]) -> None:
        """Refuse outputs whose columns would be called like another one."""
        columns = self.columns
        check_names("predict", columns.keys(ids=self.names_series) + columns.outputs(suffixes))

    def write(self, shown: Shown, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as rows."""
        targets = self.columns.targets
        order = self.in_order.reshape(-1, len(targets))
        stamps = shown.frequency.following(shown.ends[order[:, 0]], horizon)
        columns = {self.columns.time: as_stamps(stamps, self.time_dtype)}
        if self.id_dtype is not None:
            ids = shown.ids.take(np.repeat(self.appearance, horizon))
            columns[self.columns.id] = as_dtype(ids, self.id_dtype)
        for target, series, dtype in zip(targets, order.T, self.target_dtypes, strict=True):
            for suffix, values in outputs.items():
                known = values[series]
                kept = fitting(dtype, known)
                columns[output_name(target, suffix)] = as_dtype(pd.Index(known.ravel()), kept)
        others = [name for name in columns if name not in self.order]
        frame = pd.DataFrame({name: columns[name] for name in (*self.order, *others)})
        if self.multiindex is None:
            return frame
        frame = frame.set_index(list(self.level_names))
        if self.multiindex == "frame":
            return frame
        # A Series without a name has outputs that are named, as in a wide layout.
        return frame.iloc[:, 0] if len(outputs) == 1 else frame.rename(columns={None: "y"})


@dataclass(frozen=True)
class WideLayout:
    """A column per series, in the order of the input; a Series is one of them."""

    columns: pd.Index
    index_name: Any
    time_dtype: Any
    dtypes: tuple[Any, ...]
    is_series: bool
    series_name: Any
    has_freq: bool
    kind: Kind = "pandas"

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    @property
    def shares_end(self) -> bool:
        """Whether the forecasts of all series start at one time stamp."""
        return True

    @property
    def ids_in_order(self) -> IntArray:
        """The positions of the columns in the order of the input."""
        return self._position()

    @property
    def in_order(self) -> IntArray:
        """The positions of the returned series in the order of the input."""
        return self._position()

    @property
    def names_series(self) -> bool:
        """Whether the input had ids."""
        return not self.is_series

    @property
    def target_dtypes(self) -> tuple[Any, ...]:
        """Of the values of the one target that a long frame has of them: what all columns share."""
        return (self.dtypes[0] if len(set(self.dtypes)) == 1 else np.dtype(np.float64),)

    def select(self, kept: BoolArray) -> WideLayout:
        """The layout without the series that were skipped."""
        in_order = kept[self._position()]
        dtypes = tuple(d for d, keep in zip(self.dtypes, in_order, strict=True) if keep)
        return replace(self, columns=self.columns[in_order], dtypes=dtypes)

    def _position(self) -> IntArray:
        """Where each column of the input stands among the sorted ids."""
        return np.asarray(pd.factorize(self.columns, sort=True)[0])

    def check_names(self, suffixes: Iterable[str]) -> None:
        """Refuse outputs called alike; in pandas they are a second level, under any first one."""
        if self.kind != "pandas" and not self.is_series:
            outputs = [
                (output_name(name, suffix), f"an output of series {written(name)}")
                for suffix in suffixes
                for name in self.columns
            ]
            check_names("predict", [(self.index_name, "the time stamps"), *outputs])

    def write(self, shown: Shown, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as columns; several outputs are a second level."""
        index = shown.frequency.following(shown.ends[:1], horizon)
        stamps = as_stamps(index, self.time_dtype)
        index = pd.Index(stamps, dtype=stamps.dtype, name=self.index_name)
        if self.has_freq:
            index = _with_freq(index, shown.ends[0], shown.frequency.index_freq)
        position = self._position()
        frames = {
            suffix: self._frame(values[position], index) for suffix, values in outputs.items()
        }
        if self.is_series:
            return self._write_series(frames)
        if list(frames) == [""]:
            return frames[""]
        wide = pd.concat({f"y{suffix}": frame for suffix, frame in frames.items()}, axis=1)
        columns = wide.columns
        assert isinstance(columns, pd.MultiIndex)
        wide.columns = columns.reorder_levels([*range(1, columns.nlevels), 0])
        # Series by series, and the outputs of each beside one another.
        order = np.arange(wide.shape[1]).reshape(len(frames), -1).T.ravel()
        wide = wide.iloc[:, order]
        if self.kind != "pandas":  # where columns have no levels
            wide.columns = pd.Index([f"{name}{output[1:]}" for output, name in columns[order]])
        return wide

    def _frame(self, values: Output, index: pd.Index) -> pd.DataFrame:
        """Values in the dtypes of the input's columns."""
        frame = pd.DataFrame(values.T, index=index, columns=self.columns)
        kept = {
            dtype: fitting(dtype, values[[own == dtype for own in self.dtypes]])
            for dtype in set(self.dtypes)
        }
        if set(kept.values()) == {frame.dtypes.iloc[0]}:
            return frame
        if len(kept) == 1:
            return frame.astype(kept.popitem()[1])
        pairs = zip(self.columns, self.dtypes, strict=True)
        return frame.astype({name: kept[dtype] for name, dtype in pairs})

    def _write_series(self, frames: Mapping[str, pd.DataFrame]) -> Frame:
        columns = {suffix: frame.iloc[:, 0] for suffix, frame in frames.items()}
        if list(columns) == [""]:
            return columns[""].rename(self.series_name)
        stem = "y" if self.series_name is None else str(self.series_name)
        return pd.DataFrame({f"{stem}{suffix}": column for suffix, column in columns.items()})


Layout: TypeAlias = LongLayout | WideLayout


def _with_freq(index: pd.Index, end: Any, offset: Any) -> pd.Index:
    """The index with a ``freq``, unless pandas' own steps differ from it or don't exist.

    They don't where clocks change at midnight, and pandas 2 says so in errors of its time zones.
    The step from the end of the history counts: `pd.concat` takes it.
    """
    try:
        return pd.DatetimeIndex(index, freq=offset) if end + offset == index[0] else index
    except Exception:
        return index


def time_dtype_of(times: pd.Series | pd.Index) -> Any:
    """The dtype in which a forecast's stamps are to come back, for `as_stamps`."""
    is_dates = times.dtype == object and pd.api.types.infer_dtype(times, skipna=True) == "date"
    return DATE_OBJECTS if is_dates else times.dtype


def as_stamps(stamps: pd.Index, dtype: Any) -> pd.Series:
    """Stamps in the dtype of the input's; dates become stamps where they can't hold an hour."""
    column = pd.Series(stamps)
    is_dates = dtype == DATE_OBJECTS or str(dtype).startswith(("date32", "date64"))
    if is_dates and (column != column.dt.normalize()).any():
        return column
    return column.dt.date if dtype == DATE_OBJECTS else column.astype(dtype)
