"""What a frame becomes: a validated `Panel`, and the layout that turns a forecast back into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.covariates import Covariates
from tsgen.errors import SettingError
from tsgen.frequency import Frequency

__all__ = ["Columns", "Frame", "LongLayout", "Panel", "Shown", "WideLayout", "ranges"]

Frame: TypeAlias = pd.DataFrame | pd.Series
Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Output: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.bool_]

_BOTH_LAYOUTS = """
    long: a row per id and time, columns {id!r}, {time!r}, {target!r} (or id_col=, time_col=, …)
    wide: a DatetimeIndex, PeriodIndex or integer index, a column of numbers per series"""


@dataclass(frozen=True)
class Columns:
    """The names of a frame's columns.

    Attributes
    ----------
    id, time, target : str
        Of a long frame.
    others : tuple of str
        Further targets.
    future, past, static : tuple of str
        Covariates, by what is known of them.
    """

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"
    others: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({self.id, self.time, self.target}) < 3:
            raise SettingError(
                f"id_col={self.id!r}, time_col={self.time!r} and target_col={self.target!r}: the "
                "same column twice; name three different ones"
            )
        names = [self.id, self.time, *self.targets, *self.covariates]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise SettingError(
                f"column {twice[0]!r} has two roles; name it once among id, time, target and "
                "covariates"
            )

    @classmethod
    def of(
        cls,
        id_col: str,
        time_col: str,
        target_col: str | Iterable[str],
        future: str | Iterable[str] = (),
        past: str | Iterable[str] = (),
        static: str | Iterable[str] = (),
    ) -> Columns:
        """The columns that arguments name, of which some take a name or a list of them."""
        targets = _names("target_col", target_col)
        if not targets:
            raise SettingError("target_col=[]: expected a column, or a list of them")
        return cls(
            id_col,
            time_col,
            targets[0],
            targets[1:],
            _names("future_covariates", future),
            _names("past_covariates", past),
            _names("static_covariates", static),
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """All that is forecast of each id."""
        return (self.target, *self.others)

    @property
    def covariates(self) -> tuple[str, ...]:
        """All that is known beside it."""
        return (*self.future, *self.past, *self.static)

    def both_layouts(self) -> str:
        """The two layouts in two lines, with the names looked for."""
        return _BOTH_LAYOUTS.format(id=self.id, time=self.time, target=self.target)


def _names(argument: str, given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise SettingError(f"{argument}={given!r}: expected a column, or a list of them")
    return tuple(given)


class Shown(NamedTuple):
    """The series that a forecast is written for, in the order of the panel."""

    ids: pd.Index
    """One for each id of the input, whatever it has of targets."""
    ends: pd.Index
    """One for each series."""
    frequency: Frequency


@dataclass(frozen=True)
class Panel:
    """One or many series, validated and sorted by id and time.

    Every ``channels`` series, side by side and of the same length, make one system, whose state
    they share; most often each series is a system of its own.

    Attributes
    ----------
    values : ndarray of shape (rows,)
        float64, one series after the other; NaN in holes, where they are allowed.
    offsets : ndarray of shape (N + 1,)
        int64; series i holds rows ``offsets[i]`` to ``offsets[i + 1]``.
    ids : Index of shape (N,)
        Sorted; of id and channel where an id has several series.
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
    channels : int, default 1
        Series of a system.
    rolled : int, default 0
        How many of them, the last ones, are past covariates that are forecast along.
    fill : {"mask", "ffill", "interpolate"}, float or None
        What was done about holes.
    covariates : Covariates, optional
        Of the systems.
    """

    values: Array
    offsets: IntArray
    ids: pd.Index
    ends: pd.Index
    behind: IntArray
    frequency: Frequency
    columns: Columns
    layout: Layout = field(repr=False)
    channels: int = 1
    rolled: int = 0
    fill: str | float | None = None
    covariates: Covariates | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> IntArray:
        """Rows of each series, ``(N,)``."""
        return np.diff(self.offsets)

    @property
    def keys(self) -> pd.Index:
        """What tells each system from all others: the id of its first series."""
        return self.ids[:: self.channels]

    @property
    def systems(self) -> pd.Index:
        """The id of each system; where ids have several targets, of more than one."""
        ids = self.ids[:: self.channels]
        return ids.get_level_values(0) if self.names_channels else ids

    @property
    def names_channels(self) -> bool:
        """Whether the ids are of id and channel."""
        return bool(self.columns.others) or self.rolled > 0

    @property
    def shown(self) -> IntArray:
        """The positions of the series that are returned, that is all but those rolled along."""
        position = np.arange(len(self))
        return position[position % self.channels < self.channels - self.rolled]

    def series(self, position: int) -> Array:
        """The values of one series, a view."""
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def tail(self, rows: int) -> Panel:
        """The same panel with at most the last ``rows`` rows of each series, copied."""
        kept = np.minimum(self.lengths, rows)
        return self._cut(self.lengths - kept, kept)

    def without_tail(self, rows: int) -> Panel:
        """The same panel without the last ``rows`` rows of each series that has twice as many."""
        lengths = self.lengths
        return self._cut(
            np.zeros_like(lengths), np.where(lengths > 2 * rows, lengths - rows, lengths)
        )

    def _cut(self, first: IntArray, kept: IntArray) -> Panel:
        """Some consecutive rows of each series, given by the first of them and their number."""
        covariates = self.covariates
        if covariates is not None:
            every = slice(None, None, self.channels)
            rows = ranges(self._covariate_offsets[:-1] + first[every], (kept + self.behind)[every])
            covariates = replace(covariates, rows=covariates.rows[rows])
        return replace(
            self,
            values=self.values[ranges(self.offsets[:-1] + first, kept)],
            offsets=_offsets(kept),
            covariates=covariates,
        )

    @property
    def _covariate_offsets(self) -> IntArray:
        """Where the covariates of each system begin, and end."""
        return _offsets((self.lengths + self.behind)[:: self.channels])

    def take(self, systems: IntArray) -> Panel:
        """The rows of some systems, in the order of their positions; not to be written."""
        positions = self._series_of(systems)
        lengths = self.lengths[positions]
        covariates = self.covariates
        if covariates is not None:
            bounds = self._covariate_offsets
            rows = ranges(bounds[systems], np.diff(bounds)[systems])
            covariates = covariates.take(rows, systems)
        return replace(
            self,
            values=self.values[ranges(self.offsets[positions], lengths)],
            offsets=_offsets(lengths),
            ids=self.ids[positions],
            ends=self.ends[positions],
            behind=self.behind[positions],
            covariates=covariates,
        )

    def _series_of(self, systems: IntArray) -> IntArray:
        return (systems[:, None] * self.channels + np.arange(self.channels)).ravel()

    def extend(self, new: Panel, ends: pd.Index, behind: IntArray) -> Panel:
        """The same panel with the rows of another one after its own.

        Parameters
        ----------
        new : Panel
            Of some or all of these series.
        ends : Index of shape (N,)
        behind : ndarray of shape (N,)
        """
        positions = self.ids.get_indexer(new.ids)
        added = np.zeros(len(self), dtype=np.int64)
        added[positions] = new.lengths
        first = np.zeros(len(self), dtype=np.int64)
        first[positions] = len(self.values) + new.offsets[:-1]
        rows = _alternate((self.offsets[:-1], self.lengths), (first, added))
        return replace(
            self,
            values=np.concatenate([self.values, new.values])[rows],
            offsets=_offsets(self.lengths + added),
            ends=ends,
            behind=behind,
            covariates=self._extended_covariates(new, behind),
        )

    def _extended_covariates(self, new: Panel, behind: IntArray) -> Covariates | None:
        """Own rows, then those that came, then what is known beyond them."""
        if self.covariates is None or new.covariates is None:
            return self.covariates
        every = slice(None, None, self.channels)
        systems = self.ids.get_indexer(new.ids)[every] // self.channels
        own, bounds = self._covariate_offsets[:-1], new._covariate_offsets
        start, count = (np.zeros(len(own), dtype=np.int64) for _ in range(2))
        start[systems] = len(self.covariates.rows) + bounds[:-1]
        count[systems] = np.diff(bounds)
        lengths = self.lengths[every]
        total = lengths.copy()
        total[systems] += new.lengths[every]
        beyond = total + behind[every] - lengths - count
        rows = _alternate((own, lengths), (start, count), (own + lengths + count, beyond))
        table = np.concatenate([self.covariates.rows, new.covariates.rows])
        return replace(self.covariates, rows=table[rows])

    def select(self, kept: npt.NDArray[np.bool_]) -> Panel:
        """The same panel with some of its ids; ``kept`` is by series, ``(N,)``."""
        per_id = len(kept) // self.layout.count
        whole = np.asarray(kept.reshape(-1, per_id).all(axis=1))
        layout = self.layout.select(whole)
        systems = np.flatnonzero(np.repeat(whole, per_id)[:: self.channels])
        return replace(self.take(systems), layout=layout)

    def forecast_frame(self, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values after ``ends`` in the layout of the input.

        Parameters
        ----------
        horizon : int
            H, steps.
        outputs : mapping of str to ndarray of shape (N, H)
            By suffix of the column's name; ``""`` is the point forecast, and marks are bool.
        """
        shown = self.shown
        return self.layout.write(
            self._shown(), horizon, {name: values[shown] for name, values in outputs.items()}
        )

    def _shown(self) -> Shown:
        ids, ends = self.ids[self.shown], self.ends[self.shown]
        if self.names_channels:
            ids = ids.get_level_values(0)[:: len(self.columns.targets)]
        return Shown(ids, ends, self.frequency)

    @property
    def in_order(self) -> IntArray:
        """The positions of the series that are returned, in the order of the input."""
        return self.shown[self.layout.in_order]

    def labels(self) -> dict[str, Any]:
        """Columns that name the returned series, in the order of the input."""
        ids = self.ids[self.in_order]
        if not self.names_channels:
            return {self.columns.id: ids}
        named = {self.columns.id: ids.get_level_values(0)}
        if self.columns.others:
            named["channel"] = ids.get_level_values(1)
        return named

    def paths_frame(self, paths: Array) -> pd.DataFrame:
        """Sample paths after ``ends`` as a long frame, whatever the layout of the input.

        Parameters
        ----------
        paths : ndarray of shape (N, S, H)
        """
        targets = self.columns.targets
        shown = self._shown()
        # A column for each target; those of an id are side by side.
        order = self.in_order.reshape(-1, len(targets))
        samples, horizon = paths.shape[1:]
        count = len(order)
        stamps = pd.Series(self.frequency.following(self.ends[order[:, 0]], horizon))
        stamp = np.broadcast_to(
            np.arange(count * horizon).reshape(count, 1, horizon), (count, samples, horizon)
        ).ravel()
        frame = pd.DataFrame(
            {
                self.columns.time: pd.Series(stamps)
                .astype(self.layout.time_dtype)
                .take(stamp)
                .array,
                "sample_id": np.tile(np.repeat(np.arange(samples), horizon), count),
            }
        )
        for target, column in zip(targets, order.T, strict=True):
            dtype = self.layout.path_dtype
            frame[target] = _as_dtype(pd.Index(paths[column].ravel()), dtype)
        if self.layout.names_series:
            ids = shown.ids.take(np.repeat(self.layout.ids_in_order, samples * horizon))
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
    other_dtypes: tuple[Any, ...] = ()

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
    def path_dtype(self) -> Any:
        """Of the values of sample paths."""
        return self.target_dtype

    def select(self, kept: npt.NDArray[np.bool_]) -> LongLayout:
        """The layout without the series that were skipped."""
        new_position = np.cumsum(kept) - 1
        remaining = self.appearance[kept[self.appearance]]
        return replace(self, appearance=new_position[remaining])

    def write(self, shown: Shown, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as rows."""
        targets = self.columns.targets
        order = self.in_order.reshape(-1, len(targets))
        stamps = shown.frequency.following(shown.ends[order[:, 0]], horizon)
        columns = {self.columns.time: _as_dtype(stamps, self.time_dtype)}
        if self.id_dtype is not None:
            ids = shown.ids.take(np.repeat(self.appearance, horizon))
            columns[self.columns.id] = _as_dtype(ids, self.id_dtype)
        dtypes = (self.target_dtype, *self.other_dtypes)
        for target, series, dtype in zip(targets, order.T, dtypes, strict=True):
            for suffix, values in outputs.items():
                name = f"{target}{suffix}" if suffix else target
                kind = values.dtype if values.dtype == np.bool_ else dtype
                columns[name] = _as_dtype(pd.Index(values[series].ravel()), kind)
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

    def write(self, shown: Shown, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values of shape (N, H) by suffix, as columns; several outputs are a second level."""
        index = shown.frequency.following(shown.ends[:1], horizon).astype(self.time_dtype)
        index.name = self.index_name
        offset = shown.frequency.index_freq
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


def ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """The positions of several stretches of rows, one after the other."""
    offsets = _offsets(lengths)
    positions: IntArray = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return positions


def _offsets(lengths: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths)])


def _alternate(*stretches: tuple[IntArray, IntArray]) -> IntArray:
    """The positions of the first stretch of each kind, then of the second of each, and so on."""
    starts = np.stack([start for start, _ in stretches], axis=1)
    lengths = np.stack([length for _, length in stretches], axis=1)
    return ranges(starts.ravel(), lengths.ravel())
