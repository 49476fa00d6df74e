"""What a frame becomes: a validated `Panel`, and the layout that turns a forecast back into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.errors import SettingError
from tsgen.frequency import Frequency

__all__ = ["Columns", "Frame", "LongLayout", "Panel", "WideLayout"]

Frame: TypeAlias = pd.DataFrame | pd.Series
Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Output: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.bool_]

_BOTH_LAYOUTS = """
    long: a row per id and time, columns {id!r}, {time!r}, {target!r} (or id_col=, time_col=, …)
    wide: a DatetimeIndex, PeriodIndex or integer index, a column of numbers per series"""


@dataclass(frozen=True)
class Columns:
    """The names of a long frame's columns."""

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"

    def __post_init__(self) -> None:
        if len({self.id, self.time, self.target}) < 3:
            raise SettingError(
                f"id_col={self.id!r}, time_col={self.time!r} and target_col={self.target!r}: the "
                "same column twice; name three different ones"
            )

    def both_layouts(self) -> str:
        """The two layouts in two lines, with the names looked for."""
        return _BOTH_LAYOUTS.format(id=self.id, time=self.time, target=self.target)


@dataclass(frozen=True)
class Panel:
    """One or many series, validated and sorted by id and time.

    Attributes
    ----------
    values : ndarray of shape (rows,)
        float64, one series after the other.
    offsets : ndarray of shape (N + 1,)
        int64; series i holds rows ``offsets[i]`` to ``offsets[i + 1]``.
    ids : Index of shape (N,)
        Sorted.
    ends : Index of shape (N,)
        The stamp after which each forecast starts: the last of the series, in a wide frame the
        last of the frame.
    behind : ndarray of shape (N,)
        int64; how many steps a series' own last row lies before its ``ends``: above 0 only in a
        wide frame with trailing NaN.
    frequency : Frequency
    columns : Columns
        What the frame's columns were called.
    layout : Layout
        Turns a forecast back into what the panel was read from.
    """

    values: Array
    offsets: IntArray
    ids: pd.Index
    ends: pd.Index
    behind: IntArray
    frequency: Frequency
    columns: Columns
    layout: Layout = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> IntArray:
        """Rows of each series, ``(N,)``."""
        return np.diff(self.offsets)

    def series(self, position: int) -> Array:
        """The values of one series, a view."""
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def tail(self, rows: int) -> Panel:
        """The same panel with at most the last ``rows`` rows of each series, copied."""
        kept = np.minimum(self.lengths, rows)
        offsets = np.concatenate([[0], np.cumsum(kept)])
        positions = np.arange(offsets[-1]) + np.repeat(self.offsets[1:] - offsets[1:], kept)
        return replace(self, values=self.values[positions], offsets=offsets)

    def without_tail(self, rows: int) -> Panel:
        """The same panel without the last ``rows`` rows of each series that has twice as many."""
        lengths = self.lengths
        kept = np.where(lengths > 2 * rows, lengths - rows, lengths)
        offsets = np.concatenate([[0], np.cumsum(kept)])
        positions = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1] - offsets[:-1], kept)
        return replace(self, values=self.values[positions], offsets=offsets)

    def take(self, positions: IntArray) -> Panel:
        """The rows of some series, in the order of their positions; not to be written."""
        lengths = self.lengths[positions]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[positions] - offsets[:-1], lengths)
        return replace(
            self,
            values=self.values[rows],
            offsets=offsets,
            ids=self.ids[positions],
            ends=self.ends[positions],
            behind=self.behind[positions],
        )

    def extend(self, new: Panel, ends: pd.Index, behind: IntArray) -> Panel:
        """The same panel with the rows of another one after its own.

        Parameters
        ----------
        new : Panel
            Of some or all of these series.
        ends : Index of shape (N,)
        behind : ndarray of shape (N,)
        """
        added = np.zeros(len(self), dtype=np.int64)
        added[self.ids.get_indexer(new.ids)] = new.lengths
        offsets = np.concatenate([[0], np.cumsum(self.lengths + added)])
        values = np.empty(offsets[-1])
        before = np.repeat(offsets[:-1] - self.offsets[:-1], self.lengths)
        values[np.arange(len(self.values)) + before] = self.values
        own = np.ones(len(values), dtype=np.bool_)
        own[np.arange(len(self.values)) + before] = False
        values[own] = new.values  # both panels have their series in the order of the ids
        return replace(self, values=values, offsets=offsets, ends=ends, behind=behind)

    def select(self, kept: npt.NDArray[np.bool_]) -> Panel:
        """The same panel with some of its series, ``(N,)``."""
        lengths = self.lengths
        return replace(
            self,
            values=self.values[np.repeat(kept, lengths)],
            offsets=np.concatenate([[0], np.cumsum(lengths[kept])]),
            ids=self.ids[kept],
            ends=self.ends[kept],
            behind=self.behind[kept],
            layout=self.layout.select(kept),
        )

    def forecast_frame(self, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values after ``ends`` in the layout of the input.

        Parameters
        ----------
        horizon : int
            H, steps.
        outputs : mapping of str to ndarray of shape (N, H)
            By suffix of the column's name; ``""`` is the point forecast, and marks are bool.
        """
        return self.layout.write(self, horizon, outputs)

    def paths_frame(self, paths: Array) -> pd.DataFrame:
        """Sample paths after ``ends`` as a long frame, whatever the layout of the input.

        Parameters
        ----------
        paths : ndarray of shape (N, S, H)
        """
        order = self.layout.in_order
        series, samples, horizon = paths.shape
        stamps = pd.Series(self.frequency.following(self.ends[order], horizon))
        stamp = np.broadcast_to(
            np.arange(series * horizon).reshape(series, 1, horizon), paths.shape
        ).ravel()
        frame = pd.DataFrame(
            {
                self.columns.time: pd.Series(stamps)
                .astype(self.layout.time_dtype)
                .take(stamp)
                .array,
                "sample_id": np.tile(np.repeat(np.arange(samples), horizon), series),
                self.columns.target: _as_dtype(
                    pd.Index(paths[order].ravel()), self.layout.path_dtype
                ),
            }
        )
        if self.layout.names_series:
            ids = self.ids.take(np.repeat(order, samples * horizon))
            frame.insert(0, self.columns.id, ids)
        return frame


@dataclass(frozen=True)
class LongLayout:
    """Rows of id, time and target, series in the order of the input."""

    columns: Columns
    id_dtype: Any
    time_dtype: Any
    target_dtype: Any
    order: tuple[str, ...]
    appearance: IntArray
    multiindex: Literal["series", "frame"] | None
    level_names: tuple[Any, ...]

    @property
    def shares_end(self) -> bool:
        """Whether the forecasts of all series start at one time stamp."""
        return False

    @property
    def in_order(self) -> IntArray:
        """The series' positions in the order of the input."""
        return self.appearance

    @property
    def names_series(self) -> bool:
        """Whether the input had ids."""
        return self.id_dtype is not None

    @property
    def path_dtype(self) -> Any:
        """Of the values of sample paths."""
        return self.target_dtype

    def select(self, kept: npt.NDArray[np.bool_]) -> LongLayout:
        """The layout without the series that were skipped."""
        new_position = np.cumsum(kept) - 1
        remaining = self.appearance[kept[self.appearance]]
        return replace(self, appearance=new_position[remaining])

    def write(self, panel: Panel, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as rows."""
        order = self.appearance
        stamps = panel.frequency.following(panel.ends[order], horizon)
        columns = {self.columns.time: _as_dtype(stamps, self.time_dtype)}
        if self.id_dtype is not None:
            ids = panel.ids.take(np.repeat(order, horizon))
            columns[self.columns.id] = _as_dtype(ids, self.id_dtype)
        for suffix, values in outputs.items():
            name = f"{self.columns.target}{suffix}" if suffix else self.columns.target
            dtype = values.dtype if values.dtype == np.bool_ else self.target_dtype
            columns[name] = _as_dtype(pd.Index(values[order].ravel()), dtype)
        others = [name for name in columns if name not in self.order]
        frame = pd.DataFrame({name: columns[name] for name in (*self.order, *others)})
        if self.multiindex is None:
            return frame
        frame = frame.set_index(list(self.level_names))
        return frame.iloc[:, 0] if self.multiindex == "series" and len(outputs) == 1 else frame


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

    @property
    def shares_end(self) -> bool:
        """Whether the forecasts of all series start at one time stamp."""
        return True

    @property
    def in_order(self) -> IntArray:
        """The series' positions in the order of the input."""
        return self._position()

    @property
    def names_series(self) -> bool:
        """Whether the input had ids."""
        return not self.is_series

    @property
    def path_dtype(self) -> Any:
        """Of the values of sample paths: what all columns share."""
        return self.dtypes[0] if len(set(self.dtypes)) == 1 else np.dtype(np.float64)

    def select(self, kept: npt.NDArray[np.bool_]) -> WideLayout:
        """The layout without the series that were skipped."""
        in_order = kept[self._position()]
        dtypes = tuple(d for d, keep in zip(self.dtypes, in_order, strict=True) if keep)
        return replace(self, columns=self.columns[in_order], dtypes=dtypes)

    def _position(self) -> IntArray:
        """Where each column of the input stands among the sorted ids."""
        return np.asarray(pd.factorize(self.columns, sort=True)[0])

    def write(self, panel: Panel, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as columns; several outputs are a second level."""
        index = panel.frequency.following(panel.ends[:1], horizon).astype(self.time_dtype)
        index.name = self.index_name
        offset = panel.frequency.index_freq
        if self.has_freq and offset is not None:
            index = pd.DatetimeIndex(index, freq=offset)
        position = self._position()
        frames = {
            suffix: self._cast(pd.DataFrame(values[position].T, index=index, columns=self.columns))
            for suffix, values in outputs.items()
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
        return wide.iloc[:, order]

    def _cast(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Values in the dtypes of the input's columns; marks stay what they are."""
        if (frame.dtypes == bool).all() or tuple(frame.dtypes) == self.dtypes:
            return frame
        if len(set(self.dtypes)) == 1:
            return frame.astype(self.dtypes[0])
        return frame.astype(dict(zip(self.columns, self.dtypes, strict=True)))

    def _write_series(self, frames: Mapping[str, pd.DataFrame]) -> Frame:
        columns = {suffix: frame.iloc[:, 0] for suffix, frame in frames.items()}
        if list(columns) == [""]:
            return columns[""].rename(self.series_name)
        stem = "y" if self.series_name is None else str(self.series_name)
        return pd.DataFrame({f"{stem}{suffix}": column for suffix, column in columns.items()})


Layout: TypeAlias = LongLayout | WideLayout


def _as_dtype(index: pd.Index, dtype: Any) -> Any:
    """The values of an index in a dtype, as a column that a frame takes as it is."""
    if index.dtype == dtype != object:
        return index.array
    return pd.Series(index).astype(dtype)
