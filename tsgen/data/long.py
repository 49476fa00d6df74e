"""A row per id and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.columns import Columns
from tsgen.data.covariate_rows import PanelRows, RowTable
from tsgen.data.dtypes import forecast_dtype
from tsgen.data.frequency import Frequency
from tsgen.data.history import History
from tsgen.data.layouts import LongLayout, time_dtype_of
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
    check_ids,
    check_steps,
    check_times,
    check_values,
    listing,
)
from tsgen.errors import FrameError

__all__ = ["LongReader"]


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

    def read(self, freq: Any, spec: FrameSpec) -> History:
        """All rows, or an error that lists all problems."""
        spec.check_covariates(self.covariates)
        problems = Problems(spec.fill_hint)
        times = check_times(self.times, written(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        names = self._series_names(ids)
        table = self._values(spec, Places(codes, names, times), problems)
        if times is None or codes is None:
            problems.raise_any()
        assert times is not None and codes is not None
        covariates = RowTable(self.covariates, codes, names, times).read(spec, problems)
        order = _sorting_order(codes, times)
        stamps, grouped = (times, codes) if order is None else (times[order], codes[order])
        offsets = np.searchsorted(grouped, np.arange(len(ids) + 1)).astype(np.int64)
        frequency = frequency_of(freq, stamps, offsets)
        gaps = spec.fill is not None
        expected = ExpectedSteps(frequency, origin_of(freq, spec), gaps)
        check_steps(expected, stamps, offsets, names, order, problems)
        problems.raise_any()
        whole = whole_rows(stamps, offsets, order, frequency, gaps=gaps)
        values = table if order is None and not gaps else rows_of_table(table, whole.source)
        layout = self._layout(codes, order, len(ids))
        panel, starts = self._systems(values, whole, ids, frequency, spec, layout)
        if covariates is not None:
            rows = ranges(starts, panel.lengths[:: panel.channels])
            first = np.repeat(offsets[:-1], len(starts) // len(ids))
            at = PanelRows(
                source=whole.source[rows],
                offsets=panel.covariate_offsets,
                times=whole.times[rows],
                systems=panel.systems,
                first=first if order is None else order[first],
                frequency=frequency,
            )
            panel = replace(panel, covariates=covariates.of_panel(at, problems))
        problems.raise_any()
        return History(panel, whole.times, starts)

    def _values(self, spec: FrameSpec, where: Places, problems: Problems) -> FloatArray:
        """Targets and rolled covariates, (columns, rows); rows as they stand in the frame."""
        missing: Literal["refused", "holes", "allowed"] = "refused"
        if spec.fill is not None:
            missing = "allowed" if spec.goes_on else "holes"
        pairs = [
            *zip(self.columns.targets, self.targets, strict=True),
            *((name, self.covariates[name]) for name in spec.rolled),
        ]
        columns = []
        for name, column in pairs:
            values = check_values(column, written(name), where, problems, missing=missing)
            columns.append(np.zeros(len(column)) if values is None else values)
        return columns[0][None] if len(columns) == 1 else np.stack(columns)

    def _systems(
        self,
        table: FloatArray,
        whole: WholeRows,
        ids: pd.Index,
        frequency: Frequency,
        spec: FrameSpec,
        layout: LongLayout,
    ) -> tuple[Panel, IntArray]:
        """The panel without covariates, and the first row of each of its systems."""
        targets = len(self.columns.targets)
        rolled = len(table) - targets
        groups = channels_of(targets, rolled, joint=spec.joint)
        starts = np.repeat(whole.offsets[:-1, None], len(groups), axis=1)
        if spec.fill is not None and not spec.goes_on:  # else nothing is missing, or a hole
            for position, group in enumerate(groups):
                starts[:, position] = _first_observed(table[group], whole.offsets)
        lengths = whole.offsets[1:, None] - starts
        # The systems of an id are side by side: each has the columns of its group.
        channels = np.tile(groups, (len(ids), 1))
        values, offsets = values_of(table, channels, starts.ravel(), lengths.ravel())
        last = np.repeat(whole.offsets[1:] - 1, groups.size)
        panel = Panel(
            values=fill_values(values, offsets, spec.fill),
            offsets=offsets,
            ids=_channel_ids(ids, [*self.columns.targets, *spec.rolled], groups)
            if spec.names_channels
            else ids,
            ends=whole.times[last],
            behind=np.zeros(len(last), dtype=np.int64),
            frequency=frequency,
            columns=self.columns,
            layout=layout,
            channels=groups.shape[1],
            rolled=rolled,
            fill=spec.fill,
        )
        return panel, starts.ravel()

    def _layout(self, codes: IntArray, order: IntArray | None, count: int) -> LongLayout:
        dtypes = [forecast_dtype(target.dtype) for target in self.targets]
        return LongLayout(
            columns=self.columns,
            id_dtype=None if self.ids is None else self.ids.dtype,
            time_dtype=time_dtype_of(self.times),
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
        times = check_times(self.times, written(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        where = Places(codes, self._series_names(ids), times)
        columns = [
            check_values(target, written(name), where, problems, missing="allowed")
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
        if not check_ids(self.ids, written(self.columns.id), problems):
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

    def last_rows(self, rows: int) -> BoolArray:
        """Which rows are the last of their series in time."""
        problems = Problems()
        times = check_times(self.times, written(self.columns.time), problems)
        codes, ids = self._factorize(problems)
        problems.raise_any()
        assert times is not None and codes is not None
        groups = pd.Series(np.asarray(times.argsort()).argsort()).groupby(codes)
        lengths = groups.size()
        if (lengths <= rows).any():
            few = lengths[lengths <= rows]
            names = ids.take(few.index.to_numpy())
            short = [f"{written(name)} ({size})" for name, size in zip(names, few, strict=True)]
            raise FrameError(
                [f"series with no more than the {rows} rows to hold out: {listing(short)}"]
            )
        return (groups.rank(method="first", ascending=False) <= rows).to_numpy()


def _first_observed(columns: FloatArray, offsets: IntArray) -> IntArray:
    """The first row of each id at which one of some columns is known, ``(ids,)``."""
    known = np.asarray(~np.isnan(columns).all(axis=0))
    if known.all():
        return offsets[:-1]
    rows = np.where(known, np.arange(len(known)), len(known))
    first: IntArray = np.minimum.reduceat(rows, offsets[:-1])
    return np.minimum(first, offsets[1:] - 1)


def _channel_ids(ids: pd.Index, names: list[str], groups: IntArray) -> pd.MultiIndex:
    """Series of id and channel; in each system's own order."""
    # A rolled covariate comes in each system of an id: its name says of which.
    labels = [
        name if len(groups) == 1 or position == 0 else f"{names[group[0]]}: {name}"
        for group in groups
        for position, name in enumerate(names[i] for i in group)
    ]
    channels = pd.Index(np.tile(np.array(labels, dtype=object), len(ids)))
    return pd.MultiIndex.from_arrays([ids.repeat(len(labels)), channels])


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
