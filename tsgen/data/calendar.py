"""Columns computed from time stamps: covariates that are known for all the future.

A stamp's row depends on that stamp and the frequency alone, so that a stamp of the forecast is
read as one of the training rows is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import pandas as pd
from pandas.tseries.offsets import Week

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data.frequency import Frequency
from tsgen.errors import MissingExtraError, SettingError

__all__ = ["CalendarColumns", "CalendarPart", "calendar_columns", "calendar_parts"]


CalendarPart: TypeAlias = str | Callable[[pd.DatetimeIndex], pd.DataFrame]
"""``"auto"``, a cycle's name, ``"holidays:XX"``, ``"holidays:XX-YY"``, or the user's function."""

_DAY = 86_400
_YEAR = 365.2425 * _DAY
# The cycles of "auto", from this length of a step on. A shorter cycle than the step says nothing,
# and one that takes thousands of steps can't be told from a trend.
_AUTO = (
    (_YEAR, ()),
    (_YEAR / 12, ("month_of_year",)),
    (7 * _DAY, ("day_of_year",)),
    (_DAY, ("day_of_week", "day_of_year")),
    (60, ("hour_of_day", "day_of_week", "day_of_year")),
    (0, ("minute_of_hour", "hour_of_day")),
)
# "ME", "2QE-DEC", "BYE-JUN", "W-SUN": the stamp closes its period. Every week does, since a week
# found in data with gaps has no weekday in its name, and the same data without gaps has.
_STAMPED_AT_END = re.compile(r"\d*([A-Z]*E|W|LWOM|REQ)(-.*)?")
_HOLIDAYS = re.compile(r"holidays:([A-Z]{2,3})(?:-(.+))?")


class CalendarColumns(NamedTuple):
    """What `calendar_columns` computes; both frames have a row for each stamp, from 0 on.

    Attributes
    ----------
    cycles : DataFrame
        float64: sines and cosines, and holidays as 0, 1 or a small count. They need no scaling.
    own : DataFrame
        The columns of the user's functions, as they came.
    """

    cycles: pd.DataFrame
    own: pd.DataFrame


def calendar_parts(given: Any) -> tuple[CalendarPart, ...]:
    """Check a forecaster's ``calendar`` and bring it to one form.

    Parameters
    ----------
    given : None, str, callable, or list or tuple of these
        ``"auto"``; the name of a cycle: ``"minute_of_hour"``, ``"hour_of_day"``,
        ``"day_of_week"``, ``"day_of_month"``, ``"day_of_year"``, ``"month_of_year"``;
        ``"holidays:DE"`` or ``"holidays:DE-BY"`` for the public holidays of a country or of a
        subdivision; a function that takes a `DatetimeIndex` and returns a `DataFrame`.

    Returns
    -------
    tuple
        Empty for ``None``.

    Raises
    ------
    SettingError
        If a part is none of these or is given twice.
    MissingExtraError
        If holidays are asked for and the package ``holidays`` isn't installed.

    Examples
    --------
    >>> from tsgen.data.calendar import calendar_parts
    >>> calendar_parts("auto")
    ('auto',)
    >>> calendar_parts(["day_of_week", "day_of_month"])
    ('day_of_week', 'day_of_month')
    """
    if given is None:
        return ()
    parts = tuple(given) if isinstance(given, list | tuple) else (given,)
    for position, part in enumerate(parts):
        _check_part(part)
        if part in parts[:position]:
            raise SettingError(f"calendar= holds {_label(part)} twice; name it once")
    return parts


def calendar_columns(
    parts: Sequence[CalendarPart], times: pd.Index, frequency: Frequency
) -> CalendarColumns:
    """Compute the columns of a calendar for stamps in any order, repeats allowed.

    Time stamps with a zone are read in their own zone, periods at their start.

    Holidays are 1 or 0 where a step is a day (or a business day) or shorter. Where it is longer,
    they are counted over the stamp's period: from the stamp up to the next one, or, for
    frequencies that close a period (``"ME"``, ``"QE"``, ``"W-SUN"``, …), from after the stamp
    before up to the stamp. In years of which the package ``holidays`` knows nothing, there are
    none: for many countries it begins after 1945 and ends with 2100.

    Parameters
    ----------
    parts : sequence of str and callable
        From `calendar_parts`.
    times : DatetimeIndex, PeriodIndex or integer Index
        The time of each row, none missing.
    frequency : Frequency
        By which the times advance. ``"auto"`` chooses the cycles that it can see; for integer
        time, none.

    Returns
    -------
    CalendarColumns

    Raises
    ------
    SettingError
        If a part needs dates and time is counted in integers, or if a function doesn't return a
        `DataFrame` with a row for each stamp.
    MissingExtraError
        If holidays are asked for and the package ``holidays`` isn't installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data.calendar import calendar_columns, calendar_parts
    >>> from tsgen.data.frequency import inferred_frequency
    >>> times = pd.date_range("2024-01-01", periods=4, freq="6h")
    >>> columns = calendar_columns(calendar_parts("hour_of_day"), times, inferred_frequency(times))
    >>> columns.cycles.round(3) + 0.0
       hour_of_day_sin  hour_of_day_cos
    0              0.0              1.0
    1              1.0              0.0
    2              0.0             -1.0
    3             -1.0              0.0
    """
    rows = pd.RangeIndex(len(times))
    if frequency.seconds is None:
        _check_needs_no_dates(parts)
        return CalendarColumns(pd.DataFrame(index=rows), pd.DataFrame(index=rows))
    known = times if isinstance(times, pd.PeriodIndex) else pd.DatetimeIndex(times)
    position, distinct = known.factorize(sort=True)
    axis = _Axis(cast(pd.DatetimeIndex | pd.PeriodIndex, distinct), frequency, frequency.seconds)
    cycles: dict[str, FloatArray] = {}
    for part in parts:
        if isinstance(part, str):
            cycles |= _columns_of(part, axis)
    own = _own_columns(parts, axis.stamps, taken=cycles)
    return CalendarColumns(
        pd.DataFrame({name: column[position] for name, column in cycles.items()}, index=rows),
        own.take(position).set_axis(rows),
    )


@dataclass(frozen=True)
class _Axis:
    """Distinct times in ascending order, and how they advance."""

    times: pd.DatetimeIndex | pd.PeriodIndex
    frequency: Frequency
    seconds: float

    @property
    def stamps(self) -> pd.DatetimeIndex:
        return _stamps(self.times)

    @property
    def local(self) -> pd.DatetimeIndex:
        return self.stamps.tz_localize(None)

    @property
    def is_daily(self) -> bool:
        """Whether a stamp stands for its day or a part of it."""
        return self.seconds <= _DAY or self.frequency.name in ("B", "C")


def _stamps(times: pd.Index) -> pd.DatetimeIndex:
    if not isinstance(times, pd.PeriodIndex):
        return pd.DatetimeIndex(times)
    # Not to_timestamp, which may cast to nanoseconds.
    step = str(times.freqstr).lstrip("0123456789")
    unit = step if step in ("ms", "us", "ns") else "s"
    ordinals = times.asfreq(unit, how="S").asi8
    return pd.DatetimeIndex(ordinals.view(f"datetime64[{unit}]"))


def _days(stamps: pd.DatetimeIndex) -> IntArray:
    """Local days since 1970."""
    local = stamps.tz_localize(None).to_numpy()
    return np.asarray(local.astype("datetime64[D]").astype(np.int64))


# ---------------------------------------------------------------------------------------- parts


def _check_part(part: Any) -> None:
    if not isinstance(part, str):
        if not callable(part):
            raise SettingError(f"calendar={written(part)} is unknown; expected {_accepted()}")
    elif _HOLIDAYS.fullmatch(part):
        _check_country(part, *_country(part))
    elif part != "auto" and part not in _CYCLES:
        close = get_close_matches(part, ["auto", *_CYCLES], n=1)
        hint = f"did you mean {written(close[0])}? " if close else ""
        raise SettingError(f"calendar={written(part)} is unknown; {hint}Expected {_accepted()}")


def _accepted() -> str:
    names = ", ".join(map(repr, ("auto", *_CYCLES)))
    return (
        f"{names}, 'holidays:DE' or 'holidays:DE-BY' (the code of a country and of a "
        "subdivision), a function that takes a DatetimeIndex and returns a DataFrame, or a list "
        "of these"
    )


def _label(part: CalendarPart) -> str:
    return written(part) if isinstance(part, str) else getattr(part, "__name__", written(part))


def _check_needs_no_dates(parts: Sequence[CalendarPart]) -> None:
    asked = [_label(part) for part in parts if part != "auto"]
    if asked:
        raise SettingError(
            f"calendar: {', '.join(asked)} can't be computed from integer time, which has no "
            "dates; convert the time column with pd.to_datetime, or leave calendar= out"
        )


def _columns_of(part: str, axis: _Axis) -> dict[str, FloatArray]:
    if part == "auto":
        names = next(names for shortest, names in _AUTO if axis.seconds >= 0.99 * shortest)
        return {key: column for name in names for key, column in _waves(name, axis).items()}
    if part in _CYCLES:
        return _waves(part, axis)
    return {part.replace(":", "_", 1): _holidays(part, axis)}


# --------------------------------------------------------------------------------------- cycles


def _second_of_day(local: pd.DatetimeIndex) -> FloatArray:
    moments = local.to_numpy()
    since_midnight = moments - moments.astype("datetime64[D]")
    return np.asarray(since_midnight / np.timedelta64(1, "s"), dtype=np.float64)


_CYCLES: Mapping[str, Callable[[pd.DatetimeIndex], Any]] = {
    "minute_of_hour": lambda local: _second_of_day(local) % 3600 / 3600,
    "hour_of_day": lambda local: _second_of_day(local) / _DAY,
    "day_of_week": lambda local: local.day_of_week / 7,
    "day_of_month": lambda local: (local.day - 1) / local.days_in_month,
    "day_of_year": lambda local: (local.day_of_year - 1) / (365 + local.is_leap_year),
    "month_of_year": lambda local: (local.month - 1) / 12,
}
"""How much of the cycle has passed at each local stamp, from 0 to below 1."""


def _waves(name: str, axis: _Axis) -> dict[str, FloatArray]:
    angle = 2 * np.pi * np.asarray(_CYCLES[name](axis.local), dtype=np.float64)
    return {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}


# ------------------------------------------------------------------------------------- holidays


def _country(part: str) -> tuple[str, str | None]:
    match = _HOLIDAYS.fullmatch(part)
    if match is None:
        raise SettingError(f"calendar={written(part)} is unknown; expected {_accepted()}")
    return match[1], match[2]


def _package() -> Any:
    try:
        import holidays
    except ImportError as error:
        raise MissingExtraError(
            "holidays need the package holidays, which isn't installed: "
            "pip install 'tsgen[holidays]'"
        ) from error
    return holidays


def _check_country(part: str, country: str, subdivision: str | None) -> None:
    package = _package()
    if country not in package.list_supported_countries():
        raise SettingError(
            f"calendar={written(part)}: no holidays are known of a country {written(country)}; "
            "expected its ISO 3166 code, such as 'DE' or 'US': "
            "holidays.list_supported_countries() lists them"
        )
    try:
        package.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        there_are = ", ".join(package.country_holidays(country).subdivisions)
        remedy = f"there are: {there_are}" if there_are else f"write 'holidays:{country}'"
        raise SettingError(
            f"calendar={written(part)}: no subdivision {written(subdivision)} of "
            f"{written(country)} is known; {remedy}"
        ) from None


def _holidays(part: str, axis: _Axis) -> FloatArray:
    """The number of public holidays in each stamp's period: 0 or 1 where that is a day."""
    if not len(axis.times):
        return np.zeros(0)
    first, last = _periods(axis)
    years = np.array([first.min(), last.max()]).astype("datetime64[D]").astype("datetime64[Y]")
    begin, end = years.astype(np.int64) + 1970
    country, subdivision = _country(part)
    by_year = [_holidays_of(country, subdivision, year) for year in range(begin, end + 1)]
    days = np.unique(np.concatenate(by_year))
    return (days.searchsorted(last, side="right") - days.searchsorted(first)).astype(np.float64)


@lru_cache(maxsize=1024)
def _holidays_of(country: str, subdivision: str | None, year: int) -> IntArray:
    """The days of one year, counted from 1970."""
    dates = list(_package().country_holidays(country, subdiv=subdivision, years=year))
    return np.array(dates, dtype="datetime64[D]").astype(np.int64)


def _periods(axis: _Axis) -> tuple[IntArray, IntArray]:
    """The first and the last day of each stamp's period, both of which belong to it."""
    days = _days(axis.stamps)
    if axis.is_daily:
        return days, days
    if isinstance(axis.times, pd.PeriodIndex):
        return days, _days(_stamps(axis.frequency.following(axis.times, 1))) - 1
    if _STAMPED_AT_END.fullmatch(axis.frequency.name):
        return _days_before(axis) + 1, days
    # In seconds, the step after the last stamp of a finer resolution's range can be taken.
    return days, _days(_stamps(axis.frequency.following(axis.times.as_unit("s"), 1))) - 1


def _days_before(axis: _Axis) -> IntArray:
    """The day of the stamp before each."""
    frequency: Any = axis.frequency
    if isinstance(frequency.offset, Week):  # each series may have a weekday of its own
        return _days(axis.stamps) - 7 * frequency.offset.n
    dates = [(stamp - frequency.step).date() for stamp in axis.local.as_unit("s")]
    return np.array(dates, dtype="datetime64[D]").astype(np.int64)


# ---------------------------------------------------------------------------- the user's functions


def _own_columns(
    parts: Sequence[CalendarPart], stamps: pd.DatetimeIndex, taken: Mapping[str, FloatArray]
) -> pd.DataFrame:
    """What the user's functions return for distinct stamps, side by side."""
    seen, frames = set[Any](taken), [pd.DataFrame(index=pd.RangeIndex(len(stamps)))]
    for part in parts:
        if isinstance(part, str):
            continue
        frame = _checked_answer(part(stamps), stamps, _label(part))
        clash = [name for name in frame.columns if name in seen]
        if clash:
            raise SettingError(
                f"calendar: {_label(part)} returns a column {written(clash[0])}, which another "
                "part of the calendar has already; rename it"
            )
        seen.update(frame.columns)
        frames.append(frame.set_axis(frames[0].index))
    return pd.concat(frames, axis=1)


def _checked_answer(answer: Any, stamps: pd.DatetimeIndex, name: str) -> pd.DataFrame:
    problem = _problem(answer, stamps)
    if problem:
        raise SettingError(
            f"calendar: {name} returned {problem}; expected a DataFrame of one or more columns "
            f"with a row for each of the {len(stamps)} stamps, in their order, whose index is the "
            "stamps or 0, 1, 2, …"
        )
    return cast(pd.DataFrame, answer)


def _problem(answer: Any, stamps: pd.DatetimeIndex) -> str | None:
    if not isinstance(answer, pd.DataFrame):
        return f"an object of type {type(answer).__name__}"
    if len(answer) != len(stamps):
        return f"{len(answer)} rows"
    if not (answer.index.equals(stamps) or answer.index.equals(pd.RangeIndex(len(stamps)))):
        return f"an index of other values (the first is {written(answer.index[0])})"
    if not len(answer.columns):
        return "no columns"
    if not answer.columns.is_unique:
        return f"two columns {written(answer.columns[answer.columns.duplicated()][0])}"
    missing = answer.isna().to_numpy()
    if missing.any():
        column = int(missing.any(axis=0).argmax())
        first = stamps[int(missing[:, column].argmax())]
        return (
            f"{missing[:, column].sum()} missing values in {written(answer.columns[column])}, "
            f"the first at {first}"
        )
    return None
