"""How frames become panels: what `fit` was told, and the same for every frame after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.calendar import CalendarPart
from tsgen.data.columns import Columns
from tsgen.data.covariates import Covariate, Role
from tsgen.data.frequency import Frequency, declared_frequency, inferred_frequency
from tsgen.data.missing import Fill
from tsgen.data.panel import Panel
from tsgen.data.step_hints import dates_as_numbers
from tsgen.data.validation import FILL_NUMBERS, FillHint, listing
from tsgen.errors import FrameError

__all__ = [
    "Cells",
    "FrameSpec",
    "frequency_of",
    "origin_of",
    "rows_of_table",
]


@dataclass(frozen=True)
class FrameSpec:
    """What is to be read, and how.

    Attributes
    ----------
    columns : Columns
    fill : {"mask", "ffill", "interpolate"}, float or None
        What is done about holes and gaps in time; they are an error for ``None``.
    joint : bool
        Whether all columns of a wide frame, or all targets of an id, are one system.
    roll_past : bool
        Whether past covariates are forecast along, as further channels of each system.
    calendar : tuple of str and callable
    static : DataFrame, optional
        Static covariates by id; else they are columns of the frame.
    seen : Panel, optional
        What `fit` has read, which says what categories there are.
    goes_on : bool, default False
        Whether the rows go on from others: what is missing before their first value is a hole.
    fill_hint : FillHint
        What a message says that can be done about holes.
    known_frequency : str
        What it says of a frequency that was known before.
    """

    columns: Columns = field(default_factory=Columns)
    fill: Fill | None = None
    joint: bool = False
    roll_past: bool = False
    calendar: tuple[CalendarPart, ...] = ()
    static: pd.DataFrame | None = None
    seen: Panel | None = None
    goes_on: bool = False
    fill_hint: FillHint = FILL_NUMBERS
    known_frequency: str = "that of fit"

    @classmethod
    def like(
        cls, panel: Panel, calendar: tuple[CalendarPart, ...] = (), *, goes_on: bool = False
    ) -> FrameSpec:
        """Read as a panel was, or rows that go on from it."""
        return cls(
            columns=panel.columns,
            fill=panel.fill,  # type: ignore[arg-type]
            joint=panel.channels - panel.rolled > 1,
            roll_past=panel.rolled > 0,
            calendar=calendar,
            seen=panel,
            goes_on=goes_on,
        )

    @property
    def rolled(self) -> tuple[str, ...]:
        """Past covariates that are channels."""
        return self.columns.past if self.roll_past else ()

    @property
    def names_channels(self) -> bool:
        """Whether series are named by id and channel."""
        return bool(self.columns.others or self.rolled)

    @property
    def by_row(self) -> list[Covariate]:
        """Columns of the frame that are read as covariates of its rows."""
        past = () if self.roll_past else self.columns.past
        return [
            *(self.known(name, "future") for name in self.columns.future),
            *(self.known(name, "past") for name in past),
        ]

    @property
    def by_series(self) -> list[Covariate]:
        """Those of the series."""
        return [self.known(name, "static") for name in self.columns.static]

    @property
    def learns(self) -> bool:
        """Whether this is the reading of `fit`."""
        return self.seen is None or self.seen.covariates is None

    @property
    def calendar_seen(self) -> list[str]:
        """The columns of the calendar that `fit` had."""
        if self.seen is None or self.seen.covariates is None:
            return []
        schema = self.seen.covariates.of_rows
        return [item.name for item in schema if item.role in ("cycle", "calendar")]

    @property
    def has_calendar(self) -> bool:
        """Whether there is a calendar, or was one in `fit`."""
        return bool(self.calendar or self.calendar_seen)

    @property
    def has_covariates(self) -> bool:
        """Whether anything is to be read beside the targets."""
        return bool(self.by_row or self.by_series) or self.has_calendar

    def check_covariates(self, there: pd.DataFrame) -> None:
        """Refuse a frame that lacks columns of covariates; static ones are needed by fit alone."""
        static = () if self.static is not None or not self.learns else self.columns.static
        needed = (*self.columns.future, *self.columns.past, *static)
        lacking = [written(name) for name in needed if name not in there.columns]
        if lacking:
            remedy = (
                "or leave them out of future_covariates=, past_covariates= and static_covariates="
                if self.seen is None
                else "as the model was fitted with them"
            )
            columns = f"no column for the covariates {listing(lacking)}"
            raise FrameError([f"{columns}; add them to the frame, {remedy}"])

    def known(self, name: str, role: Role) -> Covariate:
        """A covariate, with the categories that `fit` has seen."""
        if self.seen is not None and self.seen.covariates is not None:
            for item in self.seen.covariates.schema:
                if (item.name, item.role) == (name, role):
                    return item
        return Covariate(name, role)


@dataclass(frozen=True)
class Cells:
    """Values at time stamps, wherever they stand; NaN where one is missing.

    Attributes
    ----------
    ids : Index of shape (cells,), or None
        ``None`` where the frame names no series.
    channels : ndarray of shape (cells,)
        The name of the column, or of the target in a wide frame.
    times : Index of shape (cells,)
    values : ndarray of shape (cells,)
    """

    ids: pd.Index | None
    channels: npt.NDArray[np.object_]
    times: pd.Index
    values: FloatArray


def rows_of_table(table: FloatArray, source: IntArray) -> FloatArray:
    """Columns (columns, rows) in another order of rows; NaN for those that are added."""
    rows = table[:, source]
    rows[:, source < 0] = np.nan
    return rows


def frequency_of(freq: Any, times: pd.Index, offsets: IntArray) -> Frequency:
    """Given, declared, or found in the longest series."""
    return _frequency_of(freq, times, offsets).at_clock_of(times)


def _frequency_of(freq: Any, times: pd.Index, offsets: IntArray) -> Frequency:
    if isinstance(freq, Frequency):
        if not freq.suits(times):
            raise FrameError(
                [
                    f"the time stamps are {times.dtype}, which doesn't suit the frequency "
                    f"{freq.name!r} of fit; convert them to the same kind"
                ]
            )
        return freq
    if freq is not None:
        return declared_frequency(freq, times)
    if pd.api.types.is_integer_dtype(times.dtype):
        _refuse_dates_as_numbers(times)
    longest = int(np.argmax(np.diff(offsets)))
    return inferred_frequency(times[offsets[longest] : offsets[longest + 1]])


def _refuse_dates_as_numbers(times: pd.Index) -> None:
    """Whole numbers are counted, which goes wrong after the 31st of a month."""
    found = dates_as_numbers(times)
    if found:
        raise FrameError(
            [
                f"the time stamps are whole numbers from {int(times.min())} to {int(times.max())} "
                f"that {found}; if they are to be counted as plain numbers, pass freq=1, or "
                "whatever their step is"
            ]
        )


def origin_of(freq: Any, spec: FrameSpec) -> str:
    """Where a frequency comes from, for messages."""
    if freq is None:
        return "found in the longest series"
    return spec.known_frequency if isinstance(freq, Frequency) else "declared"
