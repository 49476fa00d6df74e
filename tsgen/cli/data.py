"""A file to the frame that a model reads, with each column as its role asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tsgen.cli.columns import check_there, find_columns, with_one_time_column
from tsgen.cli.dates import Clock
from tsgen.cli.options import FileSpec, Roles
from tsgen.cli.tables import name_of, read_table
from tsgen.cli.times import known_zone, read_times
from tsgen.cli.values import Kind, as_covariate, as_ids, as_numbers, kind_of
from tsgen.cli.wording import CommandError
from tsgen.data import Columns, IntegerFrequency, Panel

__all__ = ["Data", "Known", "read_first", "read_further"]


@dataclass(frozen=True)
class Known:
    """What is known of a file from what was read before it, or from a model."""

    columns: Columns
    ids: pd.Index | None = None
    zone: Any = None
    kinds: dict[str, Kind] = field(default_factory=dict)
    counts: bool = False
    """Whether the time is whole numbers, whatever dates they look like."""
    time_parts: tuple[str, ...] = ()
    """The columns that were the time together, which need not be so in another file."""

    @classmethod
    def from_model(cls, model: Any) -> Known:
        """Of the rows that a model was fitted to."""
        panel = model.panel_
        schema = () if panel.covariates is None else panel.covariates.schema
        return cls.from_panel(
            panel,
            {
                item.name: "numbers" if item.categories is None else kind_of(item.categories)
                for item in schema
            },
        )

    @classmethod
    def from_panel(cls, panel: Panel, kinds: dict[str, Kind]) -> Known:
        """Of the rows of a panel, and what its columns are made of besides numbers to forecast."""
        ids = panel.ids.get_level_values(0) if isinstance(panel.ids, pd.MultiIndex) else panel.ids
        named = panel.layout.names_series
        return cls(
            panel.columns,
            ids if named else None,
            getattr(panel.ends, "tz", None),
            kinds,
            counts=isinstance(panel.frequency, IntegerFrequency),
        )


@dataclass(frozen=True)
class Data:
    """A file as it was read."""

    frame: pd.DataFrame
    columns: Columns
    notes: dict[str, str]
    """Lines for the summary: what was taken for what."""
    time_parts: tuple[str, ...] = ()
    """The columns of the file that are the time together."""

    @property
    def known(self) -> Known:
        """What a file that belongs to this one has to agree with."""
        times: Any = self.frame.get(self.columns.time, self.frame.index)
        ids = self.frame.get(self.columns.id)
        return Known(
            self.columns,
            ids=None if ids is None else pd.Index(ids.dropna().unique()),
            zone=getattr(times.dtype, "tz", None),
            counts=pd.api.types.is_integer_dtype(times.dtype),
            time_parts=self.time_parts,
            kinds={
                name: kind_of(self.frame[name].dropna())
                for name in self.columns.covariates
                if name in self.frame
            },
        )


def read_first(
    file: Path, spec: FileSpec, roles: Roles, freq: str | None, *, symbols: bool = False
) -> Data:
    """Read a history; columns that aren't named are the usual ones, or found.

    Where it is one of symbols, their column is text as it stands there.
    """
    table, spec = read_table(file, spec)
    table = _unindexed(table, roles.time_col, roles.target_col or Columns.target)
    if symbols and (roles.target_col or isinstance(table.index, pd.RangeIndex)):  # else it is wide
        check_there(table, [roles.target_col or Columns.target])
    table, columns, notes = find_columns(table, roles, name_of(file), spec.date_format)
    counts = freq is not None and freq.isdecimal()
    kinds: dict[str, Kind] = {columns.target: "text"} if symbols else {}
    frame, note = _typed(table, file, spec, Known(columns, kinds=kinds, counts=counts))
    if note:
        notes = {**notes, "time": f"{columns.time}, {note}"}
    return Data(frame, columns, notes, tuple(roles.time_col or ()))


def read_further(
    file: Path, spec: FileSpec, known: Known, time_col: list[str] | None = None
) -> pd.DataFrame:
    """Read a file whose columns are those of what was read before."""
    columns = known.columns
    table, spec = read_table(file, spec)
    table = _unindexed(table, [columns.time], columns.target)
    if time_col is None and set(known.time_parts) <= set(table.columns):
        time_col = list(known.time_parts)
    if time_col is None and isinstance(table.index, pd.RangeIndex):  # else the time is the index
        time_col = [columns.time]
    table, _ = with_one_time_column(table, time_col, columns.time)
    return _typed(table, file, spec, known)[0]


def _typed(
    table: pd.DataFrame, file: Path, spec: FileSpec, known: Known
) -> tuple[pd.DataFrame, str]:
    """The columns that have a role, as what it asks for; and what has to be said of their time."""
    columns, frame, note = known.columns, table.copy(), ""
    label = {name: f"{name!r} of {name_of(file)}" for name in frame.columns}
    if columns.id in frame:
        frame[columns.id] = as_ids(frame[columns.id], label[columns.id], known.ids)
    for name in (*columns.targets, *columns.covariates):
        if name not in frame:
            continue
        if name in columns.covariates or name in known.kinds:  # or else numbers to forecast
            kind = known.kinds.get(name)
            frame[name] = as_covariate(frame[name], label[name], spec, kind)
        else:
            frame[name] = as_numbers(frame[name], label[name], spec)
    clock = Clock(
        label.get(columns.time, f"{frame.index.name or 'index'!r} of {name_of(file)}"),
        spec.date_format,
        known_zone(spec.time_zone),
        known.zone,
        known.counts,
    )
    if columns.time in frame:
        times, note = read_times(frame[columns.time], clock, frame.get(columns.id))
        frame[columns.time] = _in_zone(times, clock)
    elif isinstance(frame.index, pd.DatetimeIndex):
        times, note = read_times(pd.Series(frame.index), clock)
        frame.index = pd.Index(_in_zone(times, clock), name=frame.index.name)
    return frame, note


def _in_zone(times: pd.Series, clock: Clock) -> pd.Series:
    """In the zone of what was read before."""
    if clock.target is None or not pd.api.types.is_datetime64_any_dtype(times.dtype):
        return times
    if times.dt.tz is None:
        raise CommandError(
            f"column {clock.label} has time stamps without offsets from UTC, and the series are in "
            f"the zone {clock.target}; --time-zone names the zone in which they are local"
        )
    return pd.Series(times.dt.tz_convert(clock.target))


def _unindexed(table: pd.DataFrame, time_col: list[str] | None, target: str) -> pd.DataFrame:
    """The index of a Parquet file as columns, where a long frame has columns in it.

    Row numbers left of a table that was sorted or filtered are none: in a wide table, all columns
    are numbers.
    """
    numbered = table.index.name is None and pd.api.types.is_integer_dtype(table.index.dtype)
    if numbered and not all(map(pd.api.types.is_numeric_dtype, table.dtypes)):
        return table.reset_index(drop=True)
    wanted = {Columns.id, Columns.time, *(time_col or ())}
    return table.reset_index() if target in table and wanted & set(table.index.names) else table
