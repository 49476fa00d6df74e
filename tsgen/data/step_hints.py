"""Why time stamps that look irregular may be regular after all, and what to do then.

Each hint looks at the sorted stamps of one series that has no frequency, or not the one declared,
and says what it recognises: months, halves of months, holidays, working hours, another time zone,
stamps that were rounded badly, calendars without leap days. Whole numbers that are dates are
recognised here as well.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BDay, BusinessHour, CustomBusinessDay

from tsgen._typing import IntArray
from tsgen.data.frequency import Frequency

__all__ = ["dates_as_numbers", "hint_on_steps"]

_DAY = pd.Timedelta(days=1)
_HOUR = pd.Timedelta(hours=1)
_MINUTE = pd.Timedelta(minutes=1)
_UNITS = {"D": "days", "h": "hours", "min": "minutes", "s": "seconds"}
_WEEKDAYS = "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
_PERIODS = {1: "M", 3: "Q", 12: "Y"}
_NUMBER_ROWS = "number the rows instead, for instance with groupby(id).cumcount()"


def hint_on_steps(times: pd.Index, frequency: Frequency) -> str:
    """What the steps of one series' sorted stamps may mean, ``"; …"``, or nothing.

    Parameters
    ----------
    times : Index
        Two or more.
    frequency : Frequency
        The one that they don't have.
    """
    if not isinstance(times, pd.DatetimeIndex):
        return ""
    # Without their freq: pandas can't say of each what the start of a month is.
    stamps = pd.DatetimeIndex(times.tz_localize(None).unique().to_numpy())
    found = filter(None, (hint(stamps, frequency) for hint in _HINTS))
    return "".join(f"; {hint}" for hint in islice(found, 1))


def _unrounded(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """Spreadsheets count days in floating point, and loggers are late by seconds."""
    step = pd.Timedelta(pd.Series(stamps).diff().median())
    for unit, name in _UNITS.items():
        errors = stamps - stamps.round(unit)
        off = pd.Timedelta(pd.Series(errors).abs().max())
        # Stamps that are all half a minute past the hour aren't off it.
        if off < min(_MINUTE, step / 10) and errors.nunique() > 1:
            return (
                f"the stamps are up to {off.total_seconds():.3g} s off whole {name}: round them "
                f"first, with .dt.round({unit!r}) or, of an index, .round({unit!r})"
            )
    return ""


def _zone(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """Days, weeks or months at two hours of the day: local ones seen from another zone."""
    times = np.unique(stamps - stamps.normalize())
    apart = len(times) == 2 and pd.Timedelta(times[1] - times[0])
    if (frequency.seconds or 0) < 86_400 or apart not in (_HOUR, _DAY - _HOUR):
        return ""
    hours = " or ".join(sorted({f"{stamp:%H:%M}" for stamp in stamps}))
    return (
        f"all stamps are at {hours}, as those of one local time are in UTC or another zone: bring "
        "them to that zone with tz_convert(zone), after tz_localize('UTC') where they have none"
    )


def _months(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """One day of each month, or of each quarter or year."""
    months = np.diff(stamps.year * 12 + stamps.month)
    day = int(stamps.day.max())
    on_day = (stamps.day == np.minimum(day, stamps.days_in_month)).all()
    known = stamps.is_month_start.all() or stamps.is_month_end.all()
    if not (months > 0).all() or not on_day or known or "DateOffset" in frequency.name:
        return ""
    count = int(np.gcd.reduce(months))
    if day <= 28:
        return f"all stamps are on day {day} of a month: pass freq=pd.DateOffset(months={count})"
    period = _PERIODS.get(count, f"{count}M")
    return (
        f"all stamps are on day {day} of a month or on its last one: convert them to periods, "
        f"with .dt.to_period({period!r})"
    )


def _half_months(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """Two days of each month, of which one is the first or the last."""
    middle = {int(day) for day in stamps.day[(stamps.day != 1) & ~stamps.is_month_end]}
    if len(middle) != 1:
        return ""
    day = middle.pop()
    rest = stamps[stamps.day != day]
    anchor = "" if day == 15 else f"-{day}"
    # pandas knows no later days as the middle of a month.
    if not len(rest) or not 1 < day <= 27:
        return ""
    if (rest.day == 1).all():
        return f"all stamps are on day 1 or {day} of a month: pass freq='SMS{anchor}'"
    if rest.is_month_end.all():
        return f"all stamps are on day {day} or the last of a month: pass freq='SME{anchor}'"
    return ""


def _leap_days(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    before, after = stamps[:-1], stamps[1:]
    leaps = (
        before.is_leap_year
        & ((before.month == 2) & (before.day == 28))
        & ((after.month == 3) & (after.day == 1))
        & ((after - before) > _DAY)
    )
    if not leaps.any() or (frequency.seconds or 0) > 86_400:
        return ""
    years = ", ".join(map(str, before.year[leaps][:3]))
    return (
        f"29 February of {years} is missing, as in calendars without leap days: add it, or fill it "
        "with fill='interpolate'"
    )


def _weekends_and_holidays(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    offset: Any = frequency.index_freq
    if isinstance(offset, CustomBusinessDay) or not (stamps.day_of_week < 5).all():
        return ""
    if isinstance(offset, BDay):
        return (
            "if they are missing on holidays, pass "
            "freq=pd.offsets.CustomBusinessDay(holidays=[...])"
        )
    if frequency.seconds == 86_400 and len(stamps) > 5:
        return "no stamp is on a weekend: for business days pass freq='B'"
    return ""


def _weekdays(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """All days but some of the week: shops closed on Sundays, weeks that start on Sundays."""
    missing = sorted(set(range(7)) - set(stamps.day_of_week))
    is_weekly = len(missing) == 6
    if not missing or is_weekly or frequency.seconds != 86_400:
        return ""
    first, end = stamps[0].date(), (stamps[-1] + _DAY).date()
    if np.busday_count(first, end, weekmask=_weekmask(stamps)) != len(stamps):
        return ""
    names = " or ".join(_WEEKDAYS[day] for day in missing)
    return (
        f"no stamp is on a {names}: pass "
        f"freq=pd.offsets.CustomBusinessDay(weekmask={_weekmask(stamps)!r})"
    )


def _weekmask(stamps: pd.DatetimeIndex) -> str:
    """The days of the week that come, as numpy and pandas write them."""
    return "".join(str(int(day in stamps.day_of_week)) for day in range(7))


def _working_hours(stamps: pd.DatetimeIndex, frequency: Frequency) -> str:
    """Steps below a day of which none come at night, or on weekends."""
    if (frequency.seconds or 86_400) >= 86_400 or stamps[-1] - stamps[0] < 2 * _DAY:
        return ""
    offset: Any = frequency.index_freq
    in_business = isinstance(offset, BusinessHour)
    step = _HOUR if in_business else pd.Timedelta(seconds=frequency.seconds or 0)
    times = pd.TimedeltaIndex(np.unique(stamps - stamps.normalize()))
    if len(times) < 2 or pd.Series(stamps).diff().mode()[0] != step:
        return ""
    pauses = times.append(times[:1] + _DAY).to_series().diff()
    closed = pd.Timedelta(pauses.max())
    if step == _HOUR and closed > 2 * step and len(times) == (times[-1] - times[0]) / step + 1:
        return _business_hours(stamps, times[0], times[-1], offset if in_business else None)
    weekdays_alone = (stamps.day_of_week < 5).all() and stamps[-1] - stamps[0] >= 7 * _DAY
    if weekdays_alone or closed > max(4 * _HOUR, 2 * step):
        quiet = "on a weekend" if weekdays_alone else f"in {closed / _HOUR:.3g} hours of the day"
        return f"no stamp is {quiet}: {_NUMBER_ROWS}"
    return ""


def _business_hours(
    stamps: pd.DatetimeIndex, first: pd.Timedelta, last: pd.Timedelta, declared: Any
) -> str:
    """The offset of working hours without a pause; the rest of the day has two hours or more."""
    hours = f"start={_clock(first)!r}, end={_clock(last + _HOUR)!r}"
    said = f"all stamps are from {_clock(first)} to {_clock(last)}"
    if (stamps.day_of_week >= 5).any():
        mask = f"weekmask={_weekmask(stamps)!r}"
        return f"{said}: pass freq=pd.offsets.CustomBusinessHour({hours}, {mask})"
    if declared is not None:
        custom = f"pd.offsets.CustomBusinessHour({hours}, holidays=[...])"
        return f"{said}: if hours are missing on holidays, pass freq={custom}"
    is_usual = (first, last) == (9 * _HOUR, 16 * _HOUR)
    return f"{said}: pass freq={repr('bh') if is_usual else f'pd.offsets.BusinessHour({hours})'}"


def _clock(time: pd.Timedelta) -> str:
    return f"{pd.Timestamp(0) + time:%H:%M}"


_HINTS: tuple[Callable[[pd.DatetimeIndex, Frequency], str], ...] = (
    _unrounded,
    _zone,
    _months,
    _half_months,
    _leap_days,
    _weekends_and_holidays,
    _weekdays,
    _working_hours,
)


# ---------------------------------------------------------------------------------- whole numbers

_FORMS = (
    ("%Y%m%d", 8, "a year, a month and a day"),
    ("%Y%j", 7, "a year and a day of the year"),
    ("%Y%m", 6, "a year and a month"),
    ("%y%m%d", 6, "a year of two digits, a month and a day"),
    ("%Y%m%d%H", 10, "a date and an hour"),
    ("%Y%m%d%H%M", 12, "a date, an hour and a minute"),
    ("%Y%m%d%H%M%S", 14, "a date, an hour, a minute and a second"),
)
"""What whole numbers may be read as, with how many digits."""
_EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST, _LAST = 315_532_800, 4_102_444_800  # 1980 and 2100, in seconds


def dates_as_numbers(times: pd.Index) -> str:
    """What whole numbers are if they are dates, and how to convert them; else nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsgen.data.step_hints import dates_as_numbers
    >>> dates_as_numbers(pd.Index([1_640_995_200, 1_640_998_800]))
    "look like times counted from 1970 in 's': convert them with pd.to_datetime(times, unit='s')"
    >>> dates_as_numbers(pd.Index([1949, 1950, 1951]))
    ''
    """
    numbers = times.to_numpy(dtype=np.int64)
    # First of all: 2020010109 is an hour of 2020, and no second of 2034.
    for form, digits, kind in _FORMS:
        if _are_written(numbers, form, digits):
            return (
                f"look like {kind}: convert them with pd.to_datetime(times.astype(str), "
                f"format={form!r})"
            )
    least, most = int(numbers.min()), int(numbers.max())
    for unit, scale in _EPOCHS.items():
        if _FIRST * scale <= least and most < _LAST * scale:
            return (
                f"look like times counted from 1970 in {unit!r}: convert them with "
                f"pd.to_datetime(times, unit={unit!r})"
            )
    if least >= 1700_01 and most <= 2299_53 and np.isin(numbers % 100, np.arange(1, 54)).all():
        return (
            "look like a year and a week: convert them with pd.to_datetime(times.astype(str) "
            "+ '-1', format='%G%V-%u')"
        )
    return ""


def _are_written(numbers: IntArray, form: str, digits: int) -> bool:
    """Whether all numbers are dates in a format of so many digits, from 1700 to 2299."""
    if numbers.min() < 10 ** (digits - 1) or numbers.max() >= 10**digits:
        return False
    texts = pd.Series(np.unique(numbers)).astype(str)
    dates = pd.to_datetime(texts, format=form, errors="coerce")
    return bool(dates.dt.year.between(1700, 2299).all())
