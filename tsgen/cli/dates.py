"""Text to dates, without time zones: nothing is guessed where the text can mean two things.

ISO 8601 is read as it stands. Other dates are tried in all formats that there are: one that fits
every row is taken, several are an error that shows what each would make of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tsgen.cli.wording import CommandError

__all__ = [
    "SINCE_1970",
    "Clock",
    "parsed",
    "read_dates",
    "read_numbers",
    "read_weeks",
    "without_offset",
]

_ISO = (
    r"\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)?)?"
    r"|\d{8}T\d{4}(?:\d{2})?"
)

_DAYS = [
    mark.join(order)
    for orders, marks in (
        (("Ymd", "dmY", "mdY", "dmy", "mdy", "ymd"), "-/. "),
        (("dbY", "dBY", "Ybd", "YBd", "bdY", "BdY", "dby", "bY", "BY", "Yb", "YB"), "- /"),
        (("by", "yb", "bd", "db"), "- /"),
        (("Ym", "mY"), "-/ "),
        (("Ymd", "dbY", "dby", "bY", "by"), ("",)),
    )
    for order in orders
    for mark in marks
]
_DAYS += ["m.Y", "b d, Y", "B d, Y", "d. b Y", "d. B Y"]
_CLOCKS = ["", " H:M", " H:M:S", " H:M:S.f", " I:M p", " I:M:S p", " I p", "TH:M", "TH:M:S"]


def _shape(text: str) -> str:
    """A value with digits as 9 and letters as a, by which most formats are ruled out."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


_FORMATS: dict[str, list[str]] = {}
"""By the shape of what is written in them."""
for _day, _clock in product(_DAYS, _CLOCKS):
    _numbers = re.sub(r"[YmdyHMSfI]", "9", _day + _clock)
    _given = re.sub(r"([A-Za-z])", r"%\1", _day) + re.sub(r"([HMSfIp])", r"%\1", _clock)
    _FORMATS.setdefault(_shape(_numbers), []).append(_given)

_OF_NUMBERS = {
    6: ["%Y%m", "%y%m%d", "%d%m%y", "%m%d%y"],
    7: ["%Y%j"],
    8: ["%Y%m%d", "%d%m%Y", "%m%d%Y"],
    10: ["%Y%m%d%H"],
    12: ["%Y%m%d%H%M"],
    14: ["%Y%m%d%H%M%S"],
}
"""Formats of whole numbers by how many digits they have."""
SINCE_1970 = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_DIGITS_SINCE_1970 = {10: "s", 13: "ms", 16: "us", 19: "ns"}
_YEARS = (1700, 2200)
"""Whole numbers are no dates beyond these years."""
_PER_YEAR = {
    unit: 31_556_952 * 10**power for unit, power in zip(SINCE_1970, (0, 3, 6, 9), strict=True)
}
"""How many of a unit are a mean year of the Gregorian calendar."""


@dataclass(frozen=True)
class Clock:
    """What is known of the time stamps of a file.

    Attributes
    ----------
    label : str
        The column, for messages.
    date_format : str, optional
        As in ``strptime``, or the unit of numbers since 1970.
    zone : tzinfo, optional
        Where stamps without an offset are local, and what those with one are brought to.
    target : tzinfo, optional
        The zone of what was read before; stamps with offsets are brought to it.
    counts : bool, default False
        Whether whole numbers are numbers, whatever they look like.
    """

    label: str
    date_format: str | None = None
    zone: Any = None
    target: Any = None
    counts: bool = False

    def refused(self, text: pd.Series, row: Any, reason: str) -> CommandError:
        """An error about one row."""
        return CommandError(f"column {self.label}: {text[row]!r} (row {row}) {reason}")


# --- dates and times of day ----------------------------------------------------------------------


def read_dates(text: pd.Series, clock: Clock) -> tuple[pd.Series, str]:
    """What a clock on the wall shows: stamps without their offsets."""
    iso = text.str.fullmatch(_ISO)
    if clock.date_format is not None:
        given = without_offset(clock.date_format)
        walls = parsed(text, given)
        # What tsgen has written, behind what it has read; not where months and days are swapped.
        iso &= walls.isna() & (not given.startswith("%Y-%d"))
        note = ""
    elif iso.all():
        _refuse_fiscal_years(text, clock)
        walls, note = pd.Series(pd.NaT, index=text.index), ""
    else:
        given = _format_of(text[~iso], clock, rest_is_iso=bool(iso.any()))
        walls = parsed(text[~iso], given).reindex(text.index)
        note = f"dates as {given}"
    if iso.any():
        known = pd.to_datetime(text[iso], format="ISO8601", errors="coerce")
        walls = known.reindex(text.index) if iso.all() else walls.fillna(known)
    bad = walls.isna()
    if bad.any():
        said = f"isn't written as {clock.date_format}" if clock.date_format else "is no time stamp"
        raise clock.refused(text, text.index[bad][0], f"{said}; mend or remove this row")
    return walls, note


def _format_of(text: pd.Series, clock: Clock, *, rest_is_iso: bool) -> str:
    """The one format in which all of a column can be read, or an error that names the choices."""
    _refuse_parts_of_dates(text, clock)
    _refuse_fiscal_years(text, clock)
    first, distinct = text.iloc[:1], pd.Series(text.unique())
    shaped = _FORMATS.get(_shape(text.iloc[0]), [])
    formats = [given for given in shaped if parsed(first, given).notna().all()]
    readings = {given: parsed(distinct, given) for given in formats}
    share = {given: dates.notna().mean() for given, dates in readings.items()}
    fitting = _different({given: readings[given] for given in formats if share[given] == 1})
    if len(fitting) == 1 and "%Y" in fitting[0]:
        return fitting[0]
    if not fitting and (rest_is_iso or (formats and max(share.values()) > 0.5)):
        most = max(share, key=lambda given: share[given]) if formats else ""
        bad = text if rest_is_iso else text[parsed(text, most).isna()]
        raise clock.refused(
            text, bad.index[0], "is no time stamp like the others; mend or remove this row"
        )
    if not fitting:
        raise clock.refused(
            text, text.index[0],
            "isn't a time stamp that is known; --date-format says how dates are written, such as "
            "--date-format %d/%m/%Y",
        )  # fmt: skip
    raise _ambiguous(text, fitting, clock)


def _ambiguous(text: pd.Series, formats: list[str], clock: Clock, more: str = "") -> CommandError:
    """An error that shows what each format makes of a value; without a year it makes nothing."""
    with_year = [given for given in formats if "y" in given.lower()]
    if not with_year:
        return clock.refused(text, text.index[0], "has no year; write dates such as 2022-01-31")
    readings = [parsed(text, given) for given in with_year]
    row: Any = pd.concat(readings, axis=1).nunique(axis=1).idxmax()  # tells them apart
    shown = ", ".join(
        f"{reading[row]:%Y-%m-%d} with --date-format {_quoted(given)}"
        for given, reading in zip(with_year, readings, strict=True)
    )
    reason = (
        f"can be read in several ways: {shown}; say which"
        if len(with_year) > 1
        else f"has a year of two digits, or none: it is {shown}; write four digits if that is wrong"
    )
    return clock.refused(text, row, reason + more)


def _refuse_parts_of_dates(text: pd.Series, clock: Clock) -> None:
    """Times of day, and numbers of years that are none: pandas would add the rest by itself."""
    hours = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?"
    reasons = {
        hours: "is a time of day without a date; if another column has the date, name both, such "
        "as --time-col Date --time-col Time",
        r"\d{1,2}[-/.]\d{1,2}": "has no year of four digits, so that it is no date (perhaps a year "
        "and month of a study); write dates such as 2022-01, or number the rows 1, 2, 3, …",
        r"[+-]?\d*[.,]\d+(?:[eE][+-]?\d+)?": "is a decimal number, and no time stamp; write dates, "
        "or number the rows 1, 2, 3, …",
    }
    for pattern, reason in reasons.items():
        found = text.str.fullmatch(pattern)
        if found.mean() > 0.5:
            raise clock.refused(text, text.index[found][0], reason)


def _refuse_fiscal_years(text: pd.Series, clock: Clock) -> None:
    """2000-01, 2001-02, …: years that end in the next one, and months 13 months apart."""
    found = text.str.extract(r"^(\d{4})[-/](\d{2})$")
    if found.isna().any(axis=None) or text.nunique() < 2:
        return
    if ((found[0].astype(int) + 1) % 100 == found[1].astype(int)).all():
        raise clock.refused(
            text, text.index[0], "ends in the next year, as all rows do and as fiscal years are "
            "written, so that it is no month; write the year in which each begins, such as "
            f"{found[0].iloc[0]}",
        )  # fmt: skip


def _different(readings: dict[str, pd.Series]) -> list[str]:
    """One of each set of formats that read the same, as %b and %B do in May."""
    kinds = {dates.to_numpy().tobytes(): given for given, dates in reversed(readings.items())}
    return list(kinds.values())[::-1]


def without_offset(date_format: str) -> str:
    """A format for text whose offset from UTC, or mark of UTC, was cut off."""
    given = re.sub(r"\s*%z", "", date_format)
    return re.sub(r"(:%M|:%S|%f|T%H%M|T%H%M%S)\s?(?:UTC|GMT|Z)$", r"\1", given)


def parsed(text: pd.Series, given: str) -> pd.Series:
    """Time stamps, missing where the text isn't in a format."""
    try:
        return pd.to_datetime(text, format=given, errors="coerce")
    except ValueError as error:  # no format at all
        raise CommandError(f"--date-format {_quoted(given)}: {error}") from None


def read_weeks(text: pd.Series, clock: Clock) -> pd.Series:
    """The Mondays of weeks such as 2022-W05."""
    days = parsed(text.str.replace("-", "") + "1", "%GW%V%u")
    if days.isna().any():
        raise clock.refused(text, text.index[days.isna()][0], "is no week of a year")
    return days


def _quoted(given: str) -> str:
    return f"'{given}'" if re.search(r"[ ,]", given) else given


# --- whole numbers -------------------------------------------------------------------------------


def read_numbers(text: pd.Series, clock: Clock) -> tuple[pd.Series, str]:
    """Numbers that count, unless they are dates; a year counts."""
    if clock.date_format in SINCE_1970:
        return _since_1970(text, clock), ""
    if clock.date_format is not None:
        return read_dates(text, clock)
    digits = text.str.len()
    if not clock.counts and (digits == digits.iloc[0]).all():
        count = int(digits.iloc[0])
        formats = _OF_NUMBERS.get(count, [])
        dates = {given: _plausible(text, given, clock) for given in formats}
        fitting = [given for given in formats if dates[given].notna().all()]
        if len(fitting) == 1 and "%Y" in fitting[0]:
            return dates[fitting[0]], f"dates as {fitting[0]}"
        if fitting:
            raise _ambiguous(text, fitting, clock, ", or --freq 1 if the numbers count")
        _refuse_odd_dates(text, dates, clock)
        _refuse_seconds(text, clock, _DIGITS_SINCE_1970.get(count))
    return _whole(text, clock), ""


def _since_1970(text: pd.Series, clock: Clock) -> pd.Series:
    unit = clock.date_format or ""
    numbers = _whole(text, clock)
    years = 1970 + numbers // _PER_YEAR[unit]  # beyond what pandas holds, too
    odd = years.index[~years.between(*_YEARS)]
    if len(odd):
        raise clock.refused(
            text, odd[0], f"is in the year {years[odd[0]]} if it counts {SINCE_1970[unit]} since "
            "1970; another --date-format (s, ms, us or ns) names its unit",
        )  # fmt: skip
    stamps = pd.Series(numbers.to_numpy(f"datetime64[{unit}]"), text.index)
    if clock.zone is None:
        return stamps
    return pd.Series(stamps.dt.tz_localize("UTC").dt.tz_convert(clock.zone))


def _whole(text: pd.Series, clock: Clock) -> pd.Series:
    try:
        return text.astype(np.int64)
    except (ValueError, OverflowError):
        longest = text.str.len().idxmax()
        raise clock.refused(text, longest, "is too large a number to count time") from None


def _plausible(text: pd.Series, given: str, clock: Clock) -> pd.Series:
    dates = parsed(text, given)
    return dates.where(dates.dt.year.between(*_YEARS))


def _refuse_odd_dates(text: pd.Series, dates: dict[str, pd.Series], clock: Clock) -> None:
    for given, found in dates.items():
        if "%Y" in given and found.notna().mean() > 0.5:
            raise clock.refused(
                text, text.index[found.isna()][0], f"is no date as {given}, as most others are; "
                "mend it, or --freq 1 if the numbers count",
            )  # fmt: skip


def _refuse_seconds(text: pd.Series, clock: Clock, unit: str | None) -> None:
    if unit is None:
        return
    first = _whole(text, clock).to_numpy(f"datetime64[{unit}]")[0].astype("datetime64[us]").item()
    if 1990 <= first.year <= 2100:
        raise clock.refused(
            text, text.index[0], f"may be {SINCE_1970[unit]} since 1970, {first:%Y-%m-%d %H:%M} in "
            f"UTC: --date-format {unit}; if it only counts, --freq is the step",
        )  # fmt: skip
