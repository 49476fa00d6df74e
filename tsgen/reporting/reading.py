"""The series of a frame, whatever its layout: their names, values, and rows of some of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tsgen._typing import FloatArray, IntArray
from tsgen.data import (
    AnyFrame,
    Columns,
    Frame,
    FrameSpec,
    History,
    LongLayout,
    Panel,
    WideLayout,
    calendar_parts,
    curves,
    opened,
    outputs_of,
    read_history,
)
from tsgen.forecasters import NeuralForecaster

__all__ = ["SeriesRead", "WhatWasRead", "evenly", "numbers", "read_series"]


@dataclass(frozen=True)
class WhatWasRead:
    """What there is of the series.

    Attributes
    ----------
    series, rows : int
        S, and how many rows they have together, holes among them.
    shortest, median, longest : int
        Rows of a series.
    first, last : Any
        The earliest and the latest time stamp.
    ended : int
        Series that end before the latest one.
    constant : int
        Series whose values are all the same.
    holes : Series of shape (S,)
        Values and rows that are missing inside of each series, by its label.
    covariates : tuple of str
    """

    series: int
    rows: int
    shortest: int
    median: int
    longest: int
    first: Any
    last: Any
    ended: int
    constant: int
    holes: pd.Series
    covariates: tuple[str, ...]


@dataclass(frozen=True)
class SeriesRead:
    """A frame of pandas, and its S series in the order of the input.

    Attributes
    ----------
    frame : Series or DataFrame
    history : History
        All rows; holes stay what they are.
    """

    frame: Frame
    history: History

    @property
    def panel(self) -> Panel:
        """The rows as they were read."""
        return self.history.panel

    @property
    def columns(self) -> Columns:
        """What the frame's columns are called."""
        return self.panel.columns

    @property
    def names(self) -> dict[str, Any]:
        """What the columns are called, as arguments."""
        columns = self.columns
        id_col = None if columns.one_series else columns.id
        return {"id_col": id_col, "time_col": columns.time, "target_col": list(columns.targets)}

    @property
    def named(self) -> bool:
        """Whether the frame says which series its rows are of."""
        return self.panel.layout.names_series

    @cached_property
    def positions(self) -> IntArray:
        """Where each series stands in the panel, (S,)."""
        return self.panel.in_order

    @cached_property
    def ids(self) -> pd.Index:
        """Of shape (S,); those of several targets stand side by side."""
        return pd.Index(self.panel.labels()[self.columns.id], dtype=object, tupleize_cols=False)

    @cached_property
    def targets(self) -> list[Any]:
        """The column of each series, (S,)."""
        names = self.columns.targets
        return [names[i % len(names)] for i in range(len(self.ids))]

    @cached_property
    def labels(self) -> list[str]:
        """What each series is called, (S,); those of several targets by id and target."""
        if not self.named:
            name = self.frame.name if isinstance(self.frame, pd.Series) else None
            return [str(name or target) for target in self.targets]
        several = len(self.columns.targets) > 1
        pairs = zip(self.ids, self.targets, strict=True)
        return [_label((name, target) if several else name) for name, target in pairs]

    def __len__(self) -> int:
        return len(self.ids)

    def values(self, i: int) -> FloatArray:
        """All values of a series, NaN in holes."""
        return self.panel.series(int(self.positions[i]))

    def codes(self, ids: Iterable[Hashable], target: Any) -> IntArray:
        """Which of the S series each id is, for one of the targets."""
        first = self.ids[:: len(self.columns.targets)]
        found = first.get_indexer(pd.Index(ids, dtype=object, tupleize_cols=False))
        count = len(self.columns.targets)
        return np.asarray(found) * count + self.columns.targets.index(target)

    def rows_of(self, series: Iterable[int]) -> Frame:
        """The frame with the ids of some series alone; all of it where they share a state."""
        layout, frame = self.panel.layout, self.frame
        if not self.named or len(self.panel.keys) < len(self.ids.unique()):
            return frame
        wanted = set(self.ids[list(series)])
        if isinstance(layout, WideLayout):
            assert isinstance(frame, pd.DataFrame)
            return frame.drop(columns=[name for name in layout.columns if name not in wanted])
        return frame[_ids_of(frame, layout, self.columns).isin(wanted)]

    def values_alone(self) -> Frame:
        """The frame without covariates."""
        if isinstance(self.frame, pd.Series):
            return self.frame
        return self.frame.drop(
            columns=[name for name in self.columns.covariates if name in self.frame.columns]
        )

    def outputs_of(self, forecast: Frame, frame: Frame) -> dict[str, dict[int, pd.Series]]:
        """A forecast of some rows of the frame: by output, of each series, on an axis to draw."""
        return {
            suffix: self.curves(output)
            for suffix, output in outputs_of(forecast, self.columns, frame).items()
        }

    def curves(self, frame: Frame) -> dict[int, pd.Series]:
        """The values of a frame in this layout by series, on an axis to draw."""
        if isinstance(frame, pd.DataFrame):
            there = [name for name in self.columns.covariates if name in frame.columns]
            frame = frame.drop(columns=there)
        found = curves(frame, self.columns)
        if not self.named:
            return dict(enumerate(found.values()))
        several = len(self.columns.targets) > 1
        pairs = [name if several else (name, self.columns.target) for name in found]
        codes = [int(self.codes([name], target)[0]) for name, target in pairs]
        return dict(zip(codes, found.values(), strict=True))

    def summary(self) -> WhatWasRead:
        """What there is of them."""
        panel, shown = self.panel, self.positions
        lengths = panel.lengths[shown]
        every = [self.values(i) for i in range(len(self))]
        ends = self._stamps(lengths - 1)
        return WhatWasRead(
            series=len(self),
            rows=int(lengths.sum()),
            shortest=int(lengths.min()),
            median=int(np.median(lengths)),
            longest=int(lengths.max()),
            first=self._stamps(np.zeros(len(self), dtype=np.int64)).min(),
            last=ends.max(),
            ended=int((ends < ends.max()).sum()),
            constant=sum(bool(np.nanmin(one) == np.nanmax(one)) for one in every),
            holes=pd.Series([int(np.isnan(one).sum()) for one in every], index=self.labels),
            covariates=tuple(map(str, self.columns.covariates)),
        )

    def _stamps(self, rows: IntArray) -> pd.Index:
        """When one row of each series was."""
        return self.history.stamps(self.positions // self.panel.channels, rows)


def read_series(model: NeuralForecaster, df: AnyFrame) -> SeriesRead:
    """Read a frame as a model's ``fit`` did; the errors are those of ``predict``."""
    seen = model.panel_
    native = opened(df)
    spec = FrameSpec.like(seen, calendar_parts(model.calendar))
    return SeriesRead(native.by(seen.columns), read_history(native, spec, freq=seen.frequency))


def evenly(series: int, most: int) -> list[int]:
    """Some of many, as far from each other as they can be."""
    return sorted(set(np.linspace(0, series - 1, min(series, most)).round().astype(int).tolist()))


def numbers(column: pd.Series) -> FloatArray:
    """A column of any dtype of numbers as float64, with NaN for what is missing."""
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _label(name: Any) -> str:
    return " · ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _ids_of(frame: Frame, layout: LongLayout, columns: Columns) -> pd.Index | pd.Series:
    """Of each row."""
    if layout.multiindex:
        return frame.index.get_level_values(0)
    assert isinstance(frame, pd.DataFrame)
    ids: pd.Series = frame[columns.id]
    return ids
