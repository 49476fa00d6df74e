"""What a frame becomes: a validated `Panel`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.columns import Columns, check_names
from tsgen.data.covariates import Covariates
from tsgen.data.dtypes import as_dtype, fitting
from tsgen.data.frequency import Frequency
from tsgen.data.layouts import Frame, Layout, Output, Shown, as_stamps
from tsgen.data.maps import are_in_files, taken
from tsgen.data.missing import fill_values
from tsgen.data.native import Kind, like
from tsgen.data.ragged import interleaved, offsets_of, ranges, scattered

__all__ = ["Panel"]

F = TypeVar("F", bound=Frame)


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
    static_table : bool, default False
        Whether the static ones came from a table by id, beside the frame.
    """

    values: FloatArray
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
    static_table: bool = False

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

    def series(self, position: int) -> FloatArray:
        """The values of one series, a view."""
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    @property
    def in_files(self) -> bool:
        """Whether its rows may be more than memory holds."""
        return are_in_files(self.values)

    def tail(self, rows: int) -> Panel:
        """The same panel with at most the last ``rows`` rows of each series."""
        kept = np.minimum(self.lengths, rows)
        if np.array_equal(kept, self.lengths):
            return self
        return self.cut(self.lengths - kept, kept)

    def last(self, rows: IntArray) -> Panel:
        """The same panel with some of the last rows of each series, (N,)."""
        return self.cut(self.lengths - rows, rows)

    def filled(self) -> Panel:
        """The same panel with its holes filled by its own rule."""
        ends = not self.layout.shares_end
        covariates = self.covariates
        if covariates is not None:
            rows = covariates.rows.copy()
            for column, item in enumerate(covariates.of_rows):
                if item.categories is None:
                    rows[:, column] = fill_values(
                        rows[:, column], self.covariate_offsets, self.fill
                    )
            covariates = replace(covariates, rows=rows)
        values = fill_values(self.values, self.offsets, self.fill, ends=ends)
        return replace(self, values=values, covariates=covariates)

    def without_tail(self, rows: int) -> Panel:
        """The same panel without the last ``rows`` rows of each series that has twice as many."""
        lengths = self.lengths
        return self.cut(
            np.zeros_like(lengths), np.where(lengths > 2 * rows, lengths - rows, lengths)
        )

    def cut(self, first: IntArray, kept: IntArray, behind: IntArray | None = None) -> Panel:
        """Some consecutive rows of each series, copied.

        Parameters
        ----------
        first, kept : ndarray of shape (N,)
            The first of them, and their number.
        behind : ndarray of shape (N,), optional
            How many rows after them have covariates; by default as many as before.
        """
        behind = self.behind if behind is None else behind
        covariates = self.covariates
        if covariates is not None:
            every = slice(None, None, self.channels)
            starts = self.covariate_offsets[:-1] + first[every]
            rows = taken(covariates.rows, starts, (kept + behind)[every])
            covariates = replace(covariates, rows=rows)
        return replace(
            self,
            values=taken(self.values, self.offsets[:-1] + first, kept),
            offsets=offsets_of(kept),
            behind=behind,
            covariates=covariates,
        )

    @property
    def covariate_offsets(self) -> IntArray:
        """Where the covariates of each system begin, and end."""
        return offsets_of((self.lengths + self.behind)[:: self.channels])

    def take(self, systems: IntArray) -> Panel:
        """The rows of some systems, in the order of their positions; not to be written."""
        positions = self._series_of(systems)
        lengths = self.lengths[positions]
        covariates = self.covariates
        if covariates is not None:
            bounds = self.covariate_offsets
            rows = ranges(bounds[systems], np.diff(bounds)[systems])
            covariates = covariates.take(rows, systems)
        return replace(
            self,
            values=self.values[ranges(self.offsets[positions], lengths)],
            offsets=offsets_of(lengths),
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
        first, added = (
            scattered(part, positions, len(self)) for part in (new.offsets[:-1], new.lengths)
        )
        return replace(
            self,
            values=interleaved(
                (self.values, self.offsets[:-1], self.lengths), (new.values, first, added)
            ),
            offsets=offsets_of(self.lengths + added),
            ends=ends,
            behind=behind,
            covariates=self._extended_covariates(new, added, behind),
        )

    def _extended_covariates(
        self, new: Panel, added: IntArray, behind: IntArray
    ) -> Covariates | None:
        """Own rows, then those that came, then what is known beyond them."""
        if self.covariates is None or new.covariates is None:
            return self.covariates
        own, table = self.covariates.rows, new.covariates.rows
        bounds = new.covariate_offsets
        # From here on by system: its series are alike in all that is counted.
        lengths, added, before, after = (
            part[:: self.channels] for part in (self.lengths, added, self.behind, behind)
        )
        systems = self.keys.get_indexer(new.keys)
        first, came = (
            scattered(part, systems, len(lengths)) for part in (bounds[:-1], np.diff(bounds))
        )
        start = self.covariate_offsets[:-1]
        # Own rows beyond the end of the values stay known where no new ones stand in their place.
        kept = np.maximum(before - came, 0)
        # A column without new rows has those of its frame, which are the same for all columns.
        shared = added + after - came - kept
        rows = interleaved(
            (own, start, lengths),
            (table, first, came),
            (own, start + lengths + came, kept),
            (table, bounds[1] - shared, shared),
        )
        return replace(self.covariates, rows=rows)

    def select(self, kept: BoolArray) -> Panel:
        """The same panel with some of its ids; ``kept`` is by series, ``(N,)``."""
        per_id = len(kept) // self.layout.count
        whole = np.asarray(kept.reshape(-1, per_id).all(axis=1))
        layout = self.layout.select(whole)
        systems = np.flatnonzero(np.repeat(whole, per_id)[:: self.channels])
        return replace(self.take(systems), layout=layout)

    def of_kind(self, kind: Kind) -> Panel:
        """The same panel as one that was read of a frame of some library."""
        if kind == self.layout.kind:
            return self
        return replace(self, layout=replace(self.layout, kind=kind))

    def native(self, frame: F) -> F:
        """A frame as one of the library that the input is of."""
        return like(self.layout.kind, frame)

    def forecast_frame(self, horizon: int, outputs: Mapping[str, Output]) -> Frame:
        """Values after ``ends`` in the layout of the input, as a frame of its library.

        Parameters
        ----------
        horizon : int
            H, steps.
        outputs : mapping of str to ndarray of shape (N, H)
            By suffix of the column's name; ``""`` is the point forecast, and marks are bool.
        """
        shown = self.shown
        frame = self.layout.write(
            self._shown, horizon, {name: values[shown] for name, values in outputs.items()}
        )
        return self.native(frame)

    @cached_property
    def _shown(self) -> Shown:
        ids, ends = self.ids[self.shown], self.ends[self.shown]
        if self.names_channels:
            ids = ids.get_level_values(0)[:: len(self.columns.targets)]
        return Shown(ids, ends, self.frequency)

    def check_table(self, call: str, made: Iterable[str], suffixes: Iterable[str]) -> None:
        """Refuse a long frame in which a column that a call makes is called like another one.

        Parameters
        ----------
        call : str
            For the message.
        made : iterable of str
            Columns beside those of ids, time stamps and outputs.
        suffixes : iterable of str
            Of the outputs' columns; ``""`` is that of the target itself.
        """
        columns = self.columns
        own = [(name, f"a column that {call} makes") for name in made]
        keys = columns.keys(ids=self.layout.names_series)
        check_names(call, [*keys, *own, *columns.outputs(suffixes)])

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

    def paths_frame(self, paths: FloatArray) -> pd.DataFrame:
        """Sample paths after ``ends`` as a long frame of pandas, whatever the input is.

        Parameters
        ----------
        paths : ndarray of shape (N, S, H)
        """
        targets = self.columns.targets
        shown = self._shown
        # A column for each target; those of an id are side by side.
        order = self.in_order.reshape(-1, len(targets))
        samples, horizon = paths.shape[1:]
        count = len(order)
        stamps = self.frequency.following(self.ends[order[:, 0]], horizon)
        stamp = np.broadcast_to(
            np.arange(count * horizon).reshape(count, 1, horizon), (count, samples, horizon)
        ).ravel()
        frame = pd.DataFrame(
            {
                self.columns.time: as_stamps(stamps, self.layout.time_dtype)
                .take(stamp)
                .reset_index(drop=True),
                "sample_id": np.tile(np.repeat(np.arange(samples), horizon), count),
            }
        )
        dtypes = self.layout.target_dtypes
        for target, column, dtype in zip(targets, order.T, dtypes, strict=True):
            drawn = paths[column]
            frame[target] = as_dtype(pd.Index(drawn.ravel()), fitting(dtype, drawn))
        if self.layout.names_series:
            ids = shown.ids.take(np.repeat(self.layout.ids_in_order, samples * horizon))
            frame.insert(0, self.columns.id, ids)
        return frame
