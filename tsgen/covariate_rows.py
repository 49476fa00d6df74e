"""The covariates of a frame's rows and series, and those of the calendar, as those of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen.calendar import calendar_columns
from tsgen.checks import FILL_HINT, Names, Problems, listing
from tsgen.covariates import Covariate, Covariates, read_column
from tsgen.errors import FrameError, SettingError
from tsgen.frequency import Frequency
from tsgen.gaps import fill_values
from tsgen.reading import Reading

__all__ = ["RowTable", "calendar_rows"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RowTable:
    """The rows of a frame that hold covariates, as they stand there.

    Attributes
    ----------
    frame : DataFrame
        The columns of covariates; those that should be there are.
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

    def covariates(
        self,
        reading: Reading,
        rows: IntArray,
        offsets: IntArray,
        times: pd.Index,
        frequency: Frequency,
        systems: pd.Index,
        first_rows: IntArray,
        problems: Problems,
    ) -> Covariates | None:
        """Read all covariates of a panel.

        Parameters
        ----------
        reading : Reading
        rows : ndarray of shape (panel rows,)
            Which row of the frame each is, -1 where it was missing.
        offsets : ndarray of shape (N + 1,)
            Of the systems' rows.
        times : Index of shape (panel rows,)
        frequency : Frequency
        systems : Index of shape (N,)
            Their ids.
        first_rows : ndarray of shape (N,)
            A row of the frame for each system.
        problems : Problems
        """
        schema, columns = [], []
        for known in reading.by_row:
            item, values = self._column(known, reading, problems)
            schema.append(item)
            absent = np.nan if item.categories is None else 0.0
            column = np.where(rows >= 0, values[rows], absent)
            columns.append(
                column
                if item.categories is not None
                else fill_values(column, offsets, reading.fill)
            )
        if reading.calendar or reading.had_calendar:
            computed, table = calendar_rows(reading, times, frequency, problems)
            schema += computed
            columns += list(table.T)
        static = self._static(reading, systems, first_rows, problems)
        schema += static[0]
        if not schema:
            return None
        table = np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))
        return Covariates(tuple(schema), table, static[1])

    def _column(
        self, known: Covariate, reading: Reading, problems: Problems
    ) -> tuple[Covariate, Array]:
        column = self.frame[known.name]
        item, values = read_column(column, known, self.names, self.times, problems,
                                   learn=reading.learns)  # fmt: skip
        missing = np.isnan(values)
        if missing.any() and reading.fill is None:
            problems.add(
                f"covariate {known.name!r} has missing values (NaN)",
                [self._place(int(row)) for row in np.flatnonzero(missing)[:5]],
                f"fill them first, or {FILL_HINT}",
                total=int(missing.sum()),
            )
        return item, values

    def _place(self, row: int) -> str:
        series = ""
        if isinstance(self.names, pd.Index):
            series = f"series {self.names[self.codes[row]]!r} "
        return f"{series}at {self.times[row]} (row {row})"

    def _static(
        self, reading: Reading, systems: pd.Index, first_rows: IntArray, problems: Problems
    ) -> tuple[list[Covariate], Array]:
        wanted = reading.by_series
        if not wanted:
            return [], np.empty((len(systems), 0))
        if reading.static is None and all(item.name in self.frame.columns for item in wanted):
            self._check_constant(wanted, problems)
            frame, positions = self.frame, first_rows
        elif reading.static is not None:
            frame = reading.static
            positions = _positions(frame.index, systems, "static_covariates=", problems)
        else:
            return _static_of_seen(reading, systems)
        schema, columns = [], []
        for known in wanted:
            item, values = read_column(frame[known.name], known, "the static covariates", None,
                                       problems, learn=reading.learns)  # fmt: skip
            schema.append(item)
            values = values[positions]
            if np.isnan(values).any():
                where = [repr(name) for name in systems[np.isnan(values)]]
                problems.add(
                    f"static covariate {known.name!r} has missing values (NaN)",
                    where, "give every series a value",
                )  # fmt: skip
            columns.append(values)
        return schema, np.stack(columns, axis=1)

    def _check_constant(self, wanted: Sequence[Covariate], problems: Problems) -> None:
        for item in wanted:
            kinds = pd.Series(pd.factorize(self.frame[item.name])[0]).groupby(self.codes).nunique()
            several = kinds.index[kinds.to_numpy() > 1].to_numpy()
            if len(several):
                names = self.names
                where = [repr(names[i]) if isinstance(names, pd.Index) else "the series"
                         for i in several]  # fmt: skip
                problems.add(
                    f"static covariate {item.name!r} changes within series", where,
                    "name it in future_covariates or past_covariates",
                )  # fmt: skip


def _positions(index: pd.Index, systems: pd.Index, what: str, problems: Problems) -> IntArray:
    """Where the ids of systems stand in an index of ids."""
    if index.has_duplicates:
        twice = [repr(name) for name in index[index.duplicated()].unique()]
        raise FrameError([f"{what} has ids twice: {listing(twice)}; keep one row of each"])
    positions = index.get_indexer(systems)
    if (positions < 0).any():
        lacking = [repr(name) for name in systems[positions < 0]]
        problems.add(f"{what} lacks series", lacking, "add a row for each")
    return positions


def _static_of_seen(reading: Reading, systems: pd.Index) -> tuple[list[Covariate], Array]:
    """What `fit` was told of these series."""
    assert reading.seen is not None and reading.seen.covariates is not None
    seen = reading.seen.systems
    firsts = np.flatnonzero(~seen.duplicated())
    positions = seen[firsts].get_indexer(systems)
    if (positions < 0).any():
        lacking = [repr(name) for name in systems[positions < 0]]
        names = ", ".join(map(repr, reading.columns.static))
        raise FrameError(
            [
                f"series that fit hasn't seen, without their static covariates {names}: "
                f"{listing(lacking)}; add these columns to a long frame"
            ]
        )
    covariates = reading.seen.covariates
    return list(covariates.of_series), covariates.static[firsts[positions]]


def calendar_rows(
    reading: Reading, times: pd.Index, frequency: Frequency, problems: Problems
) -> tuple[list[Covariate], Array]:
    """What the calendar's columns are, and their values at stamps, (rows, columns)."""
    cycles, own = calendar_columns(reading.calendar, times, frequency)
    schema = [Covariate(str(name), "cycle") for name in cycles.columns]
    columns = [cycles[name].to_numpy(dtype=np.float64) for name in cycles.columns]
    for name in own.columns:
        known = reading.known(str(name), "calendar")
        column = own[name].reset_index(drop=True)
        item, values = read_column(column, replace(known, name=str(name)), "the calendar", times,
                                   problems, learn=reading.learns)  # fmt: skip
        schema.append(item)
        columns.append(values)
    if not reading.learns:
        assert reading.seen is not None
        assert reading.seen.covariates is not None
        expected = [item.name for item in reading.seen.covariates.of_rows
                    if item.role in ("cycle", "calendar")]  # fmt: skip
        found = [item.name for item in schema]
        if found != expected:
            raise SettingError(
                f"calendar= gives the columns {listing([repr(name) for name in found])}, but the "
                f"model was fitted with {listing([repr(name) for name in expected])}: fit again, "
                "or set_params(calendar=...) to what it was; a function isn't saved with a model"
            )
    return schema, np.stack(columns, axis=1) if columns else np.empty((len(times), 0))
