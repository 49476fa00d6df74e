"""How time advances from row to row: found in the data, checked against it, continued after it.

A `Frequency` knows three things of a time axis: how many steps lie between one stamp and the next
(`advance`), which stamps follow the last one (`following`), and how many seconds a step takes
(`seconds`), from which the season is derived.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import timedelta
from numbers import Integral
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import (
    BaseOffset,
    BDay,
    BMonthBegin,
    BMonthEnd,
    BQuarterBegin,
    BQuarterEnd,
    BYearBegin,
    BYearEnd,
    DateOffset,
    Day,
    Hour,
    MonthBegin,
    MonthEnd,
    QuarterBegin,
    QuarterEnd,
    Tick,
    Week,
    YearBegin,
    YearEnd,
)

from tsgen._messages import written
from tsgen._runtime import quiet
from tsgen._typing import IntArray
from tsgen.data.local_time import clock_of, localise, wall_times
from tsgen.errors import FrameError, SettingError

__all__ = [
    "OFF_GRID",
    "Frequency",
    "TimeAxis",
    "declared_frequency",
    "inferred_frequency",
    "time_axis",
]


OFF_GRID = np.iinfo(np.int64).min
"""What `Frequency.advance` returns where a stamp doesn't lie on the frequency's grid."""

_DAY = 86_400
# From this length of a step on, the next longer cycle is the season: a minute's steps repeat by
# the day, a day's by the week, a week's and a month's by the year.
_CYCLES = ((365.2425 * _DAY, None), (7 * _DAY, 365.2425 * _DAY), (_DAY, 7 * _DAY), (60, _DAY))
# pandas renamed these in 2.2; users still write the old ones.
_OLD_ALIASES = {
    "M": "ME", "BM": "BME", "SM": "SME", "CBM": "CBME", "Q": "QE", "BQ": "BQE", "A": "YE",
    "Y": "YE", "BA": "BYE", "BY": "BYE", "AS": "YS", "BAS": "BYS", "H": "h", "BH": "bh",
    "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
}  # fmt: skip

_DURATIONS = {"hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"}
_IN_MONTHS: dict[type[BaseOffset], tuple[type[BaseOffset], int]] = {
    QuarterBegin: (MonthBegin, 3), QuarterEnd: (MonthEnd, 3),
    YearBegin: (MonthBegin, 12), YearEnd: (MonthEnd, 12),
    BQuarterBegin: (BMonthBegin, 3), BQuarterEnd: (BMonthEnd, 3),
    BYearBegin: (BMonthBegin, 12), BYearEnd: (BMonthEnd, 12),
}  # fmt: skip
"""Quarters and years as months, which have no anchor."""


class Frequency(ABC):
    """How time advances from row to row."""

    name: str
    """As pandas writes it, or ``"1"``, ``"2"``, … for integer time."""

    @abstractmethod
    def advance(self, times: pd.Index) -> IntArray:
        """Steps from each stamp to the next, ``(rows - 1,)``; `OFF_GRID` where it isn't whole."""

    @abstractmethod
    def following(self, ends: pd.Index, horizon: int) -> pd.Index:
        """The ``horizon`` stamps after each of N ends, end by end: ``(N * horizon,)``."""

    @abstractmethod
    def up_to(self, end: pd.Index, rows: int) -> pd.Index:
        """The last ``rows`` stamps up to an end, of shape (1,), itself among them."""

    def suits(self, times: pd.Index) -> bool:
        """Whether stamps are of the kind that this frequency goes on from."""
        return isinstance(times, pd.DatetimeIndex)

    def at_clock_of(self, times: pd.Index) -> Frequency:
        """The frequency that knows the times of day of these stamps where clocks matter."""
        return self

    def as_followed(self, times: pd.Index) -> pd.Index:
        """Stamps as `following` writes them, of two that local time calls the same the first."""
        return times

    @property
    @abstractmethod
    def seconds(self) -> float | None:
        """The mean length of a step; ``None`` for integer time."""

    @property
    def index_freq(self) -> BaseOffset | None:
        """What pandas keeps as an index' ``freq``; ``None`` where there is no such thing."""
        return None

    @property
    def season_length(self) -> int | None:
        """Rows in a season: 24 for hourly, 7 daily, 52 weekly, 12 monthly…; ``None`` if unknown."""
        if self.seconds is None:
            return None
        for shortest_step, cycle in _CYCLES:
            # A calendar's mean step may fall a little short of the nominal one: 365 days, say.
            if self.seconds >= 0.99 * shortest_step:
                return 1 if cycle is None else max(1, round(cycle / self.seconds))
        return max(1, round(3600 / self.seconds))

    @property
    def longer_season(self) -> int | None:
        """Rows in a week where a season is a day: 168 for hourly; ``None`` if it is no day."""
        if self.seconds is None or not self.season_length or self.season_length == 1:
            return None
        day = self.season_length * self.seconds
        return round(7 * _DAY / self.seconds) if abs(day / _DAY - 1) < 0.01 else None


class TimeAxis(NamedTuple):
    """Regular stamps.

    Attributes
    ----------
    times : Index
    frequency : Frequency
    """

    times: pd.Index
    frequency: Frequency


@dataclass(frozen=True)
class IntegerFrequency(Frequency):
    """Integer time: 0, 1, 2, … or years, with one step for the whole panel."""

    step: int

    @property
    def name(self) -> str:  # type: ignore[override]
        return str(self.step)

    def suits(self, times: pd.Index) -> bool:
        return bool(pd.api.types.is_integer_dtype(times.dtype))

    @property
    def seconds(self) -> None:
        return None

    def advance(self, times: pd.Index) -> IntArray:
        return _whole_steps(times.to_numpy(dtype=np.int64), self.step)

    def following(self, ends: pd.Index, horizon: int) -> pd.Index:
        steps = self.step * np.arange(1, horizon + 1, dtype=np.int64)
        last = ends.to_numpy(dtype=np.int64)
        if int(last.max()) + self.step * horizon > np.iinfo(_numpy_integer(ends.dtype)).max:
            raise FrameError(
                [
                    f"{horizon} steps after {last.max()} leave the range of {ends.dtype}; "
                    "convert the time column to a wider integer, or count from 0"
                ]
            )
        stamps = last[:, None] + steps
        following: pd.Index = pd.Index(stamps.ravel(), dtype=ends.dtype)
        return following

    def up_to(self, end: pd.Index, rows: int) -> pd.Index:
        stamps: pd.Index = pd.Index(int(end[0]) + self.step * _backwards(rows), dtype=end.dtype)
        return stamps


@dataclass(frozen=True)
class PeriodFrequency(Frequency):
    """Periods: the frequency stands in the dtype."""

    dtype: pd.PeriodDtype

    @property
    def name(self) -> str:  # type: ignore[override]
        return str(self.dtype.freq.freqstr)

    def suits(self, times: pd.Index) -> bool:
        return bool(times.dtype == self.dtype)

    @property
    def seconds(self) -> float:
        return _mean_seconds(self.dtype.freq)

    def advance(self, times: pd.Index) -> IntArray:
        return _whole_steps(pd.PeriodIndex(times).asi8, self.dtype.freq.n)

    def following(self, ends: pd.Index, horizon: int) -> pd.Index:
        steps = self.dtype.freq.n * np.arange(1, horizon + 1, dtype=np.int64)
        ordinals = pd.PeriodIndex(ends).asi8[:, None] + steps
        following: pd.Index = pd.PeriodIndex.from_ordinals(  # type: ignore[attr-defined]
            ordinals.ravel(), freq=self.dtype.freq
        )
        return following

    def up_to(self, end: pd.Index, rows: int) -> pd.Index:
        ordinals = pd.PeriodIndex(end).asi8 + self.dtype.freq.n * _backwards(rows)
        stamps: pd.Index = pd.PeriodIndex.from_ordinals(  # type: ignore[attr-defined]
            ordinals, freq=self.dtype.freq
        )
        return stamps


@dataclass(frozen=True)
class OffsetFrequency(Frequency):
    """A step that pandas has an offset for.

    Attributes
    ----------
    offset : BaseOffset
    clock : tuple of int, default ()
        Where the step is local time in a zone, the times of day of the data: they say where to go
        on after a stamp that a change of clocks has moved.
    """

    offset: BaseOffset
    clock: tuple[int, ...] = field(default=(), kw_only=True)

    @property
    def name(self) -> str:  # type: ignore[override]
        return str(self.offset.freqstr)

    @property
    def index_freq(self) -> BaseOffset:
        return self.offset

    @property
    def is_local(self) -> bool:
        """Whether the step is one of the wall clock, not of absolute time."""
        return not isinstance(self.offset, Tick) or isinstance(self.offset, Day)

    def at_clock_of(self, times: pd.Index) -> Frequency:
        if not self.is_local:
            return self
        seen = {*self.clock, *clock_of(pd.DatetimeIndex(times))}
        return replace(self, clock=tuple(sorted(seen)))

    def as_followed(self, times: pd.Index) -> pd.Index:
        stamps = pd.DatetimeIndex(times)
        if stamps.tz is None or not self.is_local:
            return times
        return localise(wall_times(stamps, self.clock), stamps.tz)

    @property
    def stride_of_row(self) -> BaseOffset:
        """What leads from one stamp to the next."""
        return self.offset

    def up_to(self, end: pd.Index, rows: int) -> pd.Index:
        stamps = pd.DatetimeIndex(end)
        last = wall_times(stamps, self.clock) if self.is_local else stamps
        found = pd.date_range(end=last[0], periods=rows, freq=self.stride_of_row, unit=stamps.unit)
        return localise(found, stamps.tz) if self.is_local and stamps.tz is not None else found


@dataclass(frozen=True)
class FixedFrequency(OffsetFrequency):
    """A step of fixed length: absolute time in hours, local calendar time in days and weeks.

    So hourly stamps cross a clock change in absolute time, and daily ones keep their local hour.
    24 hours aren't a day, as in pandas.
    """

    step: pd.Timedelta

    @property
    def seconds(self) -> float:
        return self.step.total_seconds()

    def _axis(self, times: pd.Index) -> pd.DatetimeIndex:
        stamps = pd.DatetimeIndex(times)
        return wall_times(stamps, self.clock) if self.is_local else stamps

    def advance(self, times: pd.Index) -> IntArray:
        axis = self._axis(times)
        ticks = self.step / pd.Timedelta(1, unit=axis.unit)
        if not ticks.is_integer():  # half-second steps can't be told apart in whole seconds
            return np.full(max(len(axis) - 1, 0), OFF_GRID)
        return _whole_steps(axis.asi8, int(ticks))

    def following(self, ends: pd.Index, horizon: int) -> pd.Index:
        axis = self._axis(ends)
        ticks = int(self.step / pd.Timedelta(1, unit=axis.unit))
        reach = np.iinfo(np.int64).max - ticks * horizon
        if len(axis) and int(axis.asi8.max()) > reach:
            raise _out_of_range(axis.max(), horizon, axis.unit)
        ordinals = axis.asi8[:, None] + ticks * np.arange(1, horizon + 1, dtype=np.int64)
        stamps = pd.DatetimeIndex(ordinals.ravel().view(f"datetime64[{axis.unit}]"))
        zone = pd.DatetimeIndex(ends).tz
        if zone is None:
            return stamps
        return (
            localise(stamps, zone) if self.is_local else stamps.tz_localize("UTC").tz_convert(zone)
        )


@dataclass(frozen=True)
class CalendarFrequency(OffsetFrequency):
    """Months, quarters, business days, anchored weeks: any pandas offset, in local time.

    Attributes
    ----------
    stride : BaseOffset, optional
        The step without its anchor, where that is a fact of each series and not of the panel:
        three months of a quarter that may start in January or in February.
    """

    stride: BaseOffset | None = None

    @property
    def step(self) -> BaseOffset:
        """What leads from one stamp to the next."""
        return self.offset if self.stride is None else self.stride

    @property
    def stride_of_row(self) -> BaseOffset:
        return self.step

    @property
    def seconds(self) -> float:
        return _mean_seconds(self.offset)

    def advance(self, times: pd.Index) -> IntArray:
        wall = wall_times(pd.DatetimeIndex(times), self.clock)
        if len(wall) < 2:
            return np.empty(0, dtype=np.int64)
        months = _months_of(self.step)
        if months is not None:
            return _month_steps(wall, months)
        # Every month is on the grid of two months' steps: which ones is a fact of each series.
        grid = pd.date_range(wall.min(), wall.max(), freq=self.step.base, unit=wall.unit)
        ordinals = grid.get_indexer(wall)
        steps = _whole_steps(ordinals, self.step.n)
        steps[(ordinals[1:] < 0) | (ordinals[:-1] < 0)] = OFF_GRID
        return steps

    def following(self, ends: pd.Index, horizon: int) -> pd.Index:
        stamps = pd.DatetimeIndex(ends)
        wall = wall_times(stamps, self.clock)
        # One grid serves every end; those who share a stamp share its continuation.
        distinct, position = np.unique(wall.asi8, return_inverse=True)
        distinct_ends = pd.DatetimeIndex(distinct.view(f"datetime64[{wall.unit}]"))
        try:
            continued = [
                pd.date_range(end, periods=horizon + 1, freq=self.step, unit=wall.unit)[1:].asi8
                for end in distinct_ends
            ]
        except pd.errors.OutOfBoundsDatetime as error:
            raise _out_of_range(distinct_ends[-1], horizon, wall.unit) from error
        ordinals = np.stack(continued)[position].ravel()
        following = pd.DatetimeIndex(ordinals.view(f"datetime64[{wall.unit}]"))
        return following if stamps.tz is None else localise(following, stamps.tz)


def _backwards(rows: int) -> IntArray:
    return np.arange(1 - rows, 1, dtype=np.int64)


def declared_frequency(freq: Any, times: pd.Index) -> Frequency:
    """Read the user's ``freq=`` for an axis like ``times``; pandas' old aliases are translated."""
    if isinstance(times, pd.PeriodIndex):
        return _declared_period(freq, times)
    if not isinstance(times, pd.DatetimeIndex):
        if isinstance(freq, bool) or not str(freq).isdecimal() or int(str(freq)) < 1:
            raise SettingError(
                f"freq={written(freq)} doesn't fit integer time: expected a whole number of 1 or "
                "more; for dates convert the time column with pd.to_datetime"
            )
        return IntegerFrequency(int(str(freq)))
    try:
        with quiet(__name__, "pandas"):  # spellings that pandas wants to drop
            offset = _offset_of(_current_alias(freq) if isinstance(freq, str) else freq)
    except (ValueError, TypeError):
        offset = None
    if offset is None or not _goes_on(offset):
        raise SettingError(
            f"freq={written(freq)} isn't a frequency that pandas knows; expected an alias such as "
            "'h', 'D', 'W-SUN', 'MS', 'ME', 'QS', 'YS', or a pandas offset"
        )
    return _frequency_of(offset)


def _declared_period(freq: Any, times: pd.PeriodIndex) -> PeriodFrequency:
    try:
        declared = pd.PeriodDtype(_period_alias(freq))
    except (ValueError, TypeError):
        raise SettingError(
            f"freq={written(freq)} isn't a frequency of periods; theirs is {str(times.freqstr)!r}: "
            "leave freq= out"
        ) from None
    if declared != times.dtype:
        raise FrameError(
            [
                f"the frequency is declared {str(freq)!r}, but the periods are observed at "
                f"{str(times.freqstr)!r}; leave freq= out, or convert them with asfreq"
            ]
        )
    return PeriodFrequency(declared)


def time_axis(freq: Any, rows: int, first: str = "2000-01-01") -> TimeAxis:
    """So many stamps from a date on, or, where ``freq`` is a whole number, numbers from 0 on."""
    if isinstance(freq, Integral) and not isinstance(freq, bool):
        frequency = declared_frequency(int(freq), pd.RangeIndex(0))
        return TimeAxis(pd.Index(int(freq) * np.arange(rows, dtype=np.int64)), frequency)
    frequency = declared_frequency(freq, pd.DatetimeIndex([]))
    # Yearly stamps soon leave the range of nanoseconds.
    for unit in (None, "s"):
        try:
            times = pd.date_range(first, periods=rows, freq=frequency.index_freq, unit=unit)
        except (pd.errors.OutOfBoundsDatetime, OverflowError):
            continue
        return TimeAxis(times, frequency)
    raise SettingError(
        f"{rows} rows at freq={frequency.name!r} from {first} on leave the range of time stamps: "
        "ask for fewer rows, or pass freq=1 for integer time"
    )


def inferred_frequency(times: pd.Index) -> Frequency:
    """Find the frequency of one series' sorted stamps, gaps allowed: the step seen most often."""
    if isinstance(times, pd.PeriodIndex):
        return PeriodFrequency(cast(pd.PeriodDtype, times.dtype))
    if not isinstance(times, pd.DatetimeIndex):
        return IntegerFrequency(_commonest(np.diff(times.to_numpy(dtype=np.int64))))
    offset = times.freq
    if (
        offset is None or set(_parts(offset)) <= _DURATIONS
    ):  # pandas steps such offsets in local time
        offset = _pandas_guess(times)
    if offset is None:
        offset = _guess_with_gaps(times)
    # Which weekday or which month of a quarter is a fact of each series, not of the panel.
    if isinstance(offset, Week):
        return FixedFrequency(offset, pd.Timedelta(days=7 * offset.n))
    if type(offset) in _IN_MONTHS:
        month, count = _IN_MONTHS[type(offset)]
        return CalendarFrequency(offset, stride=month(offset.n * count))
    return _frequency_of(offset)


def _goes_on(offset: BaseOffset) -> bool:
    """Whether each step leads to a later stamp: back, to itself or to a fixed day it doesn't."""
    first: Any = pd.Timestamp("2000-01-15") + offset
    return bool(pd.Timestamp("2000-01-15") < first < first + offset)


def _offset_of(freq: Any) -> BaseOffset:
    """As pandas 3 reads it: a duration is a number of hours, and no calendar day."""
    if isinstance(freq, np.timedelta64):
        freq = pd.Timedelta(freq)
    offset: BaseOffset = to_offset(freq)
    if isinstance(freq, timedelta) and isinstance(offset, Day):
        return Hour(24 * offset.n)
    parts = _parts(offset)
    if set(parts) <= _DURATIONS:
        return _offset_of(pd.Timedelta(**parts) * offset.n)
    if set(parts) <= {"days", "weeks"}:
        return Day(pd.Timedelta(**parts).days * offset.n)
    return offset


def _parts(offset: BaseOffset | None) -> dict[str, Any]:
    """The months, days or hours of which a `DateOffset` is made; others are of no such parts."""
    return (offset.kwds or {"days": 1}) if type(offset) is DateOffset else {"": offset}


def _months_of(offset: BaseOffset) -> int | None:
    """The length of a `DateOffset` of months and years, which starts on any day."""
    parts = _parts(offset)
    if not set(parts) <= {"months", "years"}:
        return None
    return int(offset.n * (12 * parts.get("years", 0) + parts.get("months", 0)))


def _month_steps(wall: pd.DatetimeIndex, months: int) -> IntArray:
    """Steps of so many months; from a day that the next month lacks, to its last one."""
    steps = _whole_steps(np.asarray(wall.year * 12 + wall.month, dtype=np.int64), months)
    before, after = wall[:-1], wall[1:]
    time_of_day = wall - wall.normalize()
    days = np.minimum(before.day, after.days_in_month)
    steps[(days != after.day) | (time_of_day[1:] != time_of_day[:-1])] = OFF_GRID
    return steps


def _frequency_of(offset: BaseOffset) -> Frequency:
    if isinstance(offset, Tick | Day):
        return FixedFrequency(offset, _tick_length(offset))
    if isinstance(offset, Week) and getattr(offset, "weekday", None) is None:
        return FixedFrequency(offset, pd.Timedelta(days=7 * offset.n))
    return CalendarFrequency(offset)


def _tick_length(offset: Tick | Day) -> pd.Timedelta:
    # pandas 3 no longer lets a Day become a Timedelta.
    return pd.Timedelta(days=offset.n) if isinstance(offset, Day) else pd.Timedelta(offset)


def _pandas_guess(times: pd.DatetimeIndex) -> BaseOffset | None:
    if len(times) < 3:
        return None
    with quiet(__name__, "pandas"):  # pandas 3.1 announces that offsets will come back
        return to_offset(pd.infer_freq(times))


def _guess_with_gaps(times: pd.DatetimeIndex) -> BaseOffset:
    local = wall_times(times, clock_of(times))
    step = pd.Timedelta(_commonest(np.diff(times.asi8)), unit=times.unit)
    is_absolute = _is_regular(times, step) and not _is_regular(local, step)
    if step < pd.Timedelta(days=1) or is_absolute:
        return _offset_of(step)
    days = _commonest(np.diff(local.normalize().asi8)) // (
        pd.Timedelta(days=1) // pd.Timedelta(1, unit=local.unit)
    )
    starts, ends = bool(local.is_month_start.all()), bool(local.is_month_end.all())
    month = local[0].strftime("%b").upper()
    for shortest, longest, prefix, anchor in (
        (28, 31, "M", ""),
        (89, 92, "Q", f"-{month}"),
        (365, 366, "Y", f"-{month}"),
    ):
        if shortest <= days <= longest and (starts or ends):
            return to_offset(f"{prefix}{'S' if starts else 'E'}{anchor}")
    if days < 7 and bool((local.day_of_week < 5).all()):
        steps = np.diff(np.busday_count("1970-01-05", local.to_numpy().astype("datetime64[D]")))
        count = _commonest(steps)
        if local[-1] - local[0] >= pd.Timedelta(days=6) and not (steps % count).any():
            return BDay(count)
    return to_offset(f"{days}D") if days % 7 else Week(days // 7)


def _is_regular(stamps: pd.DatetimeIndex, step: pd.Timedelta) -> bool:
    """Whether all stamps are whole steps apart."""
    ticks = step // pd.Timedelta(1, unit=stamps.unit)
    return not (np.diff(stamps.asi8) % ticks).any()


def _commonest(steps: npt.NDArray[Any]) -> int:
    """The step seen most often; the shortest of those seen equally often."""
    steps = steps[steps > 0]
    if not steps.size:
        raise FrameError(
            ["no frequency can be found: no series has two different time stamps; pass freq="]
        )
    distinct, counts = np.unique(steps, return_counts=True)
    return int(distinct[counts.argmax()])


def _numpy_integer(dtype: Any) -> Any:
    """The numpy dtype of a plain, nullable or pyarrow integer dtype."""
    return getattr(dtype, "numpy_dtype", dtype)


def _whole_steps(ordinals: IntArray, step: int) -> IntArray:
    steps, rest = np.divmod(np.diff(ordinals), step)
    steps[rest != 0] = OFF_GRID
    return np.asarray(steps, dtype=np.int64)


def _mean_seconds(offset: BaseOffset) -> float:
    if isinstance(offset, Tick | Day):
        return _tick_length(offset).total_seconds()
    stamps = pd.date_range("2000-01-01", periods=401, freq=offset, unit="s")
    return float((stamps[-1] - stamps[0]).total_seconds() / 400)


def _out_of_range(last: Any, horizon: int, unit: str) -> FrameError:
    return FrameError(
        [
            f"{horizon} steps after {last} leave the range of datetime64[{unit}]; convert the "
            "time stamps to a coarser unit, for instance with dt.as_unit('us')"
        ]
    )


def _current_alias(alias: str) -> str:
    match = re.fullmatch(r"(-?\d*)([A-Za-z]+)((?:-[A-Za-z0-9]+)?)", alias)
    if match is None:
        return alias
    multiple, prefix, anchor = match.groups()
    return f"{multiple}{_OLD_ALIASES.get(prefix, prefix)}{anchor}"


def _period_alias(freq: Any) -> Any:
    """Periods are written without the start or end that stamps need: M, not MS or ME."""
    if not isinstance(freq, str):
        return freq
    match = re.fullmatch(r"(\d*)(M|Q|Y|A)[SE]?((?:-[A-Za-z]+)?)", freq)
    if match is None:
        return freq
    multiple, prefix, anchor = match.groups()
    return f"{multiple}{'Y' if prefix == 'A' else prefix}{anchor}"
