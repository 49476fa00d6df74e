"""The covariates of a frame's rows and series, and those of the calendar, as those of a panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.calendar import calendar_columns
from tsgen.data.covariates import ColumnSource, Covariate, Covariates, read_column
from tsgen.data.frequency import Frequency
from tsgen.data.missing import fill_values
from tsgen.data.spec import FrameSpec
from tsgen.data.validation import Names, Places, Problems, listing
from tsgen.errors import FrameError, SettingError

__all__ = ["PanelRows", "RowTable", "calendar_rows"]


class PanelRows(NamedTuple):
    """How the rows of a panel lie in the frame that it is read from."""

    source: IntArray
    """Of shape (rows,): which row of the frame each is, -1 where it was missing."""
    offsets: IntArray
    """Of shape (N + 1,): of the systems."""
    times: pd.Index
    systems: pd.Index
    """Of shape (N,): their ids."""
    first: IntArray
    """Of shape (N,): a row of the frame for each."""
    frequency: Frequency


@dataclass(frozen=True)
class RowTable:
    """The columns of covariates as they stand in a frame; those that should be there are.

    Attributes
    ----------
    frame : DataFrame
    codes : ndarray of shape (rows,)
        The series of each row.
    names : Index or str
        Of the series, for messages.
    times : Index of shape (rows,)
    """

    frame: pd.DataFrame
    codes: IntArray
    names: Names
    times: pd.Index

    def read(self, spec: FrameSpec, problems: Problems) -> CovariateColumns | None:
        """Read all columns, and add to the problems what can't be used."""
        if not spec.has_covariates:
            return None
        by_row = [self._column(known, spec, problems) for known in spec.by_row]
        static = [self._static(known, spec, problems) for known in spec.by_series]
        return CovariateColumns(spec, by_row, static)

    def _column(
        self, known: Covariate, spec: FrameSpec, problems: Problems
    ) -> tuple[Covariate, FloatArray]:
        source = ColumnSource(self.codes, self.names, self.times)
        item, values = read_column(
            self.frame[known.name], known, source, problems, learn=spec.learns
        )
        missing = np.isnan(values)
        if missing.any() and spec.fill is None:
            problems.add(
                f"covariate {written(known.name)} has missing values (NaN)",
                Places(self.codes, self.names, self.times).describe(missing),
                f"fill them first, or {problems.fill_hint.argument}",
                total=int(missing.sum()),
            )
        return item, values

    def _static(self, known: Covariate, spec: FrameSpec, problems: Problems) -> StaticColumn:
        """A column of the frame, of a table by id, or what `fit` has read of its series."""
        if spec.static is not None:
            return StaticColumn.read(
                spec.static[known.name], known, spec.static.index, spec, problems
            )
        seen, there = spec.seen, known.name in self.frame.columns
        if there and (seen is None or not seen.static_table):
            self._check_constant(known, problems)
            return StaticColumn.read(self.frame[known.name], known, None, spec, problems)
        # A table of fit goes before columns of that name, which aren't what fit has read.
        of_new = None
        if there:
            of_new = StaticColumn.read(self.frame[known.name], known, None, spec, problems)
        assert seen is not None and seen.covariates is not None
        column = [item.name for item in seen.covariates.of_series].index(known.name)
        firsts = np.flatnonzero(~seen.systems.duplicated())
        learned = seen.covariates.static[firsts, column]
        return StaticColumn(known, learned, seen.systems[firsts], remembered=True, of_new=of_new)

    def _check_constant(self, known: Covariate, problems: Problems) -> None:
        names = self.names if isinstance(self.names, pd.Index) else pd.Index(["the series"])
        missing = np.unique(self.codes[self.frame[known.name].isna()])
        if len(missing):
            problems.add(
                f"static covariate {written(known.name)} has missing values (NaN)",
                [written(names[i]) for i in missing],
                "give every series a value",
            )
            return
        kinds = pd.Series(pd.factorize(self.frame[known.name])[0]).groupby(self.codes).nunique()
        several = kinds.index[kinds.to_numpy() > 1].to_numpy()
        if len(several):
            problems.add(
                f"static covariate {written(known.name)} changes within series",
                [written(names[i]) for i in several],
                "name it in future_covariates or past_covariates",
            )


@dataclass(frozen=True)
class StaticColumn:
    """A static covariate, by rows of the frame or by id.

    Attributes
    ----------
    item : Covariate
    values : ndarray of shape (entries,)
        NaN where one is missing, of categories too.
    ids : Index of shape (entries,), optional
        ``None`` where the entries are the rows of the frame.
    remembered : bool, default False
        Whether this is what `fit` has read.
    of_new : StaticColumn, optional
        What the frame says of series that `fit` hasn't seen.
    """

    item: Covariate
    values: FloatArray
    ids: pd.Index | None
    remembered: bool = False
    of_new: StaticColumn | None = None

    @classmethod
    def read(
        cls,
        column: pd.Series,
        known: Covariate,
        ids: pd.Index | None,
        spec: FrameSpec,
        problems: Problems,
    ) -> StaticColumn:
        """Read one."""
        source = ColumnSource(of=" of the static covariates")
        item, values = read_column(column, known, source, problems, learn=spec.learns)
        return cls(item, np.where(column.isna(), np.nan, values), ids)

    def of_systems(self, at: PanelRows, problems: Problems) -> FloatArray:
        """Its value for each system, (N,)."""
        positions = at.first if self.ids is None else self._positions(at.systems, problems)
        others = np.zeros(len(positions))
        if self.of_new is not None and (positions < 0).any():
            others = self.of_new.of_systems(at, problems)
        values = np.where(positions < 0, others, self.values[positions])
        lacking = np.isnan(values)
        if lacking.any() and self.ids is not None:  # those of the frame are named already
            problems.add(
                f"static covariate {written(self.item.name)} has missing values (NaN)",
                [written(name) for name in at.systems[lacking]],
                "give every series a value",
            )
        return values

    def _positions(self, systems: pd.Index, problems: Problems) -> IntArray:
        assert self.ids is not None
        if self.ids.has_duplicates:
            twice = [written(name) for name in self.ids[self.ids.duplicated()].unique()]
            raise FrameError(
                [f"static_covariates= has ids twice: {listing(twice)}; keep one row of each"]
            )
        positions: IntArray = self.ids.get_indexer(systems)
        lacking = [written(name) for name in systems[positions < 0]]
        if self.of_new is not None:
            return positions
        if lacking and self.remembered:
            problems.add(
                "series that fit hasn't seen, without their static covariate "
                f"{written(self.item.name)}",
                lacking,
                "add this column to a long frame",
            )
        elif lacking:
            hint = "" if self.ids.name is not None else (
                "; it is by the ids in its index: set_index(...) makes one of a column"
            )  # fmt: skip
            problems.add("static_covariates= lacks series", lacking, f"add a row for each{hint}")
        return positions


@dataclass(frozen=True)
class CovariateColumns:
    """All that a frame says of covariates, before its rows are put in the order of a panel."""

    spec: FrameSpec
    by_row: list[tuple[Covariate, FloatArray]]
    static: list[StaticColumn]

    def of_panel(self, at: PanelRows, problems: Problems) -> Covariates | None:
        """The covariates of a panel, and those of its calendar."""
        schema, columns = [], []
        for item, values in self.by_row:
            schema.append(item)
            if item.categories is not None:
                columns.append(np.where(at.source >= 0, values[at.source], 0.0))
                continue
            numbers = np.where(at.source >= 0, values[at.source], np.nan)
            columns.append(fill_values(numbers, at.offsets, self.spec.fill))
        if self.spec.has_calendar:
            computed, table = calendar_rows(self.spec, at.times, at.frequency, problems)
            schema += computed
            columns += list(table.T)
        schema += [column.item for column in self.static]
        if not schema:
            return None
        static = [column.of_systems(at, problems) for column in self.static]
        return Covariates(
            tuple(schema),
            np.stack(columns, axis=1) if columns else np.empty((len(at.source), 0)),
            np.stack(static, axis=1) if static else np.empty((len(at.systems), 0)),
        )


def calendar_rows(
    spec: FrameSpec, times: pd.Index, frequency: Frequency, problems: Problems
) -> tuple[list[Covariate], FloatArray]:
    """What the calendar's columns are, and their values at stamps, (rows, columns)."""
    cycles, own = calendar_columns(spec.calendar, times, frequency)
    names = [str(name) for name in (*cycles.columns, *own.columns)]
    twice = [written(name) for name in names if name in spec.columns.covariates]
    if twice:
        raise SettingError(
            f"calendar= gives the columns {listing(twice)}, which are covariates of the frame too; "
            "rename one of each"
        )
    schema = [Covariate(str(name), "cycle") for name in cycles.columns]
    columns = [cycles[name].to_numpy(dtype=np.float64) for name in cycles.columns]
    for name in own.columns:
        known = spec.known(str(name), "calendar")
        column = own[name].reset_index(drop=True)
        source = ColumnSource(times=times, of=" of the calendar")
        item, values = read_column(column, known, source, problems, learn=spec.learns)
        schema.append(item)
        columns.append(values)
    if spec.seen is not None:
        expected = spec.calendar_seen
        if names != expected:
            raise SettingError(
                f"calendar= gives {_columns(names)}, but the model was fitted with "
                f"{_columns(expected)}: fit again, or set_params(calendar=...) to what it was; a "
                "function isn't saved with a model"
            )
    return schema, np.stack(columns, axis=1) if columns else np.empty((len(times), 0))


def _columns(names: list[str]) -> str:
    return f"the columns {listing([written(name) for name in names])}" if names else "no columns"
