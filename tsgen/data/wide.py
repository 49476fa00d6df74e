"""A column per series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.columns import Columns
from tsgen.data.covariate_rows import PanelRows, RowTable
from tsgen.data.dtypes import forecast_dtype
from tsgen.data.frequency import Frequency
from tsgen.data.history import History
from tsgen.data.layouts import WideLayout, time_dtype_of
from tsgen.data.missing import WholeRows, fill_values, whole_rows
from tsgen.data.panel import Panel
from tsgen.data.ragged import ranges
from tsgen.data.spec import (
    Cells,
    FrameSpec,
    frequency_of,
    origin_of,
    rows_of_table,
)
from tsgen.data.systems import channels_of, values_of
from tsgen.data.validation import (
    ExpectedSteps,
    Places,
    Problems,
    check_index_steps,
    check_times,
    check_values,
    listing,
)
from tsgen.errors import FrameError

__all__ = ["WideReader"]


@dataclass(frozen=True)
class WideReader:
    """A column per series; leading and trailing NaN make it shorter."""

    frame: pd.DataFrame
    columns: Columns
    series: pd.Series | None = None
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)

    def read(self, freq: Any, spec: FrameSpec) -> History:
        """All rows, or an error that lists all problems."""
        spec.check_covariates(self.covariates)
        problems = Problems(spec.fill_hint)
        layouts = f". Expected one of{self.columns.both_layouts()}"
        times = check_times(self.frame.index, "the index", problems, layouts)
        matrix = self._matrix(times, problems)
        rolled = self._rolled(spec, times, problems)
        if times is None:
            problems.raise_any()
        assert times is not None
        codes = np.zeros(len(times), dtype=np.int64)
        covariates = RowTable(self.covariates, codes, "wide", times).read(spec, problems)
        order = None if times.is_monotonic_increasing else np.argsort(times, kind="stable")
        stamps = times if order is None else times[order]
        frequency = frequency_of(freq, stamps, np.array([0, len(stamps)]))
        gaps = spec.fill is not None
        expected = ExpectedSteps(frequency, origin_of(freq, spec), gaps)
        check_index_steps(expected, stamps, order, problems)
        if gaps:
            problems.raise_any()
        whole = whole_rows(stamps, np.array([0, len(stamps)]), order, frequency, gaps=gaps)
        if order is not None or gaps:
            matrix, rolled = (rows_of_table(part, whole.source) for part in (matrix, rolled))
        position = np.argsort(pd.factorize(self.frame.columns, sort=True)[0], kind="stable")
        matrix, ids = matrix[position], self.frame.columns[position]
        table = np.concatenate([matrix, rolled]) if len(rolled) else matrix
        panel, first = self._systems(table, ids, whole, frequency, spec, problems)
        if covariates is not None:
            # What a frame tells of rows after the end of a column is known too.
            rows = ranges(first, len(whole.times) - first)
            at = PanelRows(
                source=whole.source[rows],
                offsets=panel.covariate_offsets,
                times=whole.times[rows],
                systems=panel.systems,
                first=np.zeros(len(first), dtype=np.int64),
                frequency=frequency,
            )
            panel = replace(panel, covariates=covariates.of_panel(at, problems))
        problems.raise_any()
        return History(panel, whole.times, first)

    def _systems(
        self,
        table: FloatArray,
        ids: pd.Index,
        whole: WholeRows,
        frequency: Frequency,
        spec: FrameSpec,
        problems: Problems,
    ) -> tuple[Panel, IntArray]:
        """The panel without covariates, and the first row of each of its systems.

        ``table`` has the columns of ``ids``, then those of rolled covariates.
        """
        rolled = len(table) - len(ids)
        channels = channels_of(len(ids), rolled, joint=spec.joint)
        if spec.names_channels:
            labels = [*ids, *spec.rolled] if spec.joint else None
            ids = _wide_channel_ids(ids, labels, self.columns.target, spec.rolled)
        if spec.joint and spec.seen is not None:
            _check_channels(ids, spec.seen.ids)
        observed = (~np.isnan(table))[channels]
        first, stop = _observed_span(observed, ids, whole.times, spec, problems)
        problems.raise_any()
        values, offsets = values_of(table, channels, first, stop - first)
        length = table.shape[1]
        panel = Panel(
            # What is missing after the last value of a channel is no hole.
            values=fill_values(values, offsets, spec.fill, ends=False),
            offsets=offsets,
            ids=ids,
            ends=whole.times[np.full(len(ids), length - 1)],
            behind=np.repeat(length - stop, channels.shape[1]),
            frequency=frequency,
            columns=self.columns,
            layout=self._layout(),
            channels=channels.shape[1],
            rolled=rolled,
            fill=spec.fill,
        )
        return panel, first

    def _layout(self) -> WideLayout:
        return WideLayout(
            columns=self.frame.columns,
            index_name=self.frame.index.name,
            time_dtype=time_dtype_of(self.frame.index),
            dtypes=_forecast_dtypes(self.frame),
            is_series=self.series is not None,
            series_name=None if self.series is None else self.series.name,
            has_freq=getattr(self.frame.index, "freq", None) is not None,
        )

    def _rolled(self, spec: FrameSpec, times: pd.Index | None, problems: Problems) -> FloatArray:
        """Past covariates that are channels, (columns, rows)."""
        columns = []
        for name in spec.rolled:
            column = self.covariates[name]
            values = check_values(column, written(name), Places(None, "wide", times), problems)
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
        numbers = self._plain_numbers()
        if numbers is not None and not np.isnan(numbers).any():  # which is quickly said
            return self
        filled = self.frame.notna().any().to_numpy()
        if not filled.any():
            raise FrameError(["the frame has no value, only NaN"])
        return self if filled.all() else replace(self, frame=self.frame.loc[:, filled])

    def _matrix(self, times: pd.Index | None, problems: Problems) -> FloatArray:
        whole = self._plain_numbers()
        if whole is not None:
            return whole
        columns = []
        for position, name in enumerate(self.frame.columns):
            label = written(name) if self.series is None else written(self.series.name or "y")
            column = self.frame.iloc[:, position]
            values = check_values(column, label, Places(None, "wide", times), problems)
            # A refused column has its problem already: zeros keep it from the check for holes.
            columns.append(np.zeros(len(self.frame)) if values is None else values)
        if not columns:
            raise FrameError(["the frame has no columns; a wide frame has a column per series"])
        return np.stack(columns)

    def _plain_numbers(self) -> FloatArray | None:
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

    def last_rows(self, rows: int) -> BoolArray:
        """Which rows are the last in time."""
        if len(self.frame) <= rows:
            raise FrameError([f"the frame has {len(self.frame)} rows, not more than {rows}"])
        problems = Problems()
        times = check_times(self.frame.index, "the index", problems)
        problems.raise_any()
        assert times is not None
        ranks = np.asarray(times.argsort()).argsort()
        return np.asarray(ranks >= len(ranks) - rows)


def _check_channels(ids: pd.Index, known: pd.Index) -> None:
    """The channels of a system are those of fit."""
    lacking = [written(name) for name in known[ids.get_indexer_for(known) < 0]]
    unknown = [written(name) for name in ids[known.get_indexer_for(ids) < 0]]
    if lacking or unknown:
        said = [
            *([f"lacks {listing(lacking)}"] if lacking else []),
            *([f"has {listing(unknown)} beside them"] if unknown else []),
        ]
        raise FrameError(
            [
                "the columns of a frame are the channels of one system, and this one "
                f"{' and '.join(said)}; give the columns of fit"
            ]
        )


def _observed_span(
    of_systems: BoolArray, ids: pd.Index, times: pd.Index, spec: FrameSpec, problems: Problems
) -> tuple[IntArray, IntArray]:
    """First observed row of each system and one past the last, ``(systems,)`` each.

    ``of_systems`` says where there are values, (systems, C, rows).
    Between the first value and the last of a channel, NaN is a problem unless holes are filled.
    """
    channels = of_systems.shape[1]
    observed = of_systems.reshape(-1, of_systems.shape[2])
    empty = nothing = np.asarray(~observed.any(axis=1))
    first: IntArray = observed.argmax(axis=1)
    stop: IntArray = observed.shape[1] - observed[:, ::-1].argmax(axis=1)
    if spec.goes_on and (spec.joint or spec.fill is not None):
        first[:] = 0
        empty = nothing & (not spec.joint)
    if empty.any():
        problems.add(
            "series without any value",
            [written(name) for name in ids[empty]],
            "drop these columns",
        )
    rows = np.arange(observed.shape[1])
    holes = ~observed & (rows >= first[:, None]) & (rows < stop[:, None]) & ~nothing[:, None]
    if holes.any() and spec.fill is None:
        where = [
            f"series {written(ids[i])} at {times[t]} (row {t})" for i, t in np.argwhere(holes)[:5]
        ]
        problems.add(
            "missing values between observed ones",
            where,
            f"fill them first, for instance with df.{problems.fill_hint.example}, or "
            f"{problems.fill_hint.argument}",
            total=int(holes.sum()),
        )
    begun, ended = first.reshape(-1, channels).min(axis=1), stop.reshape(-1, channels).max(axis=1)
    return begun.astype(np.int64), ended.astype(np.int64)


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


def _forecast_dtypes(frame: pd.DataFrame) -> tuple[Any, ...]:
    known = {dtype: forecast_dtype(dtype) for dtype in set(frame.dtypes)}
    return tuple(known[dtype] for dtype in frame.dtypes)
